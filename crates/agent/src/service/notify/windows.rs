//! The service manager, where it started this process; in a console nobody listens.

use crate::service::manager::{Life, life};
use crate::service::scm::Machine;
use std::time::Duration;

/// The service manager's ear.
#[derive(Debug)]
pub struct Notifier;

#[allow(clippy::unused_self, reason = "the signatures are those of every platform")]
impl Notifier {
    /// Whoever started this process.
    pub fn from_environment() -> Self {
        Self
    }

    /// The service runs. Told before the first contact with a host, which may never come.
    pub fn ready(&self) {
        tell(Machine::ready);
    }

    /// The service manager shows no such line.
    pub fn status(&mut self, _text: String) {}

    /// The service manager knows no such state.
    pub fn reloading(&self) {}

    /// The service is on its way out.
    pub fn stopping(&self) {
        tell(Machine::stopping);
    }

    /// When the next checkpoint is owed.
    pub fn next_deadline(&self) -> Option<Duration> {
        life().and_then(Life::next_deadline)
    }

    /// A checkpoint, where one is owed. Called by the main loop only, so that a loop that hangs is noticed.
    pub fn feed(&mut self, now: Duration) {
        tell(|machine| machine.progress(now));
    }
}

fn tell(step: impl FnOnce(&mut Machine) -> Option<crate::service::scm::Report>) {
    if let Some(life) = life() {
        life.tell(step);
    }
}
