//! What is counted of the hub's own clients.

use super::hub::Hub;
use infiniservice_hub_core::served::Handshake;

impl Hub {
    /// Counts a TLS handshake.
    pub(super) fn shaken(&self, outcome: Handshake) {
        self.state.borrow_mut().fleet.served.shaken(outcome);
    }

    /// Counts a client of the API that was ended because it took nothing.
    pub(super) fn unread(&self) {
        self.state.borrow_mut().fleet.served.unread += 1;
    }
}
