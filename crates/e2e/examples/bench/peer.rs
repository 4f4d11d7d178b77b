//! A host's end that adds as little as it can to a round trip: it writes a line, and reads until a line is the answer.

use anyhow::{Context, Result, bail};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

/// How long an answer may take on a busy machine.
const TIMEOUT: Duration = Duration::from_mins(1);

/// A host's end: a pty's master or a Unix socket.
pub struct Peer {
    stream: File,
    received: Vec<u8>,
    scanned: usize,
    /// Size of the last `system_metrics` line in bytes.
    pub metrics_bytes: usize,
    /// Bytes read in all.
    pub bytes_read: u64,
}

impl Peer {
    /// A peer over a descriptor that blocks.
    pub fn new(stream: impl Into<OwnedFd>) -> Self {
        Self {
            stream: File::from(stream.into()),
            received: Vec::new(),
            scanned: 0,
            metrics_bytes: 0,
            bytes_read: 0,
        }
    }

    /// Sends a line again and again until the first answer: a program that starts discards what came before it was ready.
    pub fn greet(&mut self, request: &str) -> Result<()> {
        for _ in 0..TIMEOUT.as_secs() {
            self.stream.write_all(format!("{request}\n").as_bytes())?;
            if self.next_line(Instant::now() + Duration::from_secs(1))?.is_some() {
                return self.serve(Instant::now() + Duration::from_secs(1));
            }
        }
        bail!("no answer to {request} within {TIMEOUT:?}")
    }

    /// Sends bytes, and waits for nothing.
    pub fn send(&mut self, bytes: &[u8]) -> Result<()> {
        Ok(self.stream.write_all(bytes)?)
    }

    /// Sends a line and gives the time to the last byte of the answer: the first line with `wanted` in it.
    pub fn exchange(&mut self, request: &str, wanted: &str) -> Result<(Duration, String)> {
        let line = format!("{request}\n");
        let begin = Instant::now();
        self.stream.write_all(line.as_bytes())?;
        self.answer(request, wanted, begin)
    }

    /// The next line with `wanted` in it, of what was sent before.
    pub fn receive(&mut self, wanted: &str) -> Result<String> {
        Ok(self.answer("what was sent before", wanted, Instant::now())?.1)
    }

    fn answer(&mut self, request: &str, wanted: &str, begin: Instant) -> Result<(Duration, String)> {
        let deadline = begin + TIMEOUT;
        while let Some(line) = self.next_line(deadline)? {
            let taken = begin.elapsed();
            let text = String::from_utf8_lossy(&line);
            if text.contains(wanted) {
                return Ok((taken, text.into_owned()));
            }
            self.attend(&text)?;
        }
        bail!("no answer to {request} within {TIMEOUT:?}")
    }

    /// Does what a host has to until `end`: reads, and answers heartbeats.
    pub fn serve(&mut self, end: Instant) -> Result<()> {
        while let Some(line) = self.next_line(end)? {
            self.attend(&String::from_utf8_lossy(&line))?;
        }
        Ok(())
    }

    /// Serves until the next `system_metrics`.
    pub fn metrics(&mut self) -> Result<String> {
        let deadline = Instant::now() + TIMEOUT;
        while let Some(line) = self.next_line(deadline)? {
            let text = String::from_utf8_lossy(&line);
            self.attend(&text)?;
            if text.contains(r#""type":"system_metrics""#) {
                return Ok(text.into_owned());
            }
        }
        bail!("no system_metrics within {TIMEOUT:?}")
    }

    fn attend(&mut self, line: &str) -> Result<()> {
        if line.contains(r#""type":"system_metrics""#) {
            self.metrics_bytes = line.len() + 1;
        } else if line.contains(r#""type":"keep_alive""#) {
            let value: serde_json::Value = serde_json::from_str(line)?;
            let number = value["sequence_number"].as_u64().context("a heartbeat without a number")?;
            let answer = format!(
                "{{\"type\":\"KeepAliveResponse\",\"sequence_number\":{number},\"timestamp\":\"2026-01-01T00:00:00.000Z\"}}\n"
            );
            self.stream.write_all(answer.as_bytes())?;
        }
        Ok(())
    }

    /// The next line, or nothing when the deadline passes first.
    fn next_line(&mut self, deadline: Instant) -> Result<Option<Vec<u8>>> {
        loop {
            let fresh = self.received.get(self.scanned..).unwrap_or_default();
            if let Some(end) = fresh.iter().position(|&byte| byte == b'\n') {
                let line = self.received.drain(..=self.scanned + end).collect();
                self.scanned = 0;
                return Ok(Some(line));
            }
            self.scanned = self.received.len();
            if !self.wait(deadline)? {
                return Ok(None);
            }
            let mut chunk = [0; 16 << 10];
            let count = self.stream.read(&mut chunk)?;
            self.bytes_read += count as u64;
            self.received.extend_from_slice(chunk.get(..count).unwrap_or_default());
        }
    }

    fn wait(&self, deadline: Instant) -> Result<bool> {
        let left = Timespec::try_from(deadline.saturating_duration_since(Instant::now()))?;
        Ok(poll(&mut [PollFd::new(&self.stream, PollFlags::IN)], Some(&left))? > 0)
    }
}
