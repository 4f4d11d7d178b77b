//! What has changed in the table of hubs and machines.

use serde::Serialize;

/// A change, for whoever watches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// A hub is heard, for the first time or again.
    HubBack {
        /// The hub.
        hub: String,
    },
    /// A hub is not heard any more.
    HubGone {
        /// The hub.
        hub: String,
    },
    /// A machine is there.
    VmNew {
        /// The machine.
        vm: String,
        /// Its hub.
        hub: String,
    },
    /// A machine is at another hub than before.
    VmMoved {
        /// The machine.
        vm: String,
        /// Where it was.
        from: String,
        /// Where it is.
        to: String,
    },
    /// A hub does not have a machine any more, and no other has it.
    VmGone {
        /// The machine.
        vm: String,
        /// Where it was.
        hub: String,
    },
    /// More than one hub says that it has a machine.
    ClaimedTwice {
        /// The machine.
        vm: String,
        /// The hubs.
        hubs: Vec<String>,
    },
}
