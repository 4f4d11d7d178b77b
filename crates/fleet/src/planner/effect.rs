//! What a coordinator does, and what it sees.

use crate::Signed;
use crate::message::{Command, Order, Part, Plan, Progress, TargetResult};
use infiniservice_hub_core::job::Outcome;

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Ask a hub which machines an order means, and say what it answers. It is asked again if it does not.
    Ask {
        /// The job.
        job: String,
        /// The hub.
        hub: String,
        /// The order.
        order: Signed,
    },
    /// Make these entries, each only where there is none, the list last; then say which stand
    /// ([`super::Planner::planned`]). It comes again until that is said.
    MakePlan {
        /// The list.
        plan: Plan,
        /// The entries.
        parts: Vec<Part>,
    },
    /// Send a command to a hub. If that fails, nothing need be said: it comes again under another id.
    Send {
        /// The job.
        job: String,
        /// The hub.
        hub: String,
        /// The command.
        command: Command,
    },
    /// Publish the coordinator's word about a machine.
    Publish(TargetResult),
    /// Write how far a job is, if it stands as this coordinator wrote it last. If another one wrote it, the lease is lost. One
    /// that is finished is written after all that was to be published; when that is done, the job is to be forgotten.
    Write(Progress),
    /// Tell whoever looks after the fleet.
    Tell(Told),
}

/// What should not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// A second result of a machine is another one than the first, which stays.
    OtherResult {
        /// The job.
        job: String,
        /// The hub.
        hub: String,
        /// The machine.
        vm: String,
        /// The first.
        first: Outcome,
        /// The second.
        second: Outcome,
    },
    /// A result came for a machine that the job does not have on this hub.
    NoTarget {
        /// The job.
        job: String,
        /// The hub.
        hub: String,
        /// The machine.
        vm: String,
    },
}

/// What a coordinator sees of who is there.
pub trait View {
    /// Hubs that are not there and whose machines are known.
    fn hubs_away(&self) -> Vec<String>;
    /// The machines of a hub that an order means, as far as others than the hub can know.
    fn known(&self, order: &Order, hub: &str) -> Vec<String>;
}
