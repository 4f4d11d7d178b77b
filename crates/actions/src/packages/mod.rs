//! Package managers: what to run to read and change packages, and what the tools' answers mean.
//!
//! Everything here is planning and parsing: nothing is started, so it compiles and is tested on every platform. The
//! commands below `safe` run the plans.

mod apt;
mod dnf;
mod failure;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod plan;
mod rpm;
mod search;
mod site;
mod table;
#[cfg(test)]
pub(crate) mod test_fixture;
mod version;
#[cfg(any(test, feature = "fuzzing", target_os = "windows"))]
pub(crate) mod winget;
mod zypper;

pub(crate) use apt::Apt;
pub(crate) use dnf::Dnf;
pub use failure::{Cause, Failure, Holder};
pub use plan::{Installed, PackageSpec, Parsed, Plan, Planned, ReadLine, Reading, Replaced};
pub use search::{Best, CannotSearch, Hit, Words};
pub use site::{Files, PackageSystem, RepoMetadata};
pub(crate) use table::names;
pub use version::compare as compare_versions;
pub(crate) use zypper::Zypper;

use infiniservice_exec::{Finished, Request};
use infiniservice_protocol::data::{PackageInfo, PendingUpdate};
use plan::named;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::time::Duration;

/// What is to become of a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// There, in whatever version, or in the one that was named.
    Install,
    /// In its newest version.
    Update,
    /// Gone; its configuration stays.
    Remove,
}

impl Change {
    /// For sentences: "could not … it".
    pub fn verb(self) -> &'static str {
        match self {
            Self::Install => "install",
            Self::Update => "update",
            Self::Remove => "remove",
        }
    }
}

/// How a system says that it wants to be rebooted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RebootSign {
    /// This file is there.
    File(&'static str),
    /// This program tells of a time of installation, in seconds since the epoch at a line's end, that is after the boot.
    InstalledSinceBoot(Request),
    /// The package manager does not tell; the check of its own name does.
    Untold,
}

/// How pending updates are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingQuery {
    /// All of them.
    pub all: Request,
    /// The security updates among them, where that takes a question of its own.
    pub security: Option<Request>,
    /// A simulation of what an update of all would bring, where some may be left out.
    pub doable: Option<Request>,
}

/// Which pending updates to install.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scope<'a> {
    /// All.
    All,
    /// Only these, which are the security updates.
    Security(&'a [PendingUpdate]),
}

/// One package manager. Pure: requests to run, and the meaning of what they answered.
pub trait PackageManager: Send + Sync + fmt::Debug {
    /// As the contract names it.
    fn name(&self) -> &'static str;

    /// Reads what a host calls a package. The error says what it must be; nothing that the tool could take for an
    /// option, a file, a pattern or a group passes.
    fn target(&self, package: &str) -> Result<PackageSpec, String>;

    /// All installed packages.
    fn list(&self) -> Request;
    /// The answer to [`PackageManager::list`]; what does not parse is counted.
    fn read_list(&self, text: &str) -> Reading<PackageInfo>;
    /// The same line by line, as the lines come; `None` where only the whole answer can be understood.
    fn read_lines(&self) -> Option<ReadLine<PackageInfo>> {
        None
    }

    /// What is there of one package.
    fn query(&self, target: &PackageSpec) -> Request;
    /// The answer to [`PackageManager::query`]: one for each architecture or parallel version, the main one first.
    fn read_query(&self, target: &PackageSpec, text: &str) -> Vec<Installed>;

    /// Whether any repository has a package of that name; `None` where only the change itself tells.
    fn known(&self, target: &PackageSpec) -> Option<Request>;
    /// The answer to [`PackageManager::known`].
    fn read_known(&self, finished: &Finished) -> bool;

    /// Asks the lists that are there for packages with all of these words; more may be told than that. Fetches nothing.
    ///
    /// # Errors
    /// Why that cannot be asked.
    fn search(&self, _: &Words) -> Result<Request, CannotSearch> {
        Err(CannotSearch::Unsupported)
    }
    /// A line of the answer to [`PackageManager::search`].
    fn read_hit(&self, _: &str) -> Parsed<Hit> {
        None
    }
    /// The whole answer to [`PackageManager::search`], where no line of it can be understood alone; `None` where each can.
    fn read_hits(&self) -> Option<fn(&str) -> Vec<Hit>> {
        None
    }
    /// Whether a search that did not end well only found nothing.
    fn found_none(&self, _: &Finished) -> bool {
        false
    }
    /// Asks for the newest versions of these, where the search does not tell them.
    fn versions(&self, _: &[&str]) -> Option<Request> {
        None
    }
    /// The answer to [`PackageManager::versions`], by name.
    fn read_versions(&self, _: &str) -> HashMap<String, String> {
        HashMap::new()
    }

    /// Tries the change without making it; `None` where the tool cannot.
    fn simulate(&self, change: Change, target: &PackageSpec) -> Option<Request>;
    /// Whether a simulation told what it was asked.
    fn simulated_well(&self, finished: &Finished) -> bool {
        self.ended_well(finished)
    }
    /// The answer to a simulation. The error says why it means nothing.
    fn read_plan(&self, _: &Finished) -> Result<Plan, String> {
        Ok(Plan::default())
    }
    /// Whether a package of a plan is the one that the host named.
    fn is_named(&self, target: &PackageSpec, planned: &Planned) -> bool {
        plan::is_target(target, planned)
    }

    /// Makes the change, at the cost of other packages with `cascade`; waits so long for a lock where the tool can wait. It goes on when the agent ends: the agent itself
    /// may be what is changed.
    fn change(&self, change: Change, target: &PackageSpec, cascade: bool, lock_wait: Duration) -> Request;

    /// Whether a tool did what it was asked.
    fn ended_well(&self, finished: &Finished) -> bool {
        finished.succeeded()
    }
    /// Why it did not.
    fn failure(&self, finished: &Finished) -> Failure;
    /// Brings the database in order after an interrupted change, running no package's script.
    fn repair(&self) -> Option<Request> {
        None
    }

    /// Fetches the repositories' lists.
    fn refresh(&self) -> Option<Request>;
    /// Files or directories whose newest modification time is when the lists last became new; `/*/` stands for each
    /// directory. None where only the tool itself knows of its lists.
    fn lists(&self) -> &'static [&'static str];
    /// The directory of the fetched lists, and what the name of each holds; where none is there, the time of the directory
    /// tells nothing.
    fn list_files(&self) -> Option<(&'static str, &'static str)> {
        None
    }
    /// A file whose time is to be renewed after a fetch, where the tool itself leaves no trace of one that found nothing
    /// new.
    fn fetch_stamp(&self) -> Option<&'static str> {
        None
    }

    /// Asks for pending updates.
    fn pending(&self) -> PendingQuery;
    /// The answers to both questions; the second is empty where it was not asked. The error says why they mean nothing.
    fn read_pending(&self, all: &str, security: &str) -> Result<Reading<PendingUpdate>, String>;
    /// Name and version of each update that [`PendingQuery::doable`] brings.
    fn read_doable(&self, _: &str) -> Result<HashSet<(String, String)>, String> {
        Ok(HashSet::new())
    }
    /// What is asked to explain updates that are left out.
    fn reasons(&self) -> Vec<Request> {
        Vec::new()
    }
    /// The answers to these, in their order.
    fn read_reasons(&self, _: &[String]) -> Reasons {
        Reasons::default()
    }
    /// Whether security updates can be told apart at all.
    fn knows_security(&self) -> bool {
        true
    }
    /// Tries to install pending updates without doing it; `None` where the tool cannot.
    fn simulate_update(&self, scope: Scope<'_>, cascade: bool) -> Option<Request>;
    /// Installs pending updates, at the cost of other packages with `cascade`; goes on when the agent ends.
    fn update(&self, scope: Scope<'_>, cascade: bool, lock_wait: Duration) -> Request;

    /// How the system says that it wants to be rebooted.
    fn reboot(&self) -> RebootSign;
}

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
