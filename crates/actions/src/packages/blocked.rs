//! Which pending updates `UpdateInstall` would not install, and why.

use super::plan::{Planned, named};
use infiniservice_protocol::data::PendingUpdate;
use std::collections::HashSet;

/// The administrator holds it.
pub const HELD: &str = "held";
/// The distribution brings it to this machine later.
pub const PHASED: &str = "phased";
/// The package manager gives no reason.
pub const KEPT_BACK: &str = "kept back";

/// What explains updates that are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reasons {
    /// Names that are held.
    pub held: HashSet<String>,
    /// Updates that would come if other packages could go.
    pub resolved: HashSet<(String, String)>,
    /// Those other packages.
    pub removed: Vec<Planned>,
    /// Whether what is in neither is one that comes later: only apt's distributions phase.
    pub phases: bool,
}

/// Name and version, by which updates of different simulations are compared.
pub fn key(update: &PendingUpdate) -> (String, String) {
    (update.package.clone(), update.version_available.clone())
}

/// The updates that `doable` does not bring are blocked.
pub(crate) fn mark(updates: &mut [PendingUpdate], doable: &HashSet<(String, String)>) {
    for update in updates.iter_mut().filter(|update| !doable.contains(&key(update))) {
        update.blocked_by = Some(KEPT_BACK.to_owned());
    }
}

/// Gives the blocked ones their reasons.
pub fn explain(updates: &mut [PendingUpdate], reasons: &Reasons) {
    for update in updates.iter_mut().filter(|update| update.blocked_by.is_some()) {
        update.blocked_by = Some(reasons.of(update));
    }
}

impl Reasons {
    fn of(&self, update: &PendingUpdate) -> String {
        let bare = update.package.split(':').next().unwrap_or_default();
        if self.held.contains(&update.package) || self.held.contains(bare) {
            return HELD.to_owned();
        }
        match (self.resolved.contains(&key(update)), self.removed.is_empty()) {
            (true, false) => format!("removal of {}", named(&self.removed)),
            (false, _) if self.phases => PHASED.to_owned(),
            _ => KEPT_BACK.to_owned(),
        }
    }
}
