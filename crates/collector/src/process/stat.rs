//! `/proc/PID/stat` (`proc_pid_stat(5)`): the one file that is read of every process each time.

use crate::error::ParseError;
use crate::numbers::count;
use crate::text::{printable, unsigned, unsigned_or_negative, words};

/// A kernel thread (`PF_KTHREAD` in include/linux/sched.h).
const PF_KTHREAD: u64 = 0x0020_0000;
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

/// Reads one `/proc/PID/stat`. The name may hold anything, also blanks, newlines and `)`: the last `)` ends it.
pub fn parse(text: &[u8]) -> Result<Record, ParseError> {
    let missing = |item| ParseError::new(1, item);
    let open = text.iter().position(|b| *b == b'(').ok_or(missing("("))?;
    let close = text.iter().rposition(|b| *b == b')').filter(|at| *at > open).ok_or(missing(")"))?;
    let pid = unsigned(text[..open].trim_ascii()).ok_or(missing("pid"))?;
    let mut fields = Fields { words: words(text[close + 1..].trim_ascii_end()), next: 3 };
    let state = fields.word(3).and_then(|word| word.first().copied()).ok_or(missing("state"))?;
    let mut number = |field, item| fields.number(field).ok_or(missing(item));
    Ok(Record {
        pid: count(pid),
        name: Name::new(&text[open + 1..close]),
        state,
        ppid: count(number(4, "ppid")?),
        is_kernel: number(9, "flags")? & PF_KTHREAD != 0,
        cpu_ticks: number(14, "utime")?.saturating_add(number(15, "stime")?),
        threads: count(number(20, "num_threads")?),
        started: number(22, "starttime")?,
        rss_pages: number(24, "rss")?,
        cpu_percent: 0.0,
    })
}

/// The fields after the name, numbered as in the manual page; asked for in rising order.
struct Fields<'a, I: Iterator<Item = &'a [u8]>> {
    words: I,
    next: usize,
}

impl<'a, I: Iterator<Item = &'a [u8]>> Fields<'a, I> {
    fn word(&mut self, field: usize) -> Option<&'a [u8]> {
        let skip = field.checked_sub(self.next)?;
        self.next = field + 1;
        self.words.nth(skip)
    }

    fn number(&mut self, field: usize) -> Option<u64> {
        self.word(field).and_then(unsigned_or_negative)
    }
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
    use proptest::prelude::*;

    fn line(name: &str) -> String {
        format!(
            "4711 ({name}) S 1 4711 4711 0 -1 4194560 42 11 0 6 112 43 4 6 20 0 3 0 24 51810304 4771 18446744073709551615 1\n"
        )
    }

    #[test]
    fn the_fields_are_those_of_the_manual_page() {
        let record = parse(line("sshd").as_bytes()).unwrap();
        assert_eq!((record.pid, record.ppid, record.state), (4711, 1, b'S'));
        assert_eq!((record.cpu_ticks, record.threads, record.started, record.rss_pages), (155, 3, 24, 4771));
        assert_eq!((record.name.text().as_str(), record.is_kernel), ("sshd", false));
    }

    #[test]
    fn a_name_may_hold_brackets_and_newlines() {
        for name in ["a) R 1 2 3", "(sd-pam)", "x\n9 (y) Z", "", ") S 5 ("] {
            let record = parse(line(name).as_bytes()).unwrap();
            assert_eq!((record.name.bytes(), record.ppid), (name.as_bytes(), 1), "{name:?}");
        }
    }

    #[test]
    fn a_kernel_workers_long_name_is_cut() {
        let name = parse(line("kworker/u64:3-events_power_efficient").as_bytes()).unwrap().name;
        assert_eq!(name.text(), "kworker/u64:3-events_power_effi");
    }

    #[test]
    fn a_torn_file_names_the_field_that_is_missing() {
        assert_eq!(parse(b"1 (a) S 1 2").unwrap_err().item, "flags");
        assert_eq!(parse(b"1 (a").unwrap_err().item, ")");
        assert_eq!(parse(b")(").unwrap_err().item, ")");
    }

    proptest! {
        #[test]
        fn any_name_leaves_the_fields_alone(name: Vec<u8>) {
            let mut text = b"7 (".to_vec();
            text.extend(&name);
            text.extend(b") Z 3 0 0 0 0 0 0 0 0 0 1 2 0 0 0 0 9 0 77 0 -5");
            let record = parse(&text).unwrap();
            prop_assert_eq!((record.ppid, record.cpu_ticks, record.started, record.rss_pages), (3, 3, 77, 0));
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            let _ = parse(&bytes);
        }
    }
}
