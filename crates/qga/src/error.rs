//! Errors as the protocol knows them: a class that programs look at, and a text. Clients look for some of the texts.

use crate::limits::MAX_QUOTED_BYTES;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The class of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Class {
    /// Unknown, disabled, not allowed while frozen, or not on this system. libvirt skips such a command where it asks several.
    CommandNotFound,
    /// Everything else.
    GenericError,
}

/// An error of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Error {
    /// What programs look at.
    pub class: Class,
    /// What people read.
    pub desc: String,
}

impl Error {
    /// A `GenericError`. Errors of the system end in `: ` and its English text.
    pub fn generic(desc: impl Into<String>) -> Self {
        Self { class: Class::GenericError, desc: desc.into() }
    }

    /// A command that does not exist here.
    pub fn not_found(name: &str) -> Self {
        let desc = format!("The command {} has not been found", quoted(name));
        Self { class: Class::CommandNotFound, desc }
    }

    /// A command that exists, and is off or not allowed now.
    pub fn disabled(name: &str) -> Self {
        let desc = format!("Command {name} has been disabled: the command is not allowed");
        Self { class: Class::CommandNotFound, desc }
    }

    /// Bytes that are no request.
    pub fn syntax(reason: &str) -> Self {
        Self::generic(format!("JSON parse error, {reason}"))
    }

    /// The host thaws what was thawed already, as the longest freeze had passed. Clients look for `fsfreeze is limited`.
    pub fn freeze_expired(limit: std::time::Duration) -> Self {
        let seconds = limit.as_secs();
        Self::generic(format!("couldn't hold writes: fsfreeze is limited to {seconds} seconds"))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.desc)
    }
}

impl std::error::Error for Error {}

/// The beginning of a text that a host chose the length of.
pub(crate) fn quoted(text: &str) -> &str {
    let mut end = text.len().min(MAX_QUOTED_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}
