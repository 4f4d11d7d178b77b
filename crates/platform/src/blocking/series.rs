//! Many calls of one kind, one after another in one thread. Where one hangs, its thread is left to it, and another takes over
//! behind it: what hangs costs its own answer and a moment, and what does not hang costs no thread of its own.

use super::Lane;
use super::out::{Blocked, Ticket, hanging_in};
use super::thread::launch;
use super::turn::Worker;
use std::collections::{HashMap, HashSet};
use std::fmt::Display;
use std::hash::Hash;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How much sooner the later ones of a series that hang are given up than the first.
const HASTE: u32 = 5;
/// Items of one owner that may hang at one time; then the owner's others are not asked.
const MAX_HANGING_OF_OWNER: usize = 8;
/// One part in so many of a lane's places is kept for items that answered when they were last asked: however many others hang, these go
/// on being asked.
const RESERVED_PART: usize = 4;
/// How many times as long a thread is waited for that has no turn on a processor: it does not hang, but nobody waits for ever.
const MORE_TURNS: u32 = 9;
/// Items that are known to have answered; beyond it only those of the latest asking are.
const MAX_PROVEN: usize = 1 << 16;

/// What a series asks, one by one; its text names it in messages.
pub trait Item: Clone + Eq + Hash + Display + Send + Sync + 'static {
    /// Whose it is, where that is known: who makes his own hang shall not take the places of others.
    fn owner(&self) -> Option<u64> {
        None
    }
}

/// The calls of one kind; remembers which items hang, and passes them over for as long as they do.
#[derive(Debug)]
pub struct Series<K> {
    lane: Lane,
    what: &'static str,
    timeout: Duration,
    hanging: HashMap<K, Hanging>,
    /// Those that answered when they were last asked, whatever else was asked since.
    proven: HashSet<K>,
}

#[derive(Debug)]
struct Hanging {
    ticket: Ticket,
    since: Instant,
}

/// The answers so far, and the numbers of the items that have none.
struct Round<T> {
    answers: Vec<Option<Result<T, Blocked>>>,
    left: Vec<usize>,
}

impl<K: Item> Series<K> {
    /// Calls that each may take `timeout`; `what` they are, for messages.
    pub fn new(lane: Lane, what: &'static str, timeout: Duration) -> Self {
        Self { lane, what, timeout, hanging: HashMap::new(), proven: HashSet::new() }
    }

    /// Whether the item hung when it was last asked, and still does.
    pub fn hangs(&self, item: &K) -> bool {
        self.hanging.get(item).is_some_and(|hanging| hanging.ticket.is_out())
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
        let begin = Arc::new(begin);
        let mut timeout = self.timeout;
        let mut round =
            Round { answers: items.iter().map(|_| None).collect(), left: (0..items.len()).collect() };
        loop {
            self.pass_over(items, &mut round);
            if round.left.is_empty() {
                break;
            }
            self.go_on(items, &mut round, &begin, timeout);
            timeout = self.timeout / HASTE;
        }
        self.prove(items, &round.answers);
        let died = |item: &K| Err(Blocked::Died { what: item.to_string() });
        round
            .answers
            .into_iter()
            .zip(items)
            .map(|(answer, item)| answer.unwrap_or_else(|| died(item)))
            .collect()
    }

    /// Forgets what is gone, which is not asked again.
    pub fn keep(&mut self, is_there: impl Fn(&K) -> bool) {
        self.proven.retain(is_there);
    }

    fn prove<T>(&mut self, items: &[K], answers: &[Option<Result<T, Blocked>>]) {
        if self.proven.len() + items.len() > MAX_PROVEN {
            self.proven.clear();
        }
        for (item, answer) in items.iter().zip(answers) {
            if answer.as_ref().is_some_and(Result::is_ok) {
                self.proven.insert(item.clone());
            } else {
                self.proven.remove(item);
            }
        }
    }

    /// Answers for those that hang, and for those whose owners have too many that do.
    fn pass_over<T>(&self, items: &[K], round: &mut Round<T>) {
        let mut owners: HashMap<u64, usize> = HashMap::new();
        for owner in self.hanging.keys().filter_map(K::owner) {
            *owners.entry(owner).or_default() += 1;
        }
        let too_many = |item: &K| {
            item.owner().is_some_and(|owner| owners.get(&owner).is_some_and(|n| *n >= MAX_HANGING_OF_OWNER))
        };
        let places = self.lane.places();
        let scarce = hanging_in(self.lane) >= places - places / RESERVED_PART;
        let Round { answers, left } = round;
        left.retain(|at| {
            let (Some(item), Some(answer)) = (items.get(*at), answers.get_mut(*at)) else { return false };
            let what = || item.to_string();
            match self.hanging.get(item) {
                Some(hanging) => {
                    answer
                        .get_or_insert(Err(Blocked::Hangs { what: what(), waited: hanging.since.elapsed() }));
                }
                None if too_many(item) || (scarce && !self.proven.contains(item)) => {
                    *answer = Some(Err(Blocked::Full { what: what() }));
                }
                None => return true,
            }
            false
        });
    }

    /// One thread for all that are left, until it is through or one of them hangs.
    fn go_on<T, F>(
        &mut self,
        items: &[K],
        round: &mut Round<T>,
        begin: &Arc<impl Fn() -> F + Send + Sync + 'static>,
        timeout: Duration,
    ) where
        T: Send + 'static,
        F: FnMut(&K) -> T,
    {
        let asked: Vec<K> = round.left.iter().filter_map(|at| items.get(*at)).cloned().collect();
        let progress = Arc::new(Progress::default());
        let (own, begin) = (Arc::clone(&progress), Arc::clone(begin));
        let mut left = std::mem::take(&mut round.left).into_iter();
        let answers = &mut round.answers;
        let mut give = |at: usize, answer| {
            if let Some(place) = answers.get_mut(at) {
                *place = Some(answer);
            }
        };
        let Ok(ticket) = launch(self.lane, self.what, move || own.run(&asked, begin())) else {
            // Without a place nothing more can be asked this time.
            let full =
                |at: &usize| Blocked::Full { what: items.get(*at).map_or_else(String::new, K::to_string) };
            return left.for_each(|at| give(at, Err(full(&at))));
        };
        let (told, end) = progress.wait(timeout);
        // First what was told, as then the next one is where it ended.
        told.into_iter().zip(&mut left).for_each(|(told, at)| give(at, Ok(told)));
        if let Some((at, item)) = left.next().and_then(|at| Some((at, items.get(at)?))) {
            give(at, Err(self.note(item, end, ticket, timeout)));
        }
        round.left = left.collect();
    }

    fn note(&mut self, item: &K, end: End, ticket: Ticket, waited: Duration) -> Blocked {
        let what = item.to_string();
        match end {
            End::Over => Blocked::Died { what },
            End::Stands => {
                ticket.hangs(&what, waited);
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
    /// The thread, once it runs.
    worker: Option<Worker>,
}

impl<T> State<T> {
    /// Whether what is missing to the thread is a processor and nothing else.
    fn wants_a_processor(&self) -> bool {
        self.worker.is_none_or(Worker::is_runnable)
    }
}

impl<T> Default for Progress<T> {
    fn default() -> Self {
        let state = State { told: Vec::new(), over: false, left: false, worker: None };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }
}

impl<T> Progress<T> {
    fn run<K>(&self, items: &[K], mut call: impl FnMut(&K) -> T) {
        let _over = Over(self);
        self.state().worker = Some(Worker::own());
        for item in items {
            let told = call(item);
            let mut state = self.state();
            if state.left {
                return;
            }
            state.told.push(told);
        }
    }

    /// Waits until it is over, or no item was done for `timeout`; longer where the thread gets no turn on a busy machine.
    fn wait(&self, timeout: Duration) -> (Vec<T>, End) {
        let mut state = self.state();
        let (mut done, mut looks, mut patience) = (0, 0, MORE_TURNS);
        while !state.over {
            // Two looks, so that both are late when the whole process stood still, and neither counts.
            let waited = self.changed.wait_timeout(state, timeout / 2);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            looks = if state.told.len() == done { looks + 1 } else { 0 };
            if state.told.len() > done {
                patience = MORE_TURNS;
            }
            done = state.told.len();
            if looks >= 2 && !state.over {
                if patience > 0 && state.wants_a_processor() {
                    (looks, patience) = (0, patience - 1);
                    continue;
                }
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
