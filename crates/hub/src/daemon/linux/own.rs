//! What the program tells of itself beside its machines: its jobs, its ledger, and what it sends elsewhere.

use super::hub::{Hub, State};
use infiniservice_hub_core::exposition::Program;

impl State {
    /// As it is now.
    pub(super) fn own(&self) -> Program {
        Program {
            targets: self.jobs.targets(),
            ledger_bytes: self.jobs.status().map(|status| status.borrow().bytes),
            otlp: self.exported.as_ref().map(|status| status.borrow().clone()),
        }
    }
}

impl Hub {
    /// What it tells of itself.
    pub(super) fn own(&self) -> Program {
        self.state.borrow().own()
    }
}
