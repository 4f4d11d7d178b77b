//! What journalctl is asked, and its answer: an object a line (`journalctl(1)`, `systemd.journal-fields(7)`).
#![cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "tested on every platform"))]

use super::{Found, Wanted, identifier};
use crate::autochecks::journal_entry::JournalEntry;
use infiniservice_exec::{Captured, Request};
use infiniservice_protocol::action::LogPriority;
use infiniservice_protocol::data::LogLine;
use infiniservice_protocol::timestamp::rfc3339_millis;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// All that is read of an entry.
const FIELDS: &str = "--output-fields=MESSAGE,PRIORITY,SYSLOG_IDENTIFIER,_COMM,_PID,SYSLOG_PID";
/// Output of one look, in bytes: more than an answer may hold, as a message that is no UTF-8 takes up to four times its length.
const MAX_BYTES: usize = 4 << 20;
/// The longest escape of a character in JSON: `\u001b`.
const ESCAPE_BYTES: usize = 6;

/// The newest first, and one more than is wanted: whether there is one is told. Without `--all` a message of more than
/// 4096 bytes would be left out.
pub(super) fn request(unit: &str, wanted: &Wanted) -> Request {
    let mut arguments: Vec<String> =
        ["--output=json", FIELDS, "--all", "--reverse", "--no-pager"].map(str::to_owned).into();
    arguments.push(format!("--unit={unit}"));
    arguments.push(format!("--lines={}", u64::from(wanted.lines) + 1));
    arguments.extend(wanted.priority.map(|priority| format!("--priority={}", priority.word())));
    arguments.extend(wanted.since.map(|time| format!("--since={}", at(time))));
    arguments.extend(wanted.until.map(|time| format!("--until={}", at(time))));
    Request::new("journalctl", arguments).max_output(MAX_BYTES)
}

/// As `systemd.time(7)` reads it: seconds since 1970.
fn at(time: SystemTime) -> String {
    let since_epoch = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("@{}.{:06}", since_epoch.as_secs(), since_epoch.subsec_micros())
}

/// Reads what journalctl wrote into `found`: all of it or, with the oldest entries left out, its beginning.
pub(super) fn read_all(output: &Captured, now: &str, found: &mut Found) {
    let last = output.text.lines().count().saturating_sub(1);
    for (at, text) in output.text.lines().enumerate() {
        let newer = found.lines.last().map_or(now, |line| &line.time);
        let line = read(text).or_else(|| cut(text, newer).filter(|_| output.truncated && at == last));
        if line.is_some_and(|line| found.take(line).is_break()) {
            return;
        }
    }
    found.more |= output.truncated;
}

/// Reads an entry; other lines are none.
fn read(text: &str) -> Option<LogLine> {
    let entry = JournalEntry::read(text)?;
    Some(line(&entry, time(&entry)?))
}

/// Reads what there is of an entry that was cut. journalctl 252 writes the fields in any order, so that its time may be behind
/// that; then it has that of the line before it, `newer`.
fn cut(text: &str, newer: &str) -> Option<LogLine> {
    let entry = repaired(text)?;
    Some(LogLine { cut: true, ..line(&entry, time(&entry).unwrap_or_else(|| newer.to_owned())) })
}

fn time(entry: &JournalEntry) -> Option<String> {
    Some(rfc3339_millis(UNIX_EPOCH + Duration::from_micros(entry.micros()?)))
}

fn line(entry: &JournalEntry, time: String) -> LogLine {
    let text = |field: &str| entry.text(field);
    LogLine {
        time,
        priority: text("PRIORITY").and_then(|number| LogPriority::from_number(number.parse().ok()?)),
        identifier: text("SYSLOG_IDENTIFIER").or_else(|| text("_COMM")).and_then(identifier),
        pid: text("_PID").or_else(|| text("SYSLOG_PID")).and_then(|pid| pid.parse().ok()),
        message: text("MESSAGE").unwrap_or_default().to_owned(),
        cut: false,
    }
}

/// An object that was cut within its last text, or within its last list of bytes, closed there.
fn repaired(text: &str) -> Option<JournalEntry> {
    let tail = text.floor_char_boundary(text.len().saturating_sub(ESCAPE_BYTES));
    let escape = text.get(tail..)?.find('\\').map_or(text.len(), |at| tail + at);
    let whole = text.get(..escape)?.trim_end_matches('\\');
    let (list, _) = text.rsplit_once(',')?;
    [format!("{whole}\"}}"), format!("{list}]}}")].iter().find_map(|text| JournalEntry::read(text))
}
