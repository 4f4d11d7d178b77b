//! Many calls of one kind, one after another in one thread. Where one hangs, its thread is left to it, and another takes over
//! behind it: what hangs costs its own answer and a moment, and what does not hang costs no thread of its own.

use super::lane::Lane;
use super::out::{Blocked, Ticket};
use super::thread::launch;
use std::collections::HashMap;
use std::fmt::Display;
use std::hash::Hash;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How much sooner the later ones of a series that hang are given up than the first.
const HASTE: u32 = 5;

/// The calls of one kind; remembers which items hang, and passes them over for as long as they do.
#[derive(Debug)]
pub struct Series<K> {
    lane: Lane,
    what: &'static str,
    patience: Duration,
    hanging: HashMap<K, Hanging>,
}

#[derive(Debug)]
struct Hanging {
    ticket: Ticket,
    since: Instant,
}

impl<K: Clone + Eq + Hash + Display + Send + Sync + 'static> Series<K> {
    /// Calls that each may take `patience`; `what` they are, for messages.
    pub fn new(lane: Lane, what: &'static str, patience: Duration) -> Self {
        Self { lane, what, patience, hanging: HashMap::new() }
    }

    /// What each item answers, in order. `begin` makes the caller, in the thread that uses it.
    pub fn each<T, F>(
        &mut self,
        items: &[K],
        begin: impl Fn() -> F + Send + Sync + 'static,
    ) -> Vec<Result<T, Blocked>>
    where
        T: Send + 'static,
        F: FnMut(&K) -> T,
    {
        self.hanging.retain(|_, hanging| hanging.ticket.is_out());
        let free: Arc<[K]> = items.iter().filter(|item| !self.hanging.contains_key(*item)).cloned().collect();
        let known: HashMap<K, Duration> =
            self.hanging.iter().map(|(item, hanging)| (item.clone(), hanging.since.elapsed())).collect();
        let mut answers = self.ask(&free, &Arc::new(begin)).into_iter();
        let answer = |item: &K| match known.get(item) {
            Some(waited) => Err(Blocked::Hangs { what: item.to_string(), waited: *waited }),
            // There is one answer for each that was asked.
            None => answers.next().unwrap_or_else(|| Err(Blocked::Died { what: item.to_string() })),
        };
        items.iter().map(answer).collect()
    }

    /// Whether the item hung when it was last asked, and still does.
    pub fn hangs(&self, item: &K) -> bool {
        self.hanging.get(item).is_some_and(|hanging| hanging.ticket.is_out())
    }

    fn ask<T, F>(
        &mut self,
        items: &Arc<[K]>,
        begin: &Arc<impl Fn() -> F + Send + Sync + 'static>,
    ) -> Vec<Result<T, Blocked>>
    where
        T: Send + 'static,
        F: FnMut(&K) -> T,
    {
        let mut answers = Vec::with_capacity(items.len());
        let mut patience = self.patience;
        while answers.len() < items.len() {
            let progress = Arc::new(Progress::default());
            let Ok(ticket) = self.set_out(items, answers.len(), begin, &progress) else {
                // Without a place nothing more can be asked this time.
                let left = items.iter().skip(answers.len());
                answers.extend(left.map(|item| Err(Blocked::Full { what: item.to_string() })));
                break;
            };
            let (told, end) = progress.wait(patience);
            answers.extend(told.into_iter().map(Ok));
            // The one after the last that answered is where it ended, if it did not get through.
            let Some(item) = items.get(answers.len()) else { break };
            answers.push(Err(self.note(item, end, ticket, patience)));
            patience = self.patience / HASTE;
        }
        answers
    }

    fn set_out<T, F>(
        &self,
        items: &Arc<[K]>,
        from: usize,
        begin: &Arc<impl Fn() -> F + Send + Sync + 'static>,
        progress: &Arc<Progress<T>>,
    ) -> Result<Ticket, Blocked>
    where
        T: Send + 'static,
        F: FnMut(&K) -> T,
    {
        let (items, begin, progress) = (Arc::clone(items), Arc::clone(begin), Arc::clone(progress));
        launch(self.lane, self.what, move || progress.run(items.get(from..).unwrap_or_default(), begin()))
    }

    fn note(&mut self, item: &K, end: End, ticket: Ticket, waited: Duration) -> Blocked {
        let what = item.to_string();
        match end {
            End::Over => Blocked::Died { what },
            End::Stands => {
                ticket.hangs(&what);
                let since = Instant::now().checked_sub(waited).unwrap_or_else(Instant::now);
                self.hanging.insert(item.clone(), Hanging { ticket, since });
                Blocked::Hangs { what, waited }
            }
        }
    }
}

/// How a thread's work on a series ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// It got through, or died on the way.
    Over,
    /// It stands still, and was left.
    Stands,
}

/// What the thread has done so far.
#[derive(Debug)]
struct Progress<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

#[derive(Debug)]
struct State<T> {
    told: Vec<T>,
    over: bool,
    left: bool,
}

impl<T> Default for Progress<T> {
    fn default() -> Self {
        let state = State { told: Vec::new(), over: false, left: false };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }
}

impl<T> Progress<T> {
    fn run<K>(&self, items: &[K], mut call: impl FnMut(&K) -> T) {
        let _over = Over(self);
        for item in items {
            let told = call(item);
            let mut state = self.state();
            if state.left {
                return;
            }
            state.told.push(told);
        }
    }

    /// Waits until it is over, or no item was done for `patience`.
    fn wait(&self, patience: Duration) -> (Vec<T>, End) {
        let mut state = self.state();
        let (mut done, mut looks) = (0, 0);
        while !state.over {
            // Two looks, so that both are late when the whole process stood still, and neither counts.
            let waited = self.changed.wait_timeout(state, patience / 2);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            looks = if state.told.len() == done { looks + 1 } else { 0 };
            done = state.told.len();
            if looks >= 2 && !state.over {
                state.left = true;
                return (std::mem::take(&mut state.told), End::Stands);
            }
        }
        (std::mem::take(&mut state.told), End::Over)
    }

    /// What was done stays true when the thread panics.
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says that the thread is through, also when it panics.
struct Over<'a, T>(&'a Progress<T>);

impl<T> Drop for Over<'_, T> {
    fn drop(&mut self) {
        self.0.state().over = true;
        self.0.changed.notify_all();
    }
}
