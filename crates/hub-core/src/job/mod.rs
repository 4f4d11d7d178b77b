//! Jobs: one message for many machines of this host, and one outcome for each of them.
//!
//! Every change of a job is a [`Record`](crate::ledger::Record) first and is then applied, at run time as after a restart of
//! the hub, so that both come to the same. What the ledger cannot know – which connection a command went over – is kept
//! beside it and is found anew from the agents' own words.

mod fleet;
pub mod message;
mod one;
mod planner;
pub mod reply;
pub mod show;
pub mod spec;
mod target;
#[cfg(test)]
mod tests;
mod wrong;

pub use message::what;
pub use one::Job;
pub use planner::{Actor, Effect, Link, NotTaken, Planner, Presence, View};
pub use reply::Reply;
pub use spec::{Request, Share};
pub use target::{Counts, Outcome, State, Target};
pub use wrong::Wrong;

/// Longest id of a job, in characters.
pub const MAX_ID_CHARS: usize = 64;
/// Machines of one job.
pub const MAX_TARGETS: usize = 20_000;
/// Jobs that run at one time.
pub const MAX_ACTIVE: usize = 64;
/// Jobs that are kept at all, finished ones among them.
pub const MAX_JOBS: usize = 1000;
/// Machines of all jobs: the oldest finished job is forgotten first.
pub const MAX_ALL_TARGETS: usize = 200_000;
/// How long a finished job is kept, in milliseconds: a week.
pub const KEPT_MS: u64 = 7 * 24 * 3600 * 1000;
/// Longest answer of one machine that is kept whole, in bytes.
pub const MAX_RESULT_BYTES: usize = 64 << 10;
/// Answers of one job that are kept, in bytes; of those after it, only how they ended.
pub const MAX_JOB_RESULT_BYTES: usize = 16 << 20;
/// Answers of all jobs, in bytes: the oldest finished job is forgotten first.
pub const MAX_ALL_RESULT_BYTES: usize = 64 << 20;
/// Longest message of a job, in bytes.
pub const MAX_MESSAGE_BYTES: usize = 1 << 20;
/// Machines of a job of which all are traced: of more, those that fail and one in a hundred.
pub const MAX_TRACED_TARGETS: usize = 1000;
/// Messages and selectors of all jobs, in bytes: the oldest finished job is forgotten first.
pub const MAX_ALL_REQUEST_BYTES: usize = 16 << 20;
/// Longest message and longest selector that the list of jobs shows, in bytes each.
pub const MAX_LISTED_BYTES: usize = 1024;
/// How long a job may take to begin everywhere, in seconds: a week at most.
pub const MAX_NOT_AFTER_SECS: u64 = 7 * 24 * 3600;
/// The same, where the job does not say.
pub const NOT_AFTER_SECS: u64 = 3600;
/// Machines at one time, where the job does not say.
pub const CONCURRENCY: u32 = 50;
