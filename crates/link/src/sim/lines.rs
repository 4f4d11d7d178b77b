//! Telling the guest's lines apart without a parser: the simulator reads hundreds of millions of them.

use infiniservice_protocol::compression::is_compressed;
use memchr::memmem;

/// The host's pings count from here, so that their answers cannot be taken for heartbeats.
pub const PING_BASE: u64 = 1 << 40;

/// A whole line of the guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// A response: its id, the number the model executor gave it (0: the link's own), whether it says success.
    Response {
        /// The command's id.
        id: String,
        /// See [`super::executor::Executor`].
        tag: u64,
        /// Whether that is all: it was carried out, or ended as its host wanted.
        settled: bool,
    },
    /// The result of a batch: its id, and the number that the model executor gave it.
    BatchResult {
        /// The batch's id.
        id: String,
        /// See [`super::executor::Executor`].
        tag: u64,
    },
    /// Output of the command of this id.
    Output(String),
    /// A sample: its subscription, and its number there.
    Sample(u64, u64),
    /// An error.
    Error,
    /// A heartbeat, or the answer to a ping.
    KeepAlive(u64),
    /// Metrics.
    Metrics,
    /// A compressed line, whatever is in it.
    Compressed,
    /// Anything else that is whole.
    Other,
}

const START: &str = "{\"type\":\"";

/// Reads a line; `None` when it is torn, or two run into each other.
pub fn read(line: &[u8]) -> Option<Line> {
    let text = std::str::from_utf8(line).ok()?;
    if is_compressed(text) {
        return text.ends_with("\"}").then_some(Line::Compressed);
    }
    let rest = text.strip_prefix(START)?;
    if !text.ends_with("Z\"}") || holds(rest, START) {
        return None;
    }
    let kind = rest.split('"').next()?;
    Some(match kind {
        "response" => response(rest)?,
        "error" => Line::Error,
        "keep_alive" => Line::KeepAlive(number(rest, "\"sequence_number\":")?),
        "system_metrics" => Line::Metrics,
        "batch_result" => Line::BatchResult { id: id(rest)?, tag: tag(rest)? },
        "output" => Line::Output(id(rest)?),
        "stream" => Line::Sample(number(rest, "\"subscription\":")?, number(rest, "\"seq\":")?),
        _ => Line::Other,
    })
}

/// The line's time of writing, as text.
pub fn timestamp(line: &[u8]) -> Option<&str> {
    let end = line.len().checked_sub(2)?;
    std::str::from_utf8(line.get(end.checked_sub(24)?..end)?).ok()
}

fn response(rest: &str) -> Option<Line> {
    let id = id(rest)?;
    let after = after(rest, "\"id\":\"")?;
    let success = after.get(id.len()..)?.starts_with("\",\"success\":true");
    let settled = success || holds(rest, "\"error_code\":\"CANCELLED\"");
    Some(Line::Response { id, tag: tag(rest)?, settled })
}

fn id(rest: &str) -> Option<String> {
    after(rest, "\"id\":\"")?.split('"').next().map(str::to_owned)
}

/// The output stands before the number, and may be long: look from the end.
fn tag(rest: &str) -> Option<u64> {
    let at = memmem::rfind(rest.as_bytes(), b"\"execution_time_ms\":")?;
    number(rest.get(at..)?, "\"execution_time_ms\":")
}

fn number(text: &str, name: &str) -> Option<u64> {
    let after = after(text, name)?;
    let digits = after.find(|c: char| !c.is_ascii_digit())?;
    after.get(..digits)?.parse().ok()
}

/// What stands after the first of this text.
fn after<'a>(line: &'a str, text: &str) -> Option<&'a str> {
    line.get(memmem::find(line.as_bytes(), text.as_bytes())? + text.len()..)
}

/// The standard library's search, compiled here without optimisation, took most of the simulator's time.
fn holds(line: &str, text: &str) -> bool {
    memmem::find(line.as_bytes(), text.as_bytes()).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_lines_are_told_apart_and_torn_ones_are_nothing() {
        let beat = br#"{"type":"keep_alive","sequence_number":12,"timestamp":"2023-11-14T22:13:20.001Z"}"#;
        assert_eq!(read(beat), Some(Line::KeepAlive(12)));
        assert_eq!(timestamp(beat), Some("2023-11-14T22:13:20.001Z"));
        assert_eq!(read(&beat[1..]), None);
        assert_eq!(read(&beat[..beat.len() - 1]), None);
        assert_eq!(read(&[&beat[..20], &beat[..]].concat()), None);
        let answer = br#"{"type":"response","id":"c7","success":true,"stdout":"o","execution_time_ms":5,"timestamp":"Z"}"#;
        assert_eq!(read(answer), Some(Line::Response { id: "c7".into(), tag: 5, settled: true }));
        let result = br#"{"type":"batch_result","id":"c9","success":false,"outcomes":[{"id":"c8","success":true}],"execution_time_ms":6,"timestamp":"Z"}"#;
        assert_eq!(read(result), Some(Line::BatchResult { id: "c9".into(), tag: 6 }));
        let sample = br#"{"type":"stream","subscription":3,"seq":17,"data":{},"timestamp":"Z"}"#;
        assert_eq!(read(sample), Some(Line::Sample(3, 17)));
        let output = br#"{"type":"output","id":"c2","stream":"stdout","seq":1,"text":"x","timestamp":"Z"}"#;
        assert_eq!(read(output), Some(Line::Output("c2".into())));
    }
}
