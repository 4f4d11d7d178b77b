//! `/proc/PID/stat` (`proc_pid_stat(5)`).

use super::text::{ParseError, unsigned, unsigned_or_negative, words};

/// A kernel thread (`PF_KTHREAD` in include/linux/sched.h).
const PF_KTHREAD: u64 = 0x0020_0000;

/// One process at one moment, as far as anything here wants to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat<'a> {
    /// Process id.
    pub pid: u32,
    /// The kernel's name for it: any bytes, at most 15 of a program and 63 of a kernel worker.
    pub name: &'a [u8],
    /// `R`, `S`, `D`, `T`, `Z`, …
    pub state: u8,
    /// Parent, 0 for none.
    pub ppid: u32,
    /// Session, 0 for none.
    pub session: u32,
    /// A thread of the kernel: no program, no arguments, and no signal ends it.
    pub is_kernel: bool,
    /// User and system time in clock ticks.
    pub cpu_ticks: u64,
    /// Number of threads.
    pub threads: u64,
    /// Clock ticks after boot; with `pid` it tells a process from a later one of the same pid.
    pub started: u64,
    /// Resident set, in pages.
    pub rss_pages: u64,
}

impl<'a> Stat<'a> {
    /// Reads the file. The name may hold anything, also blanks, newlines and `)`: the last `)` ends it.
    ///
    /// # Errors
    /// When a field is missing; the kernel writes all of them at once.
    pub fn parse(text: &'a [u8]) -> Result<Self, ParseError> {
        let missing = |item| ParseError::new(1, item);
        let open = text.iter().position(|b| *b == b'(').ok_or(missing("("))?;
        let close = text.iter().rposition(|b| *b == b')').filter(|at| *at > open).ok_or(missing(")"))?;
        let part = |range| text.get::<std::ops::Range<usize>>(range).unwrap_or_default();
        let pid = unsigned(part(0..open).trim_ascii()).ok_or(missing("pid"))?;
        let rest = part(close + 1..text.len()).trim_ascii_end();
        let mut fields = Fields { words: words(rest), next: 3 };
        let state = fields.word(3).and_then(|word| word.first().copied()).ok_or(missing("state"))?;
        let mut number = |field, item| fields.number(field).ok_or(missing(item));
        Ok(Self {
            pid: id(pid),
            name: part(open + 1..close),
            state,
            ppid: id(number(4, "ppid")?),
            session: id(number(6, "session")?),
            is_kernel: number(9, "flags")? & PF_KTHREAD != 0,
            cpu_ticks: number(14, "utime")?.saturating_add(number(15, "stime")?),
            threads: number(20, "num_threads")?,
            started: number(22, "starttime")?,
            rss_pages: number(24, "rss")?,
        })
    }

    /// Ended, and only kept until its parent asks for its exit status.
    pub fn is_zombie(&self) -> bool {
        is_zombie(self.state)
    }
}

/// Whether a process in this state has ended.
pub fn is_zombie(state: u8) -> bool {
    matches!(state, b'Z' | b'X' | b'x')
}

/// A pid has 22 bits (`PID_MAX_LIMIT`); what is larger is nobody's.
fn id(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX).min(i32::MAX.unsigned_abs())
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line(name: &str) -> String {
        format!(
            "4711 ({name}) S 1 4711 4710 0 -1 4194560 42 11 0 6 112 43 4 6 20 0 3 0 24 51810304 4771 18446744073709551615 1\n"
        )
    }

    #[test]
    fn the_fields_are_those_of_the_manual_page() {
        let line = line("sshd");
        let stat = Stat::parse(line.as_bytes()).unwrap();
        assert_eq!((stat.pid, stat.ppid, stat.session, stat.state), (4711, 1, 4710, b'S'));
        assert_eq!((stat.cpu_ticks, stat.threads, stat.started, stat.rss_pages), (155, 3, 24, 4771));
        assert_eq!((stat.name, stat.is_kernel, stat.is_zombie()), (&b"sshd"[..], false, false));
    }

    #[test]
    fn a_name_may_hold_brackets_and_newlines() {
        for name in ["a) R 1 2 3", "(sd-pam)", "x\n9 (y) Z", "", ") S 5 ("] {
            let line = line(name);
            let stat = Stat::parse(line.as_bytes()).unwrap();
            assert_eq!((stat.name, stat.ppid), (name.as_bytes(), 1), "{name:?}");
        }
    }

    #[test]
    fn a_kernel_thread_is_known_by_its_flag() {
        // kthreadd of a Linux 6.1.
        let line = b"2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 4 0 0";
        assert!(Stat::parse(line).unwrap().is_kernel);
    }

    #[test]
    fn a_torn_file_names_the_field_that_is_missing() {
        assert_eq!(Stat::parse(b"1 (a) S 1 2").unwrap_err().item, "session");
        assert_eq!(Stat::parse(b"1 (a) S 1 2 3").unwrap_err().item, "flags");
        assert_eq!(Stat::parse(b"1 (a").unwrap_err().item, ")");
        assert_eq!(Stat::parse(b")(").unwrap_err().item, ")");
    }

    proptest! {
        #[test]
        fn any_name_leaves_the_fields_alone(name: Vec<u8>) {
            let mut text = b"7 (".to_vec();
            text.extend(&name);
            text.extend(b") Z 3 0 0 0 0 0 0 0 0 0 1 2 0 0 0 0 9 0 77 0 -5");
            let stat = Stat::parse(&text).unwrap();
            prop_assert_eq!((stat.ppid, stat.cpu_ticks, stat.started, stat.rss_pages), (3, 3, 77, 0));
            prop_assert!(stat.is_zombie());
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            let _ = Stat::parse(&bytes);
        }
    }
}
