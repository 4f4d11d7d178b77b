//! The sockets of guests as they come and go: they are looked for at once when a directory changes, and each minute in any
//! case.

use super::guests::Guests;
use super::hub::Hub;
use super::scan::scan;
use infiniservice_platform::inotify::{drain, open};
use infiniservice_platform::reactor_unsafe::{Registered, register};
use rustix::fs::inotify::{WatchFlags, add_watch};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

/// How often everything is looked at whatever inotify says.
const EVERY: Duration = Duration::from_secs(60);
/// Changes that follow each other so soon are one.
const SETTLE: Duration = Duration::from_millis(100);

/// Starts and ends the tasks of the guests, for as long as the hub runs.
pub(super) async fn watch(hub: Rc<Hub>) {
    let mut guests = Guests::default();
    let mut watcher = Watcher::new();
    let mut told = Vec::new();
    loop {
        // They were checked when they were read.
        let found = scan(&hub.settings.now().patterns().unwrap_or_default());
        if found.unreadable != told {
            found.unreadable.iter().for_each(|error| log::warn!("{error}"));
            told.clone_from(&found.unreadable);
        }
        guests.follow(&hub, &found);
        // A change between the look and the watch is seen by the next look; a watch that is new asks for one at once.
        if watcher.add(&found.directories) {
            continue;
        }
        tokio::select! {
            () = hub.settings.changed() => continue,
            _ = tokio::time::timeout(EVERY, watcher.changed()) => {}
        }
        tokio::time::sleep(SETTLE).await;
        watcher.drain();
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
