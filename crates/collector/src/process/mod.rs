//! Processes: a process in the table, from `/proc/PID/stat`, the one file that is read of every process each time; and what is
//! read of those only that are listed.

pub(crate) mod details;
pub(crate) mod query;
pub(crate) mod table;
#[cfg(any(test, target_os = "windows"))]
pub(crate) mod windows;

use crate::numbers::{count, counter};
use infiniservice_platform::linux::procfs::Stat;
use infiniservice_platform::linux::text::{ParseError, lines, printable, unsigned, words};

/// Names of programs have 15 bytes, those of kernel workers up to 63, of which these are kept.
const MAX_NAME_BYTES: usize = 31;

/// A process's name in place: a table of thousands has no string of its own for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name {
    len: u8,
    bytes: [u8; MAX_NAME_BYTES],
}

impl Name {
    /// Cut where it is too long.
    pub fn new(name: &[u8]) -> Self {
        let len = name.len().min(MAX_NAME_BYTES);
        let mut bytes = [0; MAX_NAME_BYTES];
        bytes[..len].copy_from_slice(&name[..len]);
        Self { len: len as u8, bytes }
    }

    /// As the kernel has it: any bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    /// For the wire.
    pub fn text(&self) -> String {
        printable(self.bytes(), MAX_NAME_BYTES * 3)
    }
}

/// One process at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Record {
    /// Process id.
    pub pid: u32,
    /// Parent, 0 for none.
    pub ppid: u32,
    /// Clock ticks after boot; with `pid` it tells a process from a later one of the same pid.
    pub started: u64,
    /// User and system time in clock ticks.
    pub cpu_ticks: u64,
    /// Resident set, in pages.
    pub rss_pages: u64,
    /// Number of threads.
    pub threads: u32,
    /// Of one core, set by the table from two samples.
    pub cpu_percent: f32,
    /// `R`, `S`, `D`, …
    pub state: u8,
    /// A thread of the kernel: no program, no arguments.
    pub is_kernel: bool,
    /// The kernel's name for it.
    pub name: Name,
}

/// Reads one `/proc/PID/stat`.
pub fn parse_stat(text: &[u8]) -> Result<Record, ParseError> {
    let stat = Stat::parse(text)?;
    Ok(Record {
        pid: stat.pid,
        ppid: stat.ppid,
        started: stat.started,
        cpu_ticks: stat.cpu_ticks,
        rss_pages: stat.rss_pages,
        threads: count(stat.threads),
        cpu_percent: 0.0,
        state: stat.state,
        is_kernel: stat.is_kernel,
        name: Name::new(stat.name),
    })
}

/// The kernel's state letter in the wire's words.
pub fn status(state: u8) -> &'static str {
    match state {
        b'R' => "running",
        b'D' => "disk_sleep",
        b'T' | b't' => "stopped",
        b'Z' | b'X' | b'x' => "zombie",
        b'I' => "idle",
        _ => "sleeping",
    }
}

/// What changes seldom in a process's life.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// The executable, where there is one and it may be read.
    pub exe_path: Option<String>,
    /// Arguments joined by blanks.
    pub cmd_line: Option<String>,
    /// Effective user id.
    pub user_id: Option<u32>,
    /// One of the files did not answer: this is not all, and is read again.
    pub unanswered: bool,
}

/// Effective user id, from `/proc/PID/status` (`proc_pid_status(5)`: real, effective, saved, file system).
pub fn user_id(status: &[u8]) -> Option<u32> {
    let line = lines(status).find_map(|(_, line)| line.strip_prefix(b"Uid:"))?;
    words(line).nth(1).and_then(unsigned).and_then(|id| u32::try_from(id).ok())
}

/// Bytes read from and written to storage, from `/proc/PID/io` (`proc_pid_io(5)`).
pub fn storage_bytes(io: &[u8]) -> Option<(u64, u64)> {
    let value = |key: &[u8]| {
        let line = lines(io).find_map(|(_, line)| line.strip_prefix(key))?;
        words(line).next().and_then(unsigned).map(counter)
    };
    Some((value(b"read_bytes:")?, value(b"write_bytes:")?))
}

/// Arguments joined by blanks, at most `max` bytes; `None` where there are none (kernel threads, zombies).
pub fn command_line(cmdline: &[u8], max: usize) -> Option<String> {
    let end = cmdline.iter().rposition(|b| *b != 0)? + 1;
    Some(printable(&cmdline[..end], max)).filter(|text| !text.trim().is_empty())
}

/// The path that `/proc/PID/exe` points to, without the kernel's mark on a file that was replaced.
pub fn executable(target: &[u8], max: usize) -> Option<String> {
    let path = target.strip_suffix(b" (deleted)").unwrap_or(target);
    path.starts_with(b"/").then(|| printable(path, max))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line(name: &str) -> String {
        format!(
            "4711 ({name}) S 1 4711 4711 0 -1 4194560 42 11 0 6 112 43 4 6 20 0 3 0 24 51810304 4771 18446744073709551615 1\n"
        )
    }

    #[test]
    fn a_kernel_workers_long_name_is_cut() {
        let name = parse_stat(line("kworker/u64:3-events_power_efficient").as_bytes()).unwrap().name;
        assert_eq!(name.text(), "kworker/u64:3-events_power_effi");
    }

    #[test]
    fn the_effective_user_is_the_second_number() {
        let status = b"Name:\tsudo\nUmask:\t0022\nUid:\t1000\t0\t0\t0\nGid:\t1000\t1\t1\t1\n";
        assert_eq!(user_id(status), Some(0));
        assert_eq!(user_id(b"Uid:\t1000\n"), None);
    }

    #[test]
    fn storage_is_not_what_went_through_the_page_cache() {
        let io = b"rchar: 9\nwchar: 9\nsyscr: 1\nsyscw: 1\nread_bytes: 4096\nwrite_bytes: 8192\ncancelled_write_bytes: 0\n";
        assert_eq!(storage_bytes(io), Some((4096, 8192)));
        assert_eq!(storage_bytes(b"rchar: 9\n"), None);
    }

    #[test]
    fn arguments_are_joined_and_bounded() {
        assert_eq!(command_line(b"/bin/sh\0-c\0echo a\n\0\0\0", 4096).as_deref(), Some("/bin/sh -c echo a "));
        assert_eq!(command_line(b"abcdef\0", 3).as_deref(), Some("abc"));
        assert_eq!(command_line(b"\xff\xfe\0", 64).as_deref(), Some("\u{fffd}\u{fffd}"));
        assert_eq!(
            [command_line(b"", 64), command_line(b"\0\0", 64), command_line(b"  \0", 64)],
            [None, None, None]
        );
    }

    #[test]
    fn a_replaced_program_keeps_its_path() {
        assert_eq!(executable(b"/usr/bin/x (deleted)", 4096).as_deref(), Some("/usr/bin/x"));
        assert_eq!(executable(b"", 4096), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_within_the_bounds(bytes: Vec<u8>, max in 0usize..100) {
            let _ = (user_id(&bytes), storage_bytes(&bytes));
            prop_assert!(command_line(&bytes, max).is_none_or(|text| text.len() <= max));
            prop_assert!(executable(&bytes, max).is_none_or(|text| text.len() <= max));
        }
    }
}
