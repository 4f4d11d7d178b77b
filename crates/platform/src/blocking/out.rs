//! Who is out: the process' list of threads, and those that hang.

use super::{Lane, thread};
use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Calls for one thing that may hang at one time; the next is refused at once.
const MAX_HANGING_OF_ONE: usize = 3;

/// Why a call gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum Blocked {
    /// It did not end in time; its thread is out until the kernel lets it go.
    #[error("{what}: no answer for {} ms", waited.as_millis())]
    Hangs {
        /// What was asked.
        what: String,
        /// Since it was asked.
        waited: Duration,
    },
    /// As many calls for it hang as are allowed.
    #[error("{what}: earlier calls are still waiting for its answer")]
    StillHangs {
        /// What was asked.
        what: String,
    },
    /// All places are taken, by calls for other things.
    #[error("{what}: too many other calls are still waiting for an answer")]
    Full {
        /// What was asked.
        what: String,
    },
    /// The system gave no thread.
    #[error("{what}: no thread could be started: {source}")]
    NoThread {
        /// What was asked.
        what: String,
        /// Why.
        source: io::Error,
    },
    /// The thread panicked.
    #[error("{what}: the thread that asked it died")]
    Died {
        /// What was asked.
        what: String,
    },
}

impl Blocked {
    /// Whether it waits in the kernel, now or since an earlier call.
    pub fn hangs(&self) -> bool {
        matches!(self, Self::Hangs { .. } | Self::StillHangs { .. })
    }
}

impl From<Blocked> for io::Error {
    fn from(blocked: Blocked) -> Self {
        let kind = if blocked.hangs() { io::ErrorKind::TimedOut } else { io::ErrorKind::Other };
        Self::new(kind, blocked)
    }
}

#[derive(Debug)]
struct Entry {
    lane: Lane,
    what: String,
    since: Instant,
    hangs: bool,
}

#[derive(Debug)]
struct List {
    next: u64,
    entries: BTreeMap<u64, Entry>,
}

/// Of the process, as its threads are.
static OUT: Mutex<List> = Mutex::new(List { next: 0, entries: BTreeMap::new() });

/// Only a list stands behind it: a panic elsewhere leaves it whole.
fn list() -> MutexGuard<'static, List> {
    OUT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What hangs now, and since when, the longest first.
pub fn hanging() -> Vec<(String, Duration)> {
    let list = list();
    let hanging = list.entries.values().filter(|entry| entry.hangs);
    let mut hanging: Vec<_> = hanging.map(|entry| (entry.what.clone(), entry.since.elapsed())).collect();
    hanging.sort_by_key(|(_, since)| std::cmp::Reverse(*since));
    hanging
}

/// How many calls of a lane hang now.
pub(super) fn hanging_in(lane: Lane) -> usize {
    list().entries.values().filter(|entry| entry.hangs && entry.lane == lane).count()
}

/// What hangs, in a few words for a status line.
pub fn summary() -> Option<String> {
    let hanging = hanging();
    let (first, _) = hanging.first()?;
    Some(match hanging.len() {
        1 => format!("{first} does not answer"),
        more => format!("{first} and {} more do not answer", more - 1),
    })
}

/// A thread's place; it is free again when this is dropped, which the thread does last.
#[derive(Debug)]
pub(super) struct Place(Ticket);

/// The number of a place, by which others speak of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket(u64);

impl Place {
    pub(super) fn take(lane: Lane, what: &str) -> Result<Self, Blocked> {
        let mut list = list();
        let of_lane = list.entries.values().filter(|entry| entry.lane == lane);
        if of_lane.clone().filter(|entry| entry.hangs && entry.what == what).count() >= MAX_HANGING_OF_ONE {
            return Err(Blocked::StillHangs { what: what.to_owned() });
        }
        if of_lane.count() >= lane.places() {
            return Err(Blocked::Full { what: what.to_owned() });
        }
        let number = list.next;
        list.next += 1;
        let entry = Entry { lane, what: what.to_owned(), since: Instant::now(), hangs: false };
        list.entries.insert(number, entry);
        Ok(Self(Ticket(number)))
    }

    pub(super) fn ticket(&self) -> Ticket {
        self.0
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut list = list();
        let Some(gone) = list.entries.remove(&self.0.0).filter(|entry| entry.hangs) else { return };
        let others = list.entries.values().any(|entry| entry.hangs && entry.what == gone.what);
        drop(list);
        if !others {
            let seconds = gone.since.elapsed().as_secs();
            // Not logged here: this thread may have no descriptors.
            thread::hand(move || log::info!("{} answers again, after {seconds} s", gone.what));
        }
    }
}

impl Ticket {
    /// Whether the thread is still out.
    pub(super) fn is_out(self) -> bool {
        list().entries.contains_key(&self.0)
    }

    /// Its caller does not wait any longer; `what` it hangs in. Logged once for one thing.
    pub(super) fn hangs(self, what: &str, waited: Duration) {
        let mut list = list();
        let known = list.entries.values().any(|entry| entry.hangs && entry.what == what);
        let Some(entry) = list.entries.get_mut(&self.0).filter(|entry| !entry.hangs) else { return };
        entry.hangs = true;
        what.clone_into(&mut entry.what);
        entry.since = Instant::now().checked_sub(waited).unwrap_or(entry.since);
        drop(list);
        if !known {
            log::warn!(
                "{what}: no answer for {} ms; its figures are omitted until it answers",
                waited.as_millis()
            );
        }
    }
}
