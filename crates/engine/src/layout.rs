//! The streams and buckets that there must be, and how much each may hold.

use infiniservice_fleet::subject;
use std::time::Duration;

/// How long commands, results and events are kept: as long as an order may last.
const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);
/// How long a job is known: longer than its results are.
const JOBS_KEPT: Duration = Duration::from_secs(14 * 24 * 3600);
/// A hub that was not heard for so long is not there.
const HUB_KEPT: Duration = Duration::from_secs(30);
/// A machine of which its hub says nothing for so long is none any more. Hubs say it each day.
const VM_KEPT: Duration = Duration::from_secs(7 * 24 * 3600);
/// A coordinator that was not heard for so long is none any more.
const LEASE_KEPT: Duration = Duration::from_secs(15);
/// For how long a message's id is remembered.
const REMEMBERED: Duration = Duration::from_secs(120);
const GIB: u64 = 1 << 30;
const MIB: u64 = 1 << 20;

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

impl Layout {
    /// What a fleet needs.
    pub fn of_fleet(replicas: usize) -> Self {
        let commands = stream(subject::COMMANDS, subject::ALL_COMMANDS, GIB);
        let results = stream(subject::RESULTS, subject::ALL_RESULTS, 8 * GIB);
        let events = stream(subject::EVENTS, subject::ALL_EVENTS, GIB);
        Self {
            streams: vec![
                Stream { retention: Retention::WorkQueue, ..commands },
                // A result that has no room is refused, so that its hub keeps it and tries again.
                results,
                Stream { discard: Discard::Old, ..events },
            ],
            buckets: vec![
                bucket(subject::HUBS, HUB_KEPT, 64 * MIB),
                bucket(subject::VMS, VM_KEPT, GIB),
                bucket(subject::JOBS, JOBS_KEPT, GIB),
                bucket(subject::LEASE, LEASE_KEPT, MIB),
            ],
            replicas,
        }
    }
}

fn stream(name: &str, subject: &str, max_bytes: u64) -> Stream {
    Stream {
        name: name.to_owned(),
        subject: subject.to_owned(),
        retention: Retention::Limits,
        max_age: KEPT,
        max_bytes,
        discard: Discard::New,
        duplicate_window: REMEMBERED,
    }
}

fn bucket(name: &str, max_age: Duration, max_bytes: u64) -> Bucket {
    Bucket { name: name.to_owned(), max_age, max_bytes }
}
