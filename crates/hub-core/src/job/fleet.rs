//! The machines of the host as jobs see them.

use super::planner::{Presence, View};
use crate::fleet::Fleet;
use crate::router::MAX_IN_FLIGHT;
use crate::session::State;

impl View for Fleet {
    fn presence(&self, vm: &str) -> Presence {
        let Some(entry) = self.get(vm) else { return Presence::Absent };
        let router = entry.machine.router();
        match entry.machine.link() {
            Some(link) => {
                // An agent that has fallen silent would leave a change unanswered, and so unknown.
                let is_up = entry.machine.state() == State::Up;
                let free = is_up && router.in_flight() + router.waiting() < MAX_IN_FLIGHT;
                Presence::There { link, free }
            }
            None => Presence::Away,
        }
    }
}
