//! Tells when a device may have come or gone: inotify(7), a burst of events as one change.

use super::watch_targets::{NameFilter, WatchTarget};
use infiniservice_platform::inotify::{LOST, drain, open};
use infiniservice_platform::reactor_unsafe::{Registered, register};
use rustix::fs::inotify::{self, ReadFlags, WatchFlags};
use rustix::io::Errno;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::future::pending;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// A change is told when nothing more happened for this long: udev makes links and sets modes after the node.
const QUIET: Duration = Duration::from_millis(100);
/// A change is told after this long at the latest, however much goes on.
const AT_MOST: Duration = Duration::from_secs(1);
/// Watches directories for names that matter.
#[derive(Debug)]
pub struct Watcher {
    inotify: Registered,
    watches: HashMap<i32, Vec<NameFilter>>,
    /// When the change that is being gathered will be told, and when it is to be told at the latest.
    due: Option<(Instant, Instant)>,
}

impl Watcher {
    /// Watches nothing yet; needs a tokio runtime.
    pub fn new() -> io::Result<Self> {
        let inotify = open()?;
        Ok(Self { inotify: register(inotify)?, watches: HashMap::new(), due: None })
    }

    /// Watches these targets and no others. A path that does not exist is left out.
    pub fn watch(&mut self, targets: &[WatchTarget]) {
        let mut watches: HashMap<i32, Vec<NameFilter>> = HashMap::new();
        for target in targets {
            match inotify::add_watch(self.inotify.get_ref(), &target.path, mask(&target.names)) {
                Ok(wd) => watches.entry(wd).or_default().push(target.names.clone()),
                Err(Errno::NOENT | Errno::NOTDIR) => {}
                // A port of others; whether its own may be opened is told when the agent tries.
                Err(Errno::ACCESS) if matches!(target.names, NameFilter::Itself { .. }) => {
                    log::debug!("not watched: the agent has no access to {}", target.path.display());
                }
                Err(error) => log::warn!("cannot watch {}: {error}", target.path.display()),
            }
        }
        for wd in self.watches.keys().filter(|wd| !watches.contains_key(wd)) {
            // Fails for a directory that is gone, whose watch went with it.
            let _gone = inotify::remove_watch(self.inotify.get_ref(), *wd);
        }
        self.watches = watches;
    }

    /// Resolves once a burst of changes that matter is over. Cancel safe: a burst that has begun is kept.
    pub async fn changed(&mut self) {
        loop {
            let Some((due, _)) = self.due else {
                self.gather().await;
                continue;
            };
            tokio::select! {
                () = sleep_until(due) => {
                    self.due = None;
                    return;
                }
                () = self.gather() => {}
            }
        }
    }

    /// Waits for events and reads them all.
    async fn gather(&mut self) {
        let matters = match self.inotify.readable().await {
            Ok(mut guard) => {
                let matters = drain(guard.get_inner(), |event| matters(event, &self.watches));
                guard.clear_ready();
                matters
            }
            Err(error) => Err(error),
        };
        match matters {
            Ok(true) => self.postpone(Instant::now()),
            Ok(false) => {}
            Err(error) => {
                log::warn!("device monitoring ended: {error}");
                pending::<()>().await;
            }
        }
    }

    /// Tells a change after this long even if nothing happens, once.
    pub fn remind(&mut self, after: Duration) {
        let due = Instant::now() + after;
        self.due.get_or_insert((due, due));
    }

    fn postpone(&mut self, now: Instant) {
        let latest = self.due.map_or(now + AT_MOST, |(_, latest)| latest);
        self.due = Some((latest.min(now + QUIET), latest));
    }
}

fn mask(names: &NameFilter) -> WatchFlags {
    match names {
        NameFilter::Itself { closing: true } => WatchFlags::ATTRIB | WatchFlags::CLOSE,
        NameFilter::Itself { closing: false } => WatchFlags::ATTRIB,
        // Without ATTRIB: in /dev that would tell of every login on a terminal.
        NameFilter::Any | NameFilter::Ports | NameFilter::One(_) => {
            let entries = WatchFlags::CREATE | WatchFlags::DELETE | WatchFlags::MOVE;
            entries | WatchFlags::DELETE_SELF | WatchFlags::MOVE_SELF | WatchFlags::ONLYDIR
        }
    }
}

/// Lost events and lost directories matter, whatever the name; else the name decides.
fn matters(event: &inotify::Event<'_>, watches: &HashMap<i32, Vec<NameFilter>>) -> bool {
    let closed = ReadFlags::CLOSE_WRITE | ReadFlags::CLOSE_NOWRITE;
    let known = watches.get(&event.wd());
    match (known, event.file_name()) {
        (Some(names), Some(name)) => {
            let name = OsStr::from_bytes(name.to_bytes());
            names.iter().any(|names| names.contain(name))
        }
        (Some(_), None) => event.events().intersects(LOST | closed | ReadFlags::ATTRIB),
        (None, _) => event.events().contains(ReadFlags::QUEUE_OVERFLOW),
    }
}
