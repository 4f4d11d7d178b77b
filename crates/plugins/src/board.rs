//! The last results of all plugins, for whoever collects.

use crate::outcome::Outcome;
use crate::pace::Pace;
use crate::textfiles::Files;
use infiniservice_protocol::metrics::{FailedCollector, Plugin};
use infiniservice_protocol::number::{count, millis};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::time::Instant;

/// What a metrics message says of plugins.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Told {
    /// By their names; a plugin that has not run yet is not among them.
    pub plugins: BTreeMap<String, Plugin>,
    /// Those that failed, as `plugins.NAME`.
    pub failed: Vec<FailedCollector>,
    /// Those that had more series than were allowed, as `plugins.NAME`, with the true number.
    pub truncated: BTreeMap<String, u32>,
}

impl Told {
    fn add(&mut self, name: String, plugin: Plugin, total: usize) {
        let listed = format!("plugins.{name}");
        if plugin.series.len() < total {
            self.truncated.insert(listed.clone(), count(total as u64));
        }
        if let Some(error) = &plugin.error {
            self.failed.push(FailedCollector { collector: listed, error: error.clone() });
        }
        self.plugins.insert(name, plugin);
    }

    fn problem(&mut self, error: Option<String>) {
        let collector = "plugins".to_owned();
        self.failed.extend(error.map(|error| FailedCollector { collector, error }));
    }

    /// Adds what files say.
    pub(crate) fn add_files(&mut self, files: Files) {
        self.problem(files.problem);
        for (name, (plugin, total)) in files.files {
            self.add(name, plugin, total);
        }
    }

    /// Notes that something else is wrong.
    pub(crate) fn add_problem(&mut self, error: String) {
        self.problem(Some(error));
    }
}

/// One plugin's last result.
#[derive(Debug)]
struct Kept {
    outcome: Outcome,
    at: Instant,
}

#[derive(Debug, Default)]
struct State {
    names: Vec<String>,
    kept: BTreeMap<String, Kept>,
    problem: Option<String>,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Board(Mutex<State>);

impl Board {
    /// The directory was read: these run, those of other names are forgotten.
    pub(crate) fn set(&self, names: Vec<String>, problem: Option<String>) {
        let mut state = self.lock();
        state.kept.retain(|name, _| names.contains(name));
        (state.names, state.problem) = (names, problem);
    }

    /// A plugin's description is another one: its last result says nothing any more.
    pub(crate) fn forget(&self, name: &str) {
        self.lock().kept.remove(name);
    }

    /// A plugin ran. Whether that went another way than before.
    pub(crate) fn put(&self, name: &str, mut outcome: Outcome, pace: Option<&Pace>) -> bool {
        outcome.plugin.interval_secs = pace.map(|pace| pace.interval().as_secs());
        outcome.plugin.failures = pace.map(Pace::failures).filter(|failures| *failures > 0);
        let mut state = self.lock();
        if !state.names.iter().any(|known| known == name) {
            return false;
        }
        let ok = outcome.plugin.ok;
        let before = state.kept.insert(name.to_owned(), Kept { outcome, at: Instant::now() });
        before.map_or(!ok, |before| before.outcome.plugin.ok != ok)
    }

    /// Names of all plugins that are described.
    pub(crate) fn names(&self) -> Vec<String> {
        self.lock().names.clone()
    }

    /// The last results, with their age.
    pub(crate) fn told(&self) -> Told {
        let (state, mut told) = (self.lock(), Told::default());
        told.problem(state.problem.clone());
        for (name, Kept { outcome, at }) in &state.kept {
            let age_ms = millis(at.elapsed());
            told.add(name.clone(), Plugin { age_ms, ..outcome.plugin.clone() }, outcome.total);
        }
        told
    }

    /// Each change is one assignment: a panic elsewhere leaves it whole.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
