//! The streams and buckets that there must be, and how much each may hold.

use std::time::Duration;

/// What becomes of a stream's messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retention {
    /// They stay until they are too old or too many.
    Limits,
    /// They stay until they are acknowledged.
    WorkQueue,
}

/// What gives way where there is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discard {
    /// The oldest message.
    Old,
    /// The new one: it is refused.
    New,
}

/// A stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    /// Its name.
    pub name: String,
    /// The subjects that it takes.
    pub subject: String,
    /// What becomes of its messages.
    pub retention: Retention,
    /// How old they may become.
    pub max_age: Duration,
    /// How much they may be, in bytes.
    pub max_bytes: u64,
    /// What gives way.
    pub discard: Discard,
    /// For how long a message's id is remembered.
    pub duplicate_window: Duration,
}

/// A bucket of keys and values; the newest value of each is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// How old a value may become.
    pub max_age: Duration,
    /// How much they may be, in bytes.
    pub max_bytes: u64,
}

/// All that there must be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// The streams.
    pub streams: Vec<Stream>,
    /// The buckets.
    pub buckets: Vec<Bucket>,
    /// On how many servers of a cluster each is kept.
    pub replicas: usize,
}
