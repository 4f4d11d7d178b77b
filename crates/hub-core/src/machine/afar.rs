//! A machine of another host, of which its hub tells the figures: there is no wire to its agent.

use super::Machine;
use crate::sample::Lists;
use infiniservice_protocol::clock::Now;
use std::time::Duration;

impl Machine {
    /// Its hub has told a line of it: the agent speaks.
    pub fn told(&mut self, now: Now, line: &str) {
        self.there(now);
        // There is nobody to whom anything could be written.
        let _not_written = self.line(now, line);
        if let Some(sample) = &mut self.sample {
            // Nobody asks for them here.
            sample.lists = Lists::default();
        }
    }

    /// Its hub says that its agent speaks.
    pub fn there(&mut self, now: Now) {
        if self.state() == crate::State::Down {
            let _not_written = self.connected(now);
        }
        let _not_told = self.spoke(now);
    }

    /// Its agent may say nothing for so long, but never for less than others.
    pub fn be_patient(&mut self, silence: Duration) {
        self.session.be_patient(silence);
    }
}
