//! One pipe of a program, read to its end whatever is kept of it.

use super::capture::Capture;
use super::lines::{Splitter, TakeLine};
use crate::Captured;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{ChildStderr, ChildStdout};

const CHUNK: usize = 16 << 10;

/// Either pipe.
pub(super) struct Pipe(Box<dyn AsyncRead + Send + Unpin>);

impl From<ChildStdout> for Pipe {
    fn from(pipe: ChildStdout) -> Self {
        Self(Box::new(pipe))
    }
}

impl From<ChildStderr> for Pipe {
    fn from(pipe: ChildStderr) -> Self {
        Self(Box::new(pipe))
    }
}

/// A pipe with what was read from it.
pub(super) struct Stream<'a> {
    pipe: Option<Pipe>,
    capture: Capture,
    lines: Option<Splitter<'a>>,
    chunk: Box<[u8]>,
}

impl<'a> Stream<'a> {
    pub(super) fn new(pipe: Option<Pipe>, capture: Capture) -> Self {
        Self { pipe, capture, lines: None, chunk: vec![0; CHUNK].into_boxed_slice() }
    }

    /// The same, whose lines go to `take` besides.
    pub(super) fn with_lines(mut self, take: Option<TakeLine<'a>>) -> Self {
        self.lines = take.map(Splitter::new);
        self
    }

    pub(super) fn is_open(&self) -> bool {
        self.pipe.is_some()
    }

    /// Whether the taker of its lines wants no more.
    pub(super) fn had_enough(&self) -> bool {
        self.lines.as_ref().is_some_and(Splitter::had_enough)
    }

    /// Reads once. Cancel safe: nothing is lost where the wait is given up.
    pub(super) async fn read(&mut self) {
        let Some(pipe) = &mut self.pipe else { return };
        match pipe.0.read(&mut self.chunk).await {
            Ok(0) => self.pipe = None,
            Ok(count) => self.take(count),
            Err(error) => {
                self.capture.cut();
                log::debug!("cannot read a command's output to its end: {error}");
                self.pipe = None;
            }
        }
    }

    fn take(&mut self, count: usize) {
        let bytes = self.chunk.get(..count).unwrap_or_default();
        self.capture.push(bytes);
        if let Some(lines) = &mut self.lines {
            lines.push(bytes);
        }
        if self.had_enough() {
            self.pipe = None;
        }
    }

    pub(super) fn finish(mut self) -> Captured {
        if let Some(lines) = &mut self.lines {
            lines.finish();
        }
        self.capture.finish()
    }
}
