//! Watches the bytes that the bulk port takes.

use super::checker::Found;
use super::lines::{self, Line};
use infiniservice_protocol::compression::Decoder;

/// Longest line that a compressed one may hold: the world's.
const MAX_LINE: usize = 128 * 1024;

/// The watch over the bulk port's output.
#[derive(Debug)]
pub struct BulkBytes {
    /// The line so far.
    line: Vec<u8>,
    /// Bytes of it that were offered and not yet taken.
    rest: usize,
    /// A connection has begun.
    newline_due: bool,
    /// Whether `channel` is due; `None`: it may come.
    start_due: Option<bool>,
    /// Whole lines that were taken, and are to be looked at.
    pub whole: Vec<Vec<u8>>,
}

impl Default for BulkBytes {
    fn default() -> Self {
        Self { line: Vec::new(), rest: 0, newline_due: false, start_due: Some(false), whole: Vec::new() }
    }
}

impl BulkBytes {
    /// The link was told that a host is there.
    pub fn connected(&mut self) {
        self.newline_due = true;
    }

    /// The link gives up the line under way. One that lacks only its newline is as good as taken, where `taken` says so.
    pub fn given_up(&mut self, taken: bool) {
        let line = std::mem::take(&mut self.line);
        if taken && !is_start(&line) && lines::read(&line).is_some() {
            self.whole.push(line);
        }
        self.rest = 0;
    }

    /// The port took the first `count` of the bytes that were offered.
    pub fn accept(&mut self, bytes: &[u8], count: usize) -> Found {
        if bytes == b"\n" {
            // A connection begins, whatever was under way; or the line ends, and then no `channel` is due.
            self.start_due = if self.rest == 1 { None } else { Some(true) };
            self.given_up(true);
            self.newline_due = false;
            return Ok(());
        }
        if std::mem::take(&mut self.newline_due) {
            return Err("a connection of the bulk port did not begin with a newline".into());
        }
        if self.rest > 0 && self.rest != bytes.len() {
            return Err(format!("{} bytes offered where {} of the line were left", bytes.len(), self.rest));
        }
        self.rest = bytes.len() - count;
        self.line.extend_from_slice(bytes.get(..count).unwrap_or_default());
        if self.rest == 0 { self.ended() } else { Ok(()) }
    }

    fn ended(&mut self) -> Found {
        let mut line = std::mem::take(&mut self.line);
        if line.pop() != Some(b'\n') {
            return Err("a line of the bulk port without its newline".into());
        }
        let is_start = is_start(&line);
        if self.start_due.replace(false).unwrap_or(is_start) != is_start {
            return Err("`channel` is the first line of a connection, and only that".into());
        }
        if !is_start {
            self.whole.push(line);
        }
        Ok(())
    }
}

fn is_start(line: &[u8]) -> bool {
    line.starts_with(b"{\"type\":\"channel\",\"role\":\"bulk\",")
}

/// What a line of the bulk port says; it may be compressed, and never needs another one.
pub fn plain(line: &[u8]) -> Result<Option<(Line, Vec<u8>)>, String> {
    if lines::read(line) != Some(Line::Compressed) {
        return Ok(lines::read(line).map(|kind| (kind, line.to_vec())));
    }
    let within = Decoder::new(MAX_LINE).decode(&String::from_utf8_lossy(line)).map_err(|e| e.to_string())?;
    let within = within.unwrap_or_default().into_bytes();
    Ok(lines::read(&within).map(|kind| (kind, within)))
}
