//! Keeps the plugins that the directory describes: one task for each, begun, replaced and ended as descriptions come, change and
//! go.

use crate::board::{Board, Told};
use crate::directory::{self, Found};
use crate::outcome::Outcome;
use crate::plugin::Task;
use crate::spec::Spec;
use crate::textfiles;
use infiniservice_exec::Runner;
use infiniservice_platform::blocking::{self, Lane};
use infiniservice_platform::gate::Gate;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How long a collection waits for the files.
const FILES_TIMEOUT: Duration = Duration::from_secs(5);

/// Where plugins are described, and where files of figures lie.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Of `NAME.toml`.
    pub directory: Option<PathBuf>,
    /// Of `NAME.prom`.
    pub textfiles: Option<PathBuf>,
}

/// All plugins of this machine; cheap to clone.
#[derive(Clone)]
pub struct Plugins {
    board: Arc<Board>,
    wanted: Arc<watch::Sender<Wanted>>,
    stop: Arc<watch::Sender<bool>>,
}

impl fmt::Debug for Plugins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plugins").field("wanted", &*self.wanted.borrow()).finish_non_exhaustive()
    }
}

impl Plugins {
    /// Reads the directory and runs what it describes, in tasks of the runtime that this is called in.
    pub fn start(wanted: Wanted, runner: Arc<dyn Runner>) -> Self {
        let (wanted, changes) = watch::channel(wanted);
        let (stop, stopped) = watch::channel(false);
        let board = Arc::new(Board::default());
        let (running, ending) = (BTreeMap::new(), BTreeMap::new());
        let keeper = Keeper { board: Arc::clone(&board), runner, running, ending };
        tokio::spawn(keeper.run(changes, stopped));
        Self { board, wanted: Arc::new(wanted), stop: Arc::new(stop) }
    }

    /// Reads the directory again. Plugins whose description is the same go on as if nothing had happened.
    pub fn reload(&self, wanted: Wanted) {
        self.wanted.send_replace(wanted);
    }

    /// Ends them all, with the programs that run.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// The last results, and what the files say now.
    pub async fn told(&self, now: SystemTime) -> Told {
        let mut told = self.board.told();
        let textfiles = self.wanted.borrow().textfiles.clone();
        if let Some(path) = textfiles {
            let what = path.display().to_string();
            let read = move || textfiles::read(&path, now);
            match blocking::run(Lane::Plugins, &what, FILES_TIMEOUT, read).await {
                Ok(files) => told.add_files(files),
                Err(blocked) => told.add_problem(blocked.to_string()),
            }
        }
        told
    }

    /// Names of the plugins that are described.
    pub fn names(&self) -> Vec<String> {
        self.board.names()
    }

    /// Whether files of figures are read.
    pub fn reads_files(&self) -> bool {
        self.wanted.borrow().textfiles.is_some()
    }
}

/// A plugin that runs.
struct Running {
    spec: Arc<Spec>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

struct Keeper {
    board: Arc<Board>,
    runner: Arc<dyn Runner>,
    running: BTreeMap<String, Running>,
    /// Tasks that were asked to end: one of the same name begins behind them.
    ending: BTreeMap<String, JoinHandle<()>>,
}

impl Keeper {
    async fn run(mut self, mut changes: watch::Receiver<Wanted>, mut stopped: watch::Receiver<bool>) {
        loop {
            let directory = changes.borrow_and_update().directory.clone();
            let found = match directory {
                Some(directory) => directory::read(directory).await,
                None => Ok(Found::default()),
            };
            match found {
                Ok(found) => self.adopt(found),
                // Those that run go on.
                Err(why) => self.board.set(self.board.names(), Some(why)),
            }
            tokio::select! {
                biased;
                _ = stopped.wait_for(|stop| *stop) => break,
                next = changes.changed() => if next.is_err() { break },
            }
        }
        for running in self.running.values() {
            running.stop.send_replace(true);
        }
    }

    fn adopt(&mut self, found: Found) {
        if let Some(problem) = &found.problem {
            log::warn!("plugins: {problem}");
        }
        let names: Vec<String> = found.plugins.keys().cloned().collect();
        if names != self.board.names() {
            log::info!(
                "plugins that are described: {}",
                if names.is_empty() { "none".into() } else { names.join(", ") }
            );
        }
        self.board.set(names, found.problem);
        let gone: Vec<_> =
            self.running.keys().filter(|name| !found.plugins.contains_key(*name)).cloned().collect();
        self.ending.retain(|_, task| !task.is_finished());
        for name in gone {
            self.end(&name);
        }
        for (name, spec) in found.plugins {
            match spec {
                Ok(spec) => self.begin(name, spec),
                Err(why) => {
                    self.end(&name);
                    log::warn!("the plugin {name} does not run: {why}");
                    self.board.put(&name, Outcome::failed(why), None);
                }
            }
        }
    }

    /// Asks it to end; it does so by itself.
    fn end(&mut self, name: &str) {
        if let Some(Running { stop, task, .. }) = self.running.remove(name) {
            stop.send_replace(true);
            self.ending.insert(name.to_owned(), task);
        }
        self.board.forget(name);
    }

    fn begin(&mut self, name: String, spec: Spec) {
        if self.running.get(&name).is_some_and(|running| *running.spec == spec) {
            return;
        }
        self.end(&name);
        let before = self.ending.remove(&name);
        let (stop, stopped) = watch::channel(false);
        let spec = Arc::new(spec);
        let (runner, board) = (Arc::clone(&self.runner), Arc::clone(&self.board));
        let gate = Gate::of_the_process();
        let task = Task { name: name.clone(), spec: Arc::clone(&spec), runner, board, stop: stopped, gate };
        let task = tokio::spawn(task.run(before));
        self.running.insert(name, Running { spec, stop, task });
    }
}

#[cfg(all(test, unix))]
#[path = "keeper_tests.rs"]
mod tests;
