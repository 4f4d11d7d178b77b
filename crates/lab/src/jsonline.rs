//! JSON objects, one a line, over a Unix socket: the framing that QMP and the QEMU guest agent share.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// Longest line taken, in bytes: qemu-ga captures 16 MiB of each stream, a third more in base64.
const MAX_LINE_BYTES: usize = 64 * 1024 * 1024;
/// The guest agent sends this byte, which is never part of JSON, before the answer to a delimited sync.
const SYNC_BYTE: u8 = 0xff;

/// One end of a line-wise JSON conversation.
#[derive(Debug)]
pub struct JsonLines {
    stream: UnixStream,
    received: Vec<u8>,
    /// How much of `received` is known to hold no newline.
    scanned: usize,
}

impl JsonLines {
    /// Connects to the socket at `path`.
    pub fn connect(path: &Path) -> Result<Self> {
        let stream =
            UnixStream::connect(path).with_context(|| format!("cannot connect to {}", path.display()))?;
        Ok(Self::new(stream))
    }

    /// Talks over a stream that is connected already.
    pub fn new(stream: UnixStream) -> Self {
        Self { stream, received: Vec::new(), scanned: 0 }
    }

    /// Sends `value` as one line.
    pub fn send(&mut self, value: &Value) -> Result<()> {
        self.send_bytes(format!("{value}\n").as_bytes())
    }

    /// Sends `value` as one line after the byte that makes the other side forget what came before.
    pub fn send_after_sync_byte(&mut self, value: &Value) -> Result<()> {
        let mut bytes = vec![SYNC_BYTE];
        bytes.extend_from_slice(format!("{value}\n").as_bytes());
        self.send_bytes(&bytes)
    }

    fn send_bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.set_write_timeout(Some(Duration::from_secs(10)))?;
        self.stream.write_all(bytes).context("cannot write to the socket")
    }

    /// The next object, or `None` when `deadline` passes first. Lines that are not JSON are skipped: after a reset
    /// of the machine half a line may be left over.
    pub fn next(&mut self, deadline: Instant) -> Result<Option<Value>> {
        loop {
            while let Some(line) = self.take_line() {
                if let Ok(value) = serde_json::from_slice(after_sync_byte(&line)) {
                    return Ok(Some(value));
                }
            }
            if !self.receive(deadline)? {
                return Ok(None);
            }
        }
    }

    fn take_line(&mut self) -> Option<Vec<u8>> {
        let fresh = self.received.get(self.scanned..).unwrap_or_default();
        let Some(end) = fresh.iter().position(|&byte| byte == b'\n') else {
            self.scanned = self.received.len();
            return None;
        };
        let line = self.received.drain(..=self.scanned + end).collect();
        self.scanned = 0;
        Some(line)
    }

    /// Waits for more bytes; false when the deadline passed.
    fn receive(&mut self, deadline: Instant) -> Result<bool> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(false);
        }
        self.stream.set_read_timeout(Some(left))?;
        let mut buffer = [0; 16 * 1024];
        match self.stream.read(&mut buffer) {
            Ok(0) => bail!("the other end closed the socket"),
            Ok(count) => self.received.extend_from_slice(buffer.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error).context("cannot read from the socket"),
        }
        ensure!(self.received.len() <= MAX_LINE_BYTES, "a line longer than {MAX_LINE_BYTES} bytes");
        Ok(true)
    }
}

fn after_sync_byte(line: &[u8]) -> &[u8] {
    line.rsplit(|&byte| byte == SYNC_BYTE).next().unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pair() -> (JsonLines, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        (JsonLines::new(ours), theirs)
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(10)
    }

    #[test]
    fn objects_come_out_one_by_one_however_they_arrive() {
        let (mut lines, mut other) = pair();
        other.write_all(b"{\"a\":1}\r\n{\"b\"").unwrap();
        assert_eq!(lines.next(soon()).unwrap(), Some(json!({"a": 1})));
        other.write_all(b":2}\n").unwrap();
        assert_eq!(lines.next(soon()).unwrap(), Some(json!({"b": 2})));
    }

    #[test]
    fn what_stands_before_the_sync_byte_is_forgotten() {
        let (mut lines, mut other) = pair();
        other.write_all(b"{\"torn\":\xff{\"return\":7}\n").unwrap();
        assert_eq!(lines.next(soon()).unwrap(), Some(json!({"return": 7})));
    }

    #[test]
    fn noise_is_skipped() {
        let (mut lines, mut other) = pair();
        other.write_all(b"noise\n\n{\"return\":{}}\n").unwrap();
        assert_eq!(lines.next(soon()).unwrap(), Some(json!({"return": {}})));
    }

    #[test]
    fn a_passed_deadline_is_not_an_error() {
        let (mut lines, _other) = pair();
        assert_eq!(lines.next(Instant::now()).unwrap(), None);
    }

    #[test]
    fn a_closed_socket_is_an_error() {
        let (mut lines, other) = pair();
        drop(other);
        assert!(lines.next(soon()).unwrap_err().to_string().contains("closed"));
    }

    #[test]
    fn the_sync_byte_precedes_the_object_on_the_wire() {
        let (mut lines, mut other) = pair();
        lines.send_after_sync_byte(&json!({"x": 1})).unwrap();
        drop(lines);
        let mut sent = Vec::new();
        other.read_to_end(&mut sent).unwrap();
        assert_eq!(sent, b"\xff{\"x\":1}\n");
    }
}
