//! What became of each setting when the configuration was read again.

use super::field::Apply;
use infiniservice_protocol::data::{ConfigReloadData, WaitingSetting};

/// A setting whose new value is not in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Its name.
    pub name: &'static str,
    /// Why it waits for a restart.
    pub reason: &'static str,
}

/// What a reload changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reloaded {
    /// Settings that took their new value.
    pub applied: Vec<&'static str>,
    /// Settings whose new value waits for a restart.
    pub waiting: Vec<Waiting>,
}

impl Reloaded {
    /// Takes note of a setting that differs; whether its new value is to be taken.
    pub(super) fn note(&mut self, name: &'static str, apply: Apply, held: &[Waiting]) -> bool {
        let waiting = match apply {
            Apply::Restart(reason) => Some(Waiting { name, reason }),
            Apply::Live => held.iter().find(|held| held.name == name).copied(),
        };
        match waiting {
            Some(waiting) => self.waiting.push(waiting),
            None => self.applied.push(name),
        }
        waiting.is_none()
    }

    /// Whether no setting differs.
    pub fn is_nothing(&self) -> bool {
        self.applied.is_empty() && self.waiting.is_empty()
    }

    /// Names of the settings that wait.
    pub fn names_waiting(&self) -> Vec<&'static str> {
        self.waiting.iter().map(|waiting| waiting.name).collect()
    }

    /// As the host is told.
    pub fn data(&self) -> ConfigReloadData {
        let waiting = self.waiting.iter().map(|waiting| WaitingSetting {
            setting: waiting.name.to_owned(),
            reason: waiting.reason.to_owned(),
        });
        ConfigReloadData {
            applied: self.applied.iter().map(|name| (*name).to_owned()).collect(),
            waiting: waiting.collect(),
        }
    }
}
