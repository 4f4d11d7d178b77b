//! Package managers: what to run to read and change packages, and what the tools' answers mean.
//!
//! Everything here is planning and parsing: nothing is started, so it compiles and is tested on every platform. The
//! commands in `commands/safe` run the plans.

mod apt;
mod blocked;
mod dnf;
mod failure;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod installed;
mod plan;
mod rpm;
mod site;
mod table;
mod target;
mod version;
pub mod winget;
mod zypper;

#[cfg(test)]
pub(crate) mod fixture;

pub(crate) use apt::Apt;
pub(crate) use blocked::mark;
pub use blocked::{HELD, PHASED, Reasons, explain, key};
pub(crate) use dnf::Dnf;
pub use failure::{Cause, Failure, Holder};
pub use installed::Installed;
pub use plan::{Parsed, Plan, Planned, ReadLine, Reading, Replaced};
pub use site::{Files, Lists, Site};
pub(crate) use table::names;
pub use target::Target;
pub use version::compare as compare_versions;
pub(crate) use zypper::Zypper;

use infiniservice_exec::{Finished, Request};
use infiniservice_protocol::data::{PackageInfo, PendingUpdate};
use std::collections::HashSet;
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
    fn target(&self, package: &str) -> Result<Target, String>;

    /// All installed packages.
    fn list(&self) -> Request;
    /// The answer to [`PackageManager::list`]; what does not parse is counted.
    fn read_list(&self, text: &str) -> Reading<PackageInfo>;
    /// The same line by line, as the lines come; `None` where only the whole answer can be understood.
    fn read_lines(&self) -> Option<ReadLine<PackageInfo>> {
        None
    }

    /// What is there of one package.
    fn query(&self, target: &Target) -> Request;
    /// The answer to [`PackageManager::query`]: one for each architecture or parallel version, the main one first.
    fn read_query(&self, target: &Target, text: &str) -> Vec<Installed>;

    /// Whether any repository has a package of that name; `None` where only the change itself tells.
    fn known(&self, target: &Target) -> Option<Request>;
    /// The answer to [`PackageManager::known`].
    fn read_known(&self, finished: &Finished) -> bool;

    /// Tries the change without making it; `None` where the tool cannot.
    fn simulate(&self, change: Change, target: &Target) -> Option<Request>;
    /// Whether a simulation told what it was asked.
    fn simulated_well(&self, finished: &Finished) -> bool {
        self.ended_well(finished)
    }
    /// The answer to a simulation. The error says why it means nothing.
    fn read_plan(&self, _: &Finished) -> Result<Plan, String> {
        Ok(Plan::default())
    }
    /// Whether a package of a plan is the one that the host named.
    fn is_named(&self, target: &Target, planned: &Planned) -> bool {
        plan::is_target(target, planned)
    }

    /// Makes the change, at the cost of other packages with `cascade`; waits so long for a lock where the tool can wait. It goes on when the agent ends: the agent itself
    /// may be what is changed.
    fn change(&self, change: Change, target: &Target, cascade: bool, lock_wait: Duration) -> Request;

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
    /// directory.
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
