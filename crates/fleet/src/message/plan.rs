//! A job's plan and how far it is, as they stand in the engine's bucket of jobs.
//!
//! A plan is one entry a hub ([`Part`]) and then the list of the hubs ([`Plan`]); each is made once, by whoever comes first,
//! so that coordinators that do it at one time come to the same, and none is too long for a message. Which machine is in which
//! wave follows from them.

use infiniservice_hub_core::job::{Counts, Outcome};
use infiniservice_protocol::clock::Now;
use serde::{Deserialize, Serialize};

/// The machines of one hub.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The hub.
    pub hub: String,
    /// Its machines that the order means; where the hub gave no answer, those that are known to be.
    pub vms: Vec<String>,
    /// Why nothing is done on it, where nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<Missing>,
}

/// Why nothing is done on a hub.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// `absent`: the hub was not heard; `refused`: it will not.
    pub outcome: Outcome,
    /// In a sentence.
    pub why: String,
    /// For programs, where the hub refuses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// Which hubs take part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The order's id.
    pub job: String,
    /// The hubs that have a [`Part`].
    pub hubs: Vec<String>,
    /// When it was made, in milliseconds since 1970.
    pub at_ms: u64,
    /// Who made it.
    pub coordinator: String,
}

/// What a job is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The hubs are asked which machines are meant.
    Resolving,
    /// Machines may begin.
    Running,
    /// No machine begins until it is resumed.
    Paused,
    /// Each machine has its outcome.
    Finished,
}

/// How far a job is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The order's id.
    pub id: String,
    /// What it is at.
    pub state: Stage,
    /// The wave whose machines may begin, from 0.
    pub wave: u32,
    /// How many waves it has.
    pub waves: u32,
    /// How many machines it has.
    pub targets: u32,
    /// How many stand where: `accepted` wait, `sent` are with their hubs. The sum is `targets`.
    pub counts: Counts,
    /// Hubs that were not heard, or that refused.
    #[serde(default)]
    pub hubs_missing: u32,
    /// Who cancelled it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancelled_by: Option<String>,
    /// Whether it has failed more often than it may.
    pub stopped_by_failures: bool,
    /// Why nothing at all is done, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Who says so.
    pub coordinator: String,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
}

impl Progress {
    /// What a coordinator writes first of a job that another one may have had, before it reads the plan and the results: from
    /// then on what the other one writes is not taken.
    pub fn claim(now: Now, id: &str, coordinator: &str, last: Option<Self>) -> Self {
        let first = Self {
            id: id.to_owned(),
            state: Stage::Resolving,
            wave: 0,
            waves: 0,
            targets: 0,
            counts: Counts::default(),
            hubs_missing: 0,
            cancelled_by: None,
            stopped_by_failures: false,
            why: None,
            coordinator: String::new(),
            at_ms: 0,
        };
        let (coordinator, at_ms) = (coordinator.to_owned(), now.wall_ms());
        Self { coordinator, at_ms, ..last.unwrap_or(first) }
    }
}
