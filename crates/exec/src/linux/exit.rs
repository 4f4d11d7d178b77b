//! The end of a process that is no child of ours: its pidfd becomes readable (`pidfd_open(2)`).

use infiniservice_platform::reactor_unsafe::register;
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

/// Resolves when the process has ended, at once where there is none; never where the kernel does not say.
pub(super) async fn of(pid: i32) {
    let Some(pid) = Pid::from_raw(pid) else { return };
    let opened = pidfd_open(pid, PidfdFlags::NONBLOCK);
    if opened.as_ref().is_err_and(|errno| *errno == Errno::SRCH) {
        return;
    }
    let registered = opened.map_err(Into::into).and_then(register);
    let ended = match &registered {
        Ok(fd) => fd.readable().await.map(drop).is_ok(),
        Err(_) => false,
    };
    if !ended {
        std::future::pending::<()>().await;
    }
}
