//! What goes wrong with an engine, and where.

use std::time::Duration;
use thiserror::Error;

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Error {
    /// A setting, or a file that it names.
    #[error("{0}")]
    Settings(String),
    /// The server is older than what is needed.
    #[error("the server at {url} is NATS {found}; {needed} or newer is needed")]
    TooOld {
        /// Where it is.
        url: String,
        /// What it says of itself.
        found: String,
        /// The first that will do.
        needed: &'static str,
    },
    /// A stream or a bucket is there and is not what a fleet needs.
    #[error("{name} is there, but {what}: remove it, or use another account")]
    Unfit {
        /// Its name.
        name: String,
        /// What is wrong with it.
        what: String,
    },
    /// Another value, or another message, is there already.
    #[error("{0} has been written by somebody else meanwhile")]
    Conflict(String),
    /// A stream has no room, and takes nothing new.
    #[error("cannot {doing}: the stream is full")]
    Full {
        /// What was tried.
        doing: String,
    },
    /// A message is longer than the server takes.
    #[error("cannot {doing}: it has {bytes} bytes, and the server takes {most} at most (`max_payload`)")]
    TooLong {
        /// What was tried.
        doing: String,
        /// How many it has.
        bytes: usize,
        /// How many it may have.
        most: usize,
    },
    /// No answer came.
    #[error("cannot {doing}: no answer came within {} s", within.as_secs())]
    TimedOut {
        /// What was tried.
        doing: String,
        /// How long it was waited for.
        within: Duration,
    },
    /// Anything else.
    #[error("cannot {doing}: {why}")]
    Failed {
        /// What was tried.
        doing: String,
        /// What the client or the server says of it.
        why: String,
    },
}

impl Error {
    /// Something was tried and failed.
    pub(crate) fn failed(doing: impl Into<String>, why: impl std::fmt::Display) -> Self {
        Self::Failed { doing: doing.into(), why: why.to_string() }
    }

    /// That something is not tried, where its message is longer than is taken.
    pub(crate) fn too_long(doing: impl FnOnce() -> String, bytes: usize, most: usize) -> Result<(), Self> {
        if bytes > most { Err(Self::TooLong { doing: doing(), bytes, most }) } else { Ok(()) }
    }

    /// Something was tried, and this is why it failed, with what caused that.
    pub(crate) fn caused(doing: impl Into<String>, error: &dyn std::error::Error) -> Self {
        Self::failed(doing, chain(error))
    }
}

/// An error with what caused it, and so on.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}
