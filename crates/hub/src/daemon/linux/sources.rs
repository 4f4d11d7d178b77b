//! Which sockets are there: patterns are looked up in their directories, at once when one changes and each minute in any case.

use super::guest;
use super::hub::Hub;
use crate::pattern::{Match, Part, Pattern};
use infiniservice_hub_core::fleet::NotTaken;
use infiniservice_platform::inotify::{drain, open};
use infiniservice_platform::reactor_unsafe::{Registered, register};
use rustix::fs::inotify::{WatchFlags, add_watch};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::AbortHandle;

/// Names of directories that are read in one look.
const MAX_NAMES: usize = 100_000;
/// How often everything is looked at whatever inotify says.
const EVERY: Duration = Duration::from_secs(60);
/// Changes that follow each other so soon are one.
const SETTLE: Duration = Duration::from_millis(100);

/// What one look found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Sockets, with their machines' names.
    pub(super) sockets: BTreeMap<PathBuf, String>,
    /// Directories whose changes matter; of one that is missing the nearest above it.
    directories: BTreeSet<PathBuf>,
    /// What could not be read, and why.
    pub(super) unreadable: Vec<String>,
    names: usize,
}

/// Looks at all patterns.
pub(super) fn scan(patterns: &[Pattern]) -> Found {
    let mut found = Found::default();
    for pattern in patterns {
        found.below(Path::new("/"), pattern.parts(), None);
    }
    found
}

impl Found {
    fn below(&mut self, directory: &Path, parts: &[Part], vm: Option<&str>) {
        let Some((part, after)) = parts.split_first() else { return };
        if let Some(name) = part.literal() {
            let path = directory.join(name);
            if !after.is_empty() && !path.is_dir() {
                self.directories.insert(directory.to_path_buf());
                return;
            }
            return self.entry(path, after, vm, directory);
        }
        self.directories.insert(directory.to_path_buf());
        for (path, own) in self.matching(directory, part) {
            self.entry(path, after, own.as_deref().or(vm), directory);
        }
    }

    fn entry(&mut self, path: PathBuf, after: &[Part], vm: Option<&str>, directory: &Path) {
        if !after.is_empty() {
            return self.below(&path, after, vm);
        }
        self.directories.insert(directory.to_path_buf());
        let is_socket = path.metadata().is_ok_and(|facts| facts.file_type().is_socket());
        if let Some(vm) = vm.filter(|_| is_socket) {
            self.sockets.insert(path, vm.to_owned());
        }
    }

    fn matching(&mut self, directory: &Path, part: &Part) -> Vec<(PathBuf, Option<String>)> {
        let entries = match directory.read_dir() {
            Ok(entries) => entries,
            Err(error) => {
                self.unreadable.push(format!("cannot read {}: {error}", directory.display()));
                return Vec::new();
            }
        };
        let mut matching = Vec::new();
        for entry in entries.flatten() {
            self.names += 1;
            if self.names > MAX_NAMES {
                self.unreadable.push(format!("more than {MAX_NAMES} names; the rest was not looked at"));
                break;
            }
            let name = entry.file_name();
            let Some(Match { vm }) = name.to_str().and_then(|name| part.matches(name)) else { continue };
            matching.push((entry.path(), vm));
        }
        matching
    }
}

/// Starts and ends the tasks of the guests, for as long as the hub runs.
pub(super) async fn watch(hub: Rc<Hub>, patterns: Vec<Pattern>) {
    let mut guests = Guests::default();
    let mut watcher = Watcher::new();
    let mut told = Vec::new();
    loop {
        let found = scan(&patterns);
        if found.unreadable != told {
            found.unreadable.iter().for_each(|error| log::warn!("{error}"));
            told.clone_from(&found.unreadable);
        }
        guests.follow(&hub, &found);
        // A change between the look and the watch is seen by the next look; a watch that is new asks for one at once.
        if watcher.add(&found.directories) {
            continue;
        }
        let _changed_or_not = tokio::time::timeout(EVERY, watcher.changed()).await;
        tokio::time::sleep(SETTLE).await;
        watcher.drain();
    }
}

/// The guests that have a task.
#[derive(Default)]
struct Guests {
    running: HashMap<PathBuf, (Arc<str>, AbortHandle)>,
    refused: HashMap<PathBuf, NotTaken>,
}

impl Guests {
    fn follow(&mut self, hub: &Rc<Hub>, found: &Found) {
        self.refused.retain(|path, _| found.sockets.contains_key(path));
        self.running.retain(|path, (name, task)| {
            let there = found.sockets.contains_key(path);
            if !there {
                task.abort();
                hub.closed(name, "its socket is gone");
                hub.vanished(name);
            }
            there
        });
        for (path, vm) in &found.sockets {
            if !self.running.contains_key(path) {
                self.start(hub, path, vm);
            }
        }
    }

    fn start(&mut self, hub: &Rc<Hub>, path: &Path, vm: &str) {
        let text = path.display().to_string();
        // A socket that was refused is not told of again while the other is there.
        let held = |by: &str| {
            hub.look(|fleet| fleet.get(vm).is_some_and(|it| it.path == by && it.vanished.is_none()))
        };
        if let Some(NotTaken::Claimed { by }) = self.refused.get(path)
            && held(by)
        {
            return;
        }
        match hub.claim(vm, &text) {
            Ok(name) => {
                let task =
                    tokio::task::spawn_local(guest::keep(Rc::clone(hub), Arc::clone(&name), path.into()));
                self.running.insert(path.into(), (name, task.abort_handle()));
            }
            Err(error) => {
                log::warn!("{text} is not served: {}", why(&error));
                self.refused.insert(path.into(), error);
            }
        }
    }
}

fn why(error: &NotTaken) -> String {
    match error {
        NotTaken::Claimed { by } => format!("{by} has its name"),
        NotTaken::Full => "the table of machines is full".to_owned(),
    }
}

/// inotify, where the kernel gives it.
struct Watcher {
    inotify: Option<Registered>,
    watched: BTreeSet<PathBuf>,
}

impl Watcher {
    fn new() -> Self {
        let inotify = open()
            .and_then(register)
            .inspect_err(|error| log::warn!("no inotify ({error}): sockets are looked for each minute"))
            .ok();
        Self { inotify, watched: BTreeSet::new() }
    }

    /// Watches these directories; whether one of them is new. The watch of a directory that is gone ends by itself.
    fn add(&mut self, directories: &BTreeSet<PathBuf>) -> bool {
        self.watched.retain(|path| directories.contains(path) && path.is_dir());
        let Some(inotify) = &self.inotify else { return false };
        let flags = WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::MOVE
            | WatchFlags::DELETE_SELF
            | WatchFlags::ONLYDIR;
        let mut new = false;
        for path in directories {
            if !self.watched.contains(path) && add_watch(inotify.get_ref(), path, flags).is_ok() {
                self.watched.insert(path.clone());
                new = true;
            }
        }
        new
    }

    async fn changed(&self) {
        match &self.inotify {
            // What was told is read after it, so that the next change is an event again.
            Some(inotify) => drop(inotify.readable().await.map(|mut ready| ready.clear_ready())),
            None => std::future::pending().await,
        }
    }

    /// Forgets what was told: the next look sees everything.
    fn drain(&self) {
        if let Some(Err(error)) = self.inotify.as_ref().map(|inotify| drain(inotify.get_ref(), |_| true)) {
            log::debug!("inotify cannot be read: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    fn names(found: &Found) -> Vec<&str> {
        found.sockets.values().map(String::as_str).collect()
    }

    #[test]
    fn sockets_are_found_by_their_names_and_files_are_none() {
        let root = tempfile::tempdir().unwrap();
        let pattern = format!("{}/{{domain}}/org.infinibay.agent*", root.path().display());
        let patterns = [Pattern::parse(&pattern).unwrap()];
        for directory in ["domain-3-web", "domain-12-db", "other"] {
            std::fs::create_dir(root.path().join(directory)).unwrap();
        }
        let _listeners = ["domain-3-web", "other"].map(|directory| {
            UnixListener::bind(root.path().join(directory).join("org.infinibay.agent.0")).unwrap()
        });
        std::fs::write(root.path().join("domain-12-db/org.infinibay.agent.0"), "").unwrap();
        let found = scan(&patterns);
        assert_eq!(names(&found), ["web"]);
        assert!(found.directories.contains(&root.path().join("domain-12-db")));
    }

    #[test]
    fn of_a_missing_directory_the_nearest_above_is_watched() {
        let root = tempfile::tempdir().unwrap();
        let pattern = format!("{}/a/b/{{vm}}.sock", root.path().display());
        let patterns = [Pattern::parse(&pattern).unwrap()];
        assert_eq!(scan(&patterns).directories, [root.path().to_path_buf()].into());
        std::fs::create_dir_all(root.path().join("a")).unwrap();
        assert_eq!(scan(&patterns).directories, [root.path().join("a")].into());
    }
}
