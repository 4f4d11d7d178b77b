//! The kernel's log since boot, from the journal's JSON (`journalctl(1)`, `systemd.journal-fields(7)`).

use super::journal_entry::JournalEntry;
use infiniservice_exec::Request;
use infiniservice_platform::sanitize::blanked;

/// So many lines of each kind are looked at, the newest first.
const MAX_LINES: usize = 2000;
/// Output of one look, in bytes: as many lines as that, each with what journalctl adds.
pub const MAX_BYTES: usize = 4 << 20;

/// The beginnings of the warnings that a check looks for: want of memory makes thousands of others, and any user can bring that about.
const WARNINGS: &str = r"^(EXT4-fs \(|XFS \(|BTRFS warning |F2FS-fs \(|nvme nvme[0-9]+: |sd [0-9:]+ |ata[0-9.]+: |md/|WARNING: Pool ')";

/// One line of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// The text, control characters as blanks.
    pub message: String,
    /// Seconds since 1970.
    pub at_secs: u64,
    /// 0 (emergency) to 7 (debug), where it is told.
    pub priority: Option<u8>,
    /// 0 is the kernel itself; what programs write into its log has another.
    pub facility: Option<u8>,
}

/// What was read of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log {
    /// The newest first, as far as it was read.
    pub entries: Vec<Entry>,
    /// That there is more, as a sentence.
    pub unseen: Option<String>,
}

impl Log {
    /// Reads what journalctl wrote, all of it or its beginning.
    pub fn read(output: &str, truncated: bool) -> Self {
        let entries = parse(output);
        let cut = truncated || output.lines().count() >= MAX_LINES;
        let unseen = cut
            .then(|| format!("Only the newest {} lines of the kernel's log were examined.", entries.len()));
        Self { entries, unseen }
    }

    /// Both of two parts.
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        self.entries.extend(other.entries);
        self.entries.sort_by_key(|entry| std::cmp::Reverse(entry.at_secs));
        self.unseen = self.unseen.or(other.unseen);
        self
    }
}

/// Asks for the errors and worse of the kernel since boot.
pub fn errors() -> Request {
    request(&["-p", "err"])
}

/// Asks for those of its warnings that matter; all of them where this journalctl cannot look for a pattern.
pub fn warnings(by_pattern: bool) -> Request {
    let range = "warning..warning";
    if by_pattern { request(&["-p", range, "-g", WARNINGS]) } else { request(&["-p", range]) }
}

fn request(which: &[&str]) -> Request {
    let lines = MAX_LINES.to_string();
    let fields = "--output-fields=MESSAGE,PRIORITY,SYSLOG_FACILITY";
    let all = ["-k", "-b", "-o", "json", fields, "-r", "-n", lines.as_str(), "--no-pager", "-q"];
    Request::new("journalctl", all.iter().chain(which).map(|word| (*word).to_owned())).max_output(MAX_BYTES)
}

/// Reads what came; a line that is not understood, such as a last one that was cut, is passed over.
pub fn parse(output: &str) -> Vec<Entry> {
    output.lines().filter_map(entry).collect()
}

fn entry(line: &str) -> Option<Entry> {
    let line = JournalEntry::read(line)?;
    let number = |field: &str| line.text(field)?.parse().ok();
    Some(Entry {
        message: blanked(line.text("MESSAGE")?),
        at_secs: line.micros()? / 1_000_000,
        priority: number("PRIORITY"),
        facility: number("SYSLOG_FACILITY"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RECORDED: &str = include_str!("../../tests/fixtures/autochecks/journalctl-252-linux-6.1.json");

    #[test]
    fn a_recorded_log_is_read_line_by_line() {
        let entries = parse(RECORDED);
        assert_eq!(entries.len(), RECORDED.lines().count());
        assert!(entries.iter().all(|entry| entry.at_secs > 1_700_000_000 && !entry.message.is_empty()));
    }

    #[test]
    fn messages_that_are_no_text_are_read_and_a_cut_line_is_passed_over() {
        let lines = "{\"__REALTIME_TIMESTAMP\":\"1700000000000000\",\"MESSAGE\":[104,105,27,255]}\n\
                     {\"__REALTIME_TIMESTAMP\":\"1700000000000000\",\"MESSAGE\":[\"one\",\"two\"]}\n\
                     {\"__REALTIME_TIMESTAMP\":\"1700000000000000\",\"MESSAGE\":null}\n\
                     {\"__REALTIME_TIMESTAMP\":\"17000";
        let texts: Vec<_> = parse(lines).into_iter().map(|entry| entry.message).collect();
        assert_eq!(texts, ["hi \u{fffd}", "one"]);
    }

    #[test]
    fn a_log_that_reaches_the_bound_says_so_with_the_number_of_its_lines() {
        let line = "{\"__REALTIME_TIMESTAMP\":\"1700000000000000\",\"MESSAGE\":\"x\",\"PRIORITY\":\"3\",\"SYSLOG_FACILITY\":\"0\"}\n";
        let few = Log::read(&line.repeat(3), false);
        assert_eq!((few.entries.len(), few.unseen), (3, None));
        assert_eq!((few.entries[0].priority, few.entries[0].facility), (Some(3), Some(0)));
        assert!(Log::read(&line.repeat(3), true).unseen.unwrap().contains("newest 3 lines"));
        let many = Log::read(&line.repeat(MAX_LINES), false);
        assert!(many.unseen.as_ref().unwrap().contains("newest 2000 lines"));
        assert!(Log::default().with(many).unseen.is_some());
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic_or_a_control_character(text in "\\PC*", raw: Vec<u8>) {
            let line = serde_json::json!({ "__REALTIME_TIMESTAMP": "1", "MESSAGE": raw }).to_string();
            let _ = parse(&text);
            prop_assert!(parse(&line).iter().all(|entry| !entry.message.chars().any(char::is_control)));
        }
    }
}
