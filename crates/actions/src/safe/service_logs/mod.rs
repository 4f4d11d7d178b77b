//! `ServiceLogs`: the newest lines that a service logged, out of systemd's journal or Windows' event logs.

mod events;
mod journal;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(test)]
mod tests;
#[cfg(target_os = "windows")]
mod windows;

#[cfg(target_os = "linux")]
pub(super) use linux::run;
#[cfg(target_os = "windows")]
pub(super) use windows::run;

use infiniservice_exec::CommandError;
use infiniservice_protocol::ErrorCode;
use infiniservice_protocol::action::{DEFAULT_LOG_LINES, LogPriority};
use infiniservice_protocol::data::{LogLine, ServiceLogsData, TruncatedLines};
use infiniservice_protocol::timestamp::{Moment, rfc3339_millis};
use std::ops::ControlFlow;
use std::time::SystemTime;

/// Longest message that is told whole, in bytes; of a longer one the beginning is.
const MESSAGE_MAX_BYTES: usize = 16 << 10;
/// All lines of an answer together, in bytes: the wire spells a character with up to three times as many.
const ANSWER_MAX_BYTES: usize = 512 << 10;
/// What a line costs besides its texts, in bytes.
const LINE_BYTES: usize = 128;
/// Longest name of a program, in characters.
const MAX_IDENTIFIER_CHARS: usize = 256;

/// For the fuzzer: what anybody may write into a log.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn read_any(text: &str) {
    let output = infiniservice_exec::Captured::from(text.to_owned());
    let mut found = Found::at_most(DEFAULT_LOG_LINES);
    journal::read_all(&output, "", &mut found);
    let _ = found.lines.into_iter().chain(events::read(text, None)).count();
}

/// The action's parameters.
#[derive(Debug, Default)]
pub(super) struct Query {
    pub(super) service: String,
    pub(super) lines: Option<u32>,
    pub(super) priority: Option<LogPriority>,
    pub(super) since: Option<String>,
    pub(super) until: Option<String>,
}

/// What is looked for, with its times found.
#[derive(Debug, Default)]
struct Wanted {
    lines: u32,
    priority: Option<LogPriority>,
    since: Option<SystemTime>,
    until: Option<SystemTime>,
}

impl Query {
    fn wanted(&self, now: SystemTime) -> Result<Wanted, CommandError> {
        let (since, until) =
            (moment("since", self.since.as_ref(), now)?, moment("until", self.until.as_ref(), now)?);
        if let (Some(since), Some(until)) = (since, until)
            && until < since
        {
            let [since, until] = [since, until].map(rfc3339_millis);
            return Err(invalid(format!(
                "`until` must not be earlier than `since`: {until} is before {since}"
            )));
        }
        let lines = self.lines.unwrap_or(DEFAULT_LOG_LINES);
        Ok(Wanted { lines, priority: self.priority, since, until })
    }
}

/// The contract has read it once already.
fn moment(name: &str, text: Option<&String>, now: SystemTime) -> Result<Option<SystemTime>, CommandError> {
    let Some(text) = text else { return Ok(None) };
    let moment = Moment::parse(text).ok_or_else(|| invalid(format!("`{name}` is no time")))?;
    Ok(Some(moment.seen_at(now)))
}

fn invalid(error: String) -> CommandError {
    CommandError::new(ErrorCode::InvalidParameter, error)
}

/// The lines that were found, the newest first, as many as the answer may have.
#[derive(Debug)]
struct Found {
    most: usize,
    bytes: usize,
    lines: Vec<LogLine>,
    more: bool,
}

impl Found {
    fn at_most(most: u32) -> Self {
        Self { most: most as usize, bytes: 0, lines: Vec::new(), more: false }
    }

    /// Takes the next older line, unless there are enough.
    fn take(&mut self, mut line: LogLine) -> ControlFlow<()> {
        if line.message.len() > MESSAGE_MAX_BYTES {
            line.message.truncate(line.message.floor_char_boundary(MESSAGE_MAX_BYTES));
            line.cut = true;
        }
        self.bytes += line.message.len() + line.identifier.as_ref().map_or(0, String::len) + LINE_BYTES;
        self.more = self.lines.len() >= self.most || self.bytes > ANSWER_MAX_BYTES;
        if self.more {
            return ControlFlow::Break(());
        }
        self.lines.push(line);
        ControlFlow::Continue(())
    }

    fn data(self, service: &str) -> ServiceLogsData {
        let truncated = self.more.then(|| TruncatedLines { lines: self.lines.len() as u64 + 1 });
        ServiceLogsData { service: service.to_owned(), lines: self.lines, truncated }
    }
}

/// A program's name, if it has one.
fn identifier(name: &str) -> Option<String> {
    Some(name.chars().take(MAX_IDENTIFIER_CHARS).collect()).filter(|name: &String| !name.is_empty())
}
