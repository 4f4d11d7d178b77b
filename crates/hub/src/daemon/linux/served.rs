//! What is counted and told of the hub's own clients.

use super::clock;
use super::hub::Hub;
use super::peer::Actor;
use infiniservice_hub_core::audit::Record;
use infiniservice_hub_core::served::Handshake;

impl Hub {
    /// Whether somebody may read.
    ///
    /// # Errors
    /// The sentence for one whom no rule names.
    pub(super) fn check_reader(&self, actor: &Actor) -> Result<(), String> {
        if self.policy.may_read(actor) {
            return Ok(());
        }
        let now = clock::now();
        if let Some(more) = self.policy.tells_of_stranger(now) {
            self.state.borrow_mut().trail.record(Record::stranger(now, actor.to_string(), more));
        }
        Err(format!("{} may do nothing here: no rule names it", actor.who))
    }

    /// Counts a TLS handshake.
    pub(super) fn shaken(&self, outcome: Handshake) {
        self.state.borrow_mut().fleet.served.shaken(outcome);
    }

    /// Counts a client of the API that was ended because it took nothing.
    pub(super) fn unread(&self) {
        self.state.borrow_mut().fleet.served.unread += 1;
    }
}
