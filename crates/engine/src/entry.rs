//! What goes to an engine and what comes from it.

use std::time::Duration;

/// How long a command may be looked at before it comes again.
pub(crate) const ACK_WAIT: Duration = Duration::from_secs(30);

/// A message for a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Out {
    /// Its subject.
    pub subject: String,
    /// What makes a repeated one the same, where the stream has not forgotten it; empty for none.
    pub id: String,
    /// What it says.
    pub payload: Vec<u8>,
}

/// A message of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its number in the stream.
    pub seq: u64,
    /// Its subject.
    pub subject: String,
    /// What it says.
    pub payload: Vec<u8>,
    /// How many come after it that are there already; 0 for the newest.
    pub pending: u64,
}

/// A key's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Its value; `None` where it was deleted.
    pub value: Option<Vec<u8>>,
    /// The number of the value, for [`crate::Engine::update`].
    pub revision: u64,
    /// How many come after it that are there already; 0 for the newest.
    pub pending: u64,
}

/// A message that nobody keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Its subject.
    pub subject: String,
    /// Where an answer goes, if one is wanted.
    pub reply: Option<String>,
    /// What it says.
    pub payload: Vec<u8>,
}
