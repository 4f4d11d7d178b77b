//! Starts a child in a session of its own and behind its fence. Unsafe, because code runs between fork and exec.
#![allow(unsafe_code)]

use super::ChildSetup;
use rustix::fs::{FileType, Mode, OFlags, fcntl_getfl, fstat};
use rustix::io::{FdFlags, fcntl_getfd, fcntl_setfd};
use rustix::net::SocketType;
use rustix::net::sockopt::socket_type;
use rustix::process::{setsid, umask};
use std::fs::File;
use std::io;
use std::os::fd::{BorrowedFd, RawFd};
use std::sync::OnceLock;
use tokio::process::{Child, Command};

/// The descriptors that are asked about where `/proc` does not say which are open; the agent's own limit.
const AT_MOST: RawFd = 1024;

/// Starts the program. No descriptor of the agent goes with it: std opens all of them close-on-exec, and those that the agent
/// itself inherited are closed here. Into `join_fd` the child writes `0` to go behind its fence, before it becomes another user.
/// [`super::PreExecStep::of`] the error says whether it was one of the child's own steps that failed.
pub fn spawn(mut command: Command, join_fd: Option<File>, setup: ChildSetup) -> io::Result<Child> {
    let inherited = inherited();
    // SAFETY: between fork and exec only system calls are made, on descriptors that the closure owns; nothing is
    // allocated and no lock is taken.
    unsafe {
        command.pre_exec(move || {
            setsid()?;
            umask(Mode::from_raw_mode(0o022));
            forget_oom_protection();
            for fd in inherited {
                // One that was closed since does not matter.
                let _ = fcntl_setfd(BorrowedFd::borrow_raw(*fd), FdFlags::CLOEXEC);
            }
            if let Some(join_fd) = &join_fd {
                rustix::io::write(join_fd, b"0")?;
            }
            if setup.may_last() {
                close_what_the_exec_would();
            }
            setup.enter([BorrowedFd::borrow_raw(1), BorrowedFd::borrow_raw(2)])
        });
    }
    command.spawn()
}

/// Closed at the exec anyway, but a child that waits for its directory may never get there, and would keep the agent's port from
/// whoever opens it next. What it prints, and whether it became the program, goes into those that stay.
fn close_what_the_exec_would() {
    for number in 3..AT_MOST {
        // SAFETY: the number is only asked about; the kernel refuses those that are not open.
        let fd = unsafe { BorrowedFd::borrow_raw(number) };
        if fstat(fd).is_ok_and(|told| !leads_to_the_parent(fd, FileType::from_raw_mode(told.st_mode))) {
            // SAFETY: it is open, in a table that is the child's own, and the child's one thread has no more use for it.
            unsafe { rustix::io::close(number) };
        }
    }
}

/// Output is a pipe's writing end. std tells of a failed exec by a pipe or, as it does now, by a socket of a kind that the agent
/// itself has none of.
fn leads_to_the_parent(fd: BorrowedFd<'_>, kind: FileType) -> bool {
    match kind {
        FileType::Fifo => fcntl_getfl(fd).is_ok_and(|flags| flags & OFlags::ACCMODE == OFlags::WRONLY),
        FileType::Socket => socket_type(fd) == Ok(SocketType::SEQPACKET),
        _ => false,
    }
}

/// The agent is better protected from the kernel's out-of-memory killer than its commands may be.
fn forget_oom_protection() {
    let file = rustix::fs::open(c"/proc/self/oom_score_adj", OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty());
    // A child that keeps the protection is better than none.
    let _ = file.map(|file| rustix::io::write(file, b"0"));
}

/// Descriptors that the agent was started with and that would go on to its children; found once, as std opens no such ones.
fn inherited() -> &'static [RawFd] {
    static INHERITED: OnceLock<Vec<RawFd>> = OnceLock::new();
    INHERITED
        .get_or_init(|| numbers("/proc/self/fd").into_iter().filter(|fd| *fd > 2 && goes_on(*fd)).collect())
}

/// The numbers of descriptors that are open, or all that may be: `/proc` can be hidden, and a full table has none left to look.
fn numbers(directory: &str) -> Vec<RawFd> {
    let Ok(entries) = std::fs::read_dir(directory) else { return (0..AT_MOST).collect() };
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

fn goes_on(fd: RawFd) -> bool {
    // SAFETY: the number is only asked about; one that was closed since is refused by the kernel.
    fcntl_getfd(unsafe { BorrowedFd::borrow_raw(fd) }).is_ok_and(|flags| !flags.contains(FdFlags::CLOEXEC))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsRawFd;

    #[test]
    fn an_open_descriptor_is_found_also_where_the_kernel_does_not_list_it() {
        let file = File::open("/proc/self/stat").unwrap();
        for directory in ["/proc/self/fd", "/proc/self/no-such-directory"] {
            assert!(numbers(directory).contains(&file.as_raw_fd()), "{directory}");
        }
        assert!(!goes_on(file.as_raw_fd()), "std opened it close-on-exec");
    }
}
