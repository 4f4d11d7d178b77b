//! A process in the table, from `/proc/PID/stat`: the one file that is read of every process each time.

use crate::numbers::count;
use infiniservice_platform::linux::procfs::Stat;
use infiniservice_platform::linux::text::ParseError;
use infiniservice_platform::linux::text::printable;

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
pub fn parse(text: &[u8]) -> Result<Record, ParseError> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &str) -> String {
        format!(
            "4711 ({name}) S 1 4711 4711 0 -1 4194560 42 11 0 6 112 43 4 6 20 0 3 0 24 51810304 4771 18446744073709551615 1\n"
        )
    }

    #[test]
    fn a_kernel_workers_long_name_is_cut() {
        let name = parse(line("kworker/u64:3-events_power_efficient").as_bytes()).unwrap().name;
        assert_eq!(name.text(), "kworker/u64:3-events_power_effi");
    }
}
