//! What `/proc/PID/stat` tells of a process that is about to be ended (`proc_pid_stat(5)`).

/// `PF_KTHREAD` of the kernel's include/linux/sched.h.
const KERNEL_THREAD: u64 = 0x0020_0000;

/// The few fields that decide whether a process may be ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stat {
    /// As the kernel has it, at most 15 bytes.
    pub(super) name: String,
    /// `R`, `S`, `D`, `T`, `Z`, …
    pub(super) state: char,
    /// Runs inside the kernel; signals do nothing to it.
    pub(super) kernel_thread: bool,
}

impl Stat {
    /// Reads the line. The name stands in parentheses and may itself hold any of them, so the last one ends it.
    pub(super) fn parse(line: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(line);
        let (_, rest) = text.split_once('(')?;
        let (name, rest) = rest.rsplit_once(')')?;
        let mut fields = rest.split_ascii_whitespace();
        let state = fields.next()?.chars().next()?;
        // Field 9 of the line; the state was field 3.
        let flags: u64 = fields.nth(5)?.parse().ok()?;
        Some(Self { name: name.to_owned(), state, kernel_thread: flags & KERNEL_THREAD != 0 })
    }

    /// A process that cannot be looked at; `comm` is its name as the kernel gives it.
    pub(super) fn unseen(comm: &[u8]) -> Self {
        let name = String::from_utf8_lossy(comm.trim_ascii_end()).into_owned();
        Self { name, state: '?', kernel_thread: false }
    }

    /// Ended, and only kept until its parent asks for its exit status.
    pub(super) fn ended(&self) -> bool {
        matches!(self.state, 'Z' | 'X' | 'x')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_full_of_parentheses_does_not_shift_the_fields() {
        let line = b"42 (a) S 1 (b)) T 1 42 42 0 -1 4194304 90 0 0 0";
        let stat = Stat::parse(line).unwrap();
        assert_eq!((stat.name.as_str(), stat.state, stat.kernel_thread), ("a) S 1 (b)", 'T', false));
    }

    #[test]
    fn a_kernel_thread_is_known_by_its_flag() {
        // kthreadd of a Linux 6.1.
        let line = b"2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 4 0 0";
        assert!(Stat::parse(line).unwrap().kernel_thread);
    }

    #[test]
    fn torn_lines_are_nothing() {
        for line in [&b""[..], b"1", b"1 (x", b"1 (x) S", b"1 (x) S 1 1 1 0 -1 many"] {
            assert_eq!(Stat::parse(line), None);
        }
    }
}
