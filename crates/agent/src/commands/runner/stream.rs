//! One pipe of a program, read to its end whatever is kept of it.

use super::capture::Capture;
use crate::commands::outcome::Captured;
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
pub(super) struct Stream {
    pipe: Option<Pipe>,
    capture: Capture,
    chunk: Box<[u8]>,
}

impl Stream {
    pub(super) fn new(pipe: Option<Pipe>, capture: Capture) -> Self {
        Self { pipe, capture, chunk: vec![0; CHUNK].into_boxed_slice() }
    }

    pub(super) fn is_open(&self) -> bool {
        self.pipe.is_some()
    }

    /// Reads once. Cancel safe: nothing is lost where the wait is given up.
    pub(super) async fn read(&mut self) {
        let Some(pipe) = &mut self.pipe else { return };
        match pipe.0.read(&mut self.chunk).await {
            Ok(0) | Err(_) => self.pipe = None,
            Ok(count) => self.capture.push(self.chunk.get(..count).unwrap_or_default()),
        }
    }

    pub(super) fn finish(self) -> Captured {
        self.capture.finish()
    }
}
