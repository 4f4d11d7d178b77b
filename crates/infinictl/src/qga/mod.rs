//! The client of the QEMU guest agent's protocol: a guest's port on which `qemu-ga`, or InfiniService in its place, answers.
//!
//! One command after the other, each with one line for an answer. Before the first, and after each that went wrong, a
//! `guest-sync-delimited` finds the place: what came before belongs to others. Guests are not trusted: what is kept of them is
//! bounded, and an answer that is none is an error.

mod answer;
mod error;
mod lines;

pub use answer::{Answer, Request};
pub use error::QgaError;

use crate::client::Endpoint;
use crate::sys::{self, Reader, Writer};
use answer::Content;
use lines::{Lines, MARK};
use std::io;
use std::time::Duration;

/// Bytes read at once.
const CHUNK_BYTES: usize = 64 << 10;
/// A sync's number stays below what any reader of JSON keeps exact.
const MAX_SYNC_ID: i64 = 1 << 53;

/// What became of a command that has no answer where it succeeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// The connection ended.
    Ended,
    /// Nothing came for as long as was waited.
    Kept,
}

/// A guest's port. Dropping it closes the connection.
pub struct Guest {
    reader: Reader,
    writer: Writer,
    endpoint: String,
    lines: Lines,
    chunk: Vec<u8>,
    timeout: Duration,
    is_synced: bool,
}

/// Why no line came.
enum Broken {
    Ended(String),
    TooLong,
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Ended(error.to_string())
    }
}

impl Guest {
    /// Connects; nothing is sent yet. `timeout` is how long the answer to a sync may take.
    ///
    /// # Errors
    /// `NoConnection`, with what to check.
    pub async fn connect(endpoint: Endpoint, timeout: Duration) -> Result<Self, QgaError> {
        let label = endpoint.to_string();
        let halves = match endpoint {
            Endpoint::Channel(path) => sys::connect(&path).await,
            Endpoint::Vsock { cid, port } => sys::connect_vsock(cid, port).await,
            Endpoint::Pty(master) => sys::split(master),
            Endpoint::Hub { .. } | Endpoint::Https { .. } => {
                Err(io::Error::other("infinihub serves the native wire only"))
            }
            Endpoint::Local(_) => Err(io::Error::other("a local agent has no such port")),
        };
        let (reader, writer) = halves
            .map_err(|error| QgaError::NoConnection { endpoint: label.clone(), reason: error.to_string() })?;
        let (lines, chunk) = (Lines::default(), vec![0; CHUNK_BYTES]);
        Ok(Self { reader, writer, endpoint: label, lines, chunk, timeout, is_synced: false })
    }

    /// Where the connection leads, for people.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Sends a command and waits for its answer.
    ///
    /// # Errors
    /// `Refused` is the guest's own answer. All others: there was none, or none that can be read.
    pub async fn call(&mut self, request: &Request, wait: Duration) -> Result<Answer, QgaError> {
        self.sync().await?;
        // Until its answer is there, the next one that comes is this one's.
        self.is_synced = false;
        let exchanged = tokio::time::timeout(wait, self.exchange(request)).await;
        let answer = exchanged.unwrap_or_else(|_late| Err(self.late(request, wait)))?;
        self.is_synced = true;
        answer.into_result(request.command())
    }

    /// Sends a command that is answered only where it fails, and waits for that.
    ///
    /// # Errors
    /// As [`Guest::call`], but an end of the connection is none.
    pub async fn tell(&mut self, request: &Request, wait: Duration) -> Result<Silence, QgaError> {
        // An end before it was sent is no success of it.
        self.sync().await?;
        match self.call(request, wait).await {
            Err(QgaError::Closed { .. }) => Ok(Silence::Ended),
            Ok(_) | Err(QgaError::TimedOut { .. }) => Ok(Silence::Kept),
            Err(error) => Err(error),
        }
    }

    /// Finds the place in the guest's stream, if it is not known.
    async fn sync(&mut self) -> Result<(), QgaError> {
        if self.is_synced {
            return Ok(());
        }
        let request = Request::sync(fastrand::i64(1..MAX_SYNC_ID));
        let timeout = self.timeout;
        let met = tokio::time::timeout(timeout, self.meet(&request)).await;
        met.unwrap_or_else(|_late| {
            let (endpoint, dropped) = (self.endpoint.clone(), self.lines.dropped());
            Err(QgaError::Silent { endpoint, after: timeout, dropped })
        })?;
        self.is_synced = true;
        Ok(())
    }

    /// The mark before the request ends what a predecessor left half-written in the guest's reader.
    async fn meet(&mut self, request: &Request) -> Result<(), QgaError> {
        self.lines.wait_for_mark();
        let bytes = [&[MARK], request.text().as_bytes(), b"\n"].concat();
        let written = self.writer.write_all(&bytes).await;
        written.map_err(|error| self.broken(request, error.into()))?;
        loop {
            let line = self.line().await.map_err(|broken| self.broken(request, broken))?;
            if answer::is_sync(&line, request) {
                return Ok(());
            }
            // The answer to a sync of somebody before.
            self.lines.wait_for_mark();
        }
    }

    async fn exchange(&mut self, request: &Request) -> Result<Content, QgaError> {
        let bytes = [request.text().as_bytes(), b"\n"].concat();
        let written = self.writer.write_all(&bytes).await;
        written.map_err(|error| self.broken(request, error.into()))?;
        loop {
            let line = self.line().await.map_err(|broken| self.broken(request, broken))?;
            // An object that is neither result nor error is an event, which this protocol has none of so far.
            if let Some(content) = Content::read(line, request.command())? {
                return Ok(content);
            }
        }
    }

    /// The next line.
    async fn line(&mut self) -> Result<Vec<u8>, Broken> {
        loop {
            if let Some(line) = self.lines.next().map_err(|lines::TooLong| Broken::TooLong)? {
                return Ok(line);
            }
            let count = self.reader.read(&mut self.chunk).await?;
            if count == 0 {
                return Err(Broken::Ended("the other end closed it".into()));
            }
            self.lines.push(self.chunk.get(..count).unwrap_or_default());
        }
    }

    fn broken(&self, request: &Request, broken: Broken) -> QgaError {
        let command = request.command().to_owned();
        match broken {
            Broken::Ended(reason) => QgaError::Closed { endpoint: self.endpoint.clone(), command, reason },
            Broken::TooLong => QgaError::TooLong { command },
        }
    }

    fn late(&self, request: &Request, after: Duration) -> QgaError {
        let (endpoint, command) = (self.endpoint.clone(), request.command().to_owned());
        QgaError::TimedOut { endpoint, command, after }
    }
}
