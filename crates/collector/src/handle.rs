//! The collector's thread: it sleeps on its queue, and wakes for nothing else. When a request does not end in time the thread
//! is left to it, and another one takes over with a collector of its own.

use super::apart::Sampled;
use super::busy::Busy;
use super::collect::Collector;
use super::error::panic_text;
use super::process::query::ProcessQuery;
use super::settings::CollectorSettings;
use infiniservice_platform::blocking::{self, Answer, Lane};
use infiniservice_platform::clock::Clock;
use infiniservice_protocol::data::ProcessListData;
use infiniservice_protocol::metrics::{Collection, Data, FailedCollector};
use infiniservice_protocol::stream::Fields;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use thiserror::Error;
use tokio::sync::oneshot;

/// Requests that may wait; those for a collection share one.
const MAX_WAITING: usize = 64;
/// A thread that seems to stand still gets so much more, as the whole process may have stood still.
const GRACE: Duration = Duration::from_secs(1);

/// Why a request was not answered.
#[derive(Debug, Error)]
pub enum HandleError {
    /// Too many requests wait.
    #[error("the collector is busy: {MAX_WAITING} requests are waiting")]
    Busy,
    /// The collector's thread ended.
    #[error("the collector has stopped")]
    Stopped,
    /// The request did not end in time.
    #[error("no answer for {} s; another thread takes over", .0.as_secs())]
    Hangs(Duration),
    /// The request failed.
    #[error("{0}")]
    Failed(String),
}

type Collected = (Data, Collection);
type Listed = Result<ProcessListData, HandleError>;

enum Request {
    Collect(oneshot::Sender<Collected>),
    Processes(ProcessQuery, oneshot::Sender<Listed>),
    Sample(Fields, oneshot::Sender<Sampled>),
}

/// The end that asks; cheap to clone. The thread ends when the last one is gone.
#[derive(Clone)]
pub struct CollectorHandle {
    shared: Arc<Shared>,
}

type Begin = dyn Fn(Receiver<Request>, Arc<Busy>) -> io::Result<Answer<()>> + Send + Sync;

struct Shared {
    begin: Box<Begin>,
    bounds: Arc<Bounds>,
    timeout: Duration,
    current: Mutex<Option<Thread>>,
}

/// What holds for the next request, replaced as a whole.
type Bounds = Mutex<Arc<CollectorSettings>>;

/// The thread that is asked now.
struct Thread {
    requests: SyncSender<Request>,
    busy: Arc<Busy>,
    ended: Answer<()>,
}

impl fmt::Debug for CollectorHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CollectorHandle").finish_non_exhaustive()
    }
}

impl CollectorHandle {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn spawn(
        settings: CollectorSettings,
        clock: impl Clock + Clone + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let timeout = settings.collection_timeout;
        let bounds = Arc::new(Bounds::new(Arc::new(settings)));
        let of_threads = Arc::clone(&bounds);
        let begin = move |queue: Receiver<Request>, busy| {
            let (bounds, clock) = (Arc::clone(&of_threads), clock.clone());
            let work = move || Worker::new(bounds, clock, busy).run(&queue);
            Ok(blocking::ask(Lane::Collector, "the collector", work)?)
        };
        let begin = Box::new(begin);
        let handle = Self { shared: Arc::new(Shared { begin, bounds, timeout, current: Mutex::default() }) };
        *handle.shared.current() = Some(handle.shared.start()?);
        Ok(handle)
    }

    /// What holds for the next request.
    pub fn bounds(&self) -> Arc<CollectorSettings> {
        held(&self.shared.bounds)
    }

    /// Changes what holds, from the next request on. What no message shows stays: how long a collection may take, where files lie.
    pub fn set_bounds(&self, change: impl FnOnce(&mut CollectorSettings)) {
        let mut settings = CollectorSettings::clone(&self.bounds());
        change(&mut settings);
        *self.shared.bounds.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(settings);
    }

    /// Collects now. Requests that wait while another collection runs share the next one.
    ///
    /// # Errors
    /// When the collector is busy, stopped or hangs; failures of single figures stand in [`Collection`].
    pub async fn collect(&self) -> Result<Collected, HandleError> {
        let (answer, answered) = oneshot::channel();
        self.ask(Request::Collect(answer), answered).await
    }

    /// Collects what these fields need, apart from the rates of [`Self::collect`].
    ///
    /// # Errors
    /// As [`Self::collect`].
    pub async fn sample(&self, fields: Fields) -> Result<Sampled, HandleError> {
        let (answer, answered) = oneshot::channel();
        self.ask(Request::Sample(fields, answer), answered).await
    }

    /// Lists processes.
    ///
    /// # Errors
    /// When the collector is busy, stopped or hangs, or `/proc` cannot be read.
    pub async fn processes(&self, query: ProcessQuery) -> Listed {
        let (answer, answered) = oneshot::channel();
        self.ask(Request::Processes(query, answer), answered).await?
    }

    async fn ask<T>(&self, request: Request, mut answered: oneshot::Receiver<T>) -> Result<T, HandleError> {
        let busy = self.shared.send(request)?;
        let timeout = self.shared.timeout;
        let mut seen = None;
        loop {
            let (since, left) = busy.left(timeout);
            // Looked at twice, so that a process that stood still does not count.
            let left = if seen == Some(since) { GRACE } else { left };
            match tokio::time::timeout(left, &mut answered).await {
                Ok(told) => return told.map_err(|_| HandleError::Stopped),
                Err(_) if since.is_some() && seen == Some(since) && busy.is_at(since) => {
                    self.shared.give_up(&busy);
                    return Err(HandleError::Hangs(timeout));
                }
                Err(_) => seen = Some(since),
            }
        }
    }
}

impl Shared {
    fn start(&self) -> io::Result<Thread> {
        let (requests, queue) = sync_channel(MAX_WAITING);
        let busy = Arc::new(Busy::default());
        let ended = (self.begin)(queue, Arc::clone(&busy))?;
        Ok(Thread { requests, busy, ended })
    }

    /// Sends to the thread that is asked now, or to a new one.
    fn send(&self, request: Request) -> Result<Arc<Busy>, HandleError> {
        let mut current = self.current();
        if current.is_none() {
            *current = Some(self.start().map_err(|error| HandleError::Failed(error.to_string()))?);
        }
        let Some(thread) = current.as_ref() else { return Err(HandleError::Stopped) };
        thread.requests.try_send(request).map_err(|error| match error {
            TrySendError::Full(_) => HandleError::Busy,
            TrySendError::Disconnected(_) => HandleError::Stopped,
        })?;
        Ok(Arc::clone(&thread.busy))
    }

    /// Leaves the thread to what it hangs in, unless that was done already.
    fn give_up(&self, busy: &Arc<Busy>) {
        let mut current = self.current();
        if current.as_ref().is_some_and(|thread| Arc::ptr_eq(&thread.busy, busy))
            && let Some(thread) = current.take()
        {
            thread.ended.give_up(self.timeout);
        }
    }

    /// One field stands behind it, which is replaced as a whole.
    fn current(&self) -> MutexGuard<'_, Option<Thread>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn held(bounds: &Bounds) -> Arc<CollectorSettings> {
    Arc::clone(&bounds.lock().unwrap_or_else(PoisonError::into_inner))
}

struct Worker<C> {
    collector: Collector,
    settings: Arc<CollectorSettings>,
    bounds: Arc<Bounds>,
    clock: C,
    busy: Arc<Busy>,
}

impl<C: Clock> Worker<C> {
    fn new(bounds: Arc<Bounds>, clock: C, busy: Arc<Busy>) -> Self {
        let settings = held(&bounds);
        Self { collector: Collector::new(CollectorSettings::clone(&settings)), settings, bounds, clock, busy }
    }

    fn heed_bounds(&mut self) {
        let settings = held(&self.bounds);
        if !Arc::ptr_eq(&settings, &self.settings) {
            self.collector.set_bounds(CollectorSettings::clone(&settings));
            self.settings = settings;
        }
    }

    fn run(&mut self, queue: &Receiver<Request>) {
        while let Ok(first) = queue.recv() {
            self.heed_bounds();
            let waiting = std::iter::once(first).chain(queue.try_iter().take(MAX_WAITING));
            let mut to_collect = Vec::new();
            for request in waiting {
                match request {
                    Request::Collect(answer) => to_collect.push(answer),
                    // Whoever asked may have gone since.
                    Request::Processes(_, answer) if answer.is_closed() => {}
                    Request::Sample(_, answer) if answer.is_closed() => {}
                    Request::Sample(fields, answer) => drop(answer.send(self.sample(fields))),
                    Request::Processes(query, answer) => drop(answer.send(self.list(&query))),
                }
            }
            self.collect_for(to_collect);
        }
    }

    /// One collection for all who wait and still want it.
    fn collect_for(&mut self, mut waiting: Vec<oneshot::Sender<Collected>>) {
        waiting.retain(|answer| !answer.is_closed());
        let Some(last) = waiting.pop() else { return };
        let collected = self.collect();
        for answer in waiting {
            let _ = answer.send(collected.clone());
        }
        let _ = last.send(collected);
    }

    fn collect(&mut self) -> Collected {
        let busy = Arc::clone(&self.busy);
        let (now, _at_work) = (self.clock.now(), busy.begin());
        let collected = catch_unwind(AssertUnwindSafe(|| self.collector.collect(now)));
        collected.unwrap_or_else(|panic| {
            let error = self.start_anew(&*panic);
            let failed = vec![FailedCollector { collector: "collector".into(), error }];
            (Data::default(), Collection { failed, ..Collection::default() })
        })
    }

    fn sample(&mut self, fields: Fields) -> Sampled {
        let busy = Arc::clone(&self.busy);
        let (now, _at_work) = (self.clock.now(), busy.begin());
        let sampled = catch_unwind(AssertUnwindSafe(|| self.collector.sample(now, fields)));
        sampled.unwrap_or_else(|panic| {
            let failed = FailedCollector { collector: "collector".into(), error: self.start_anew(&*panic) };
            let collection = Collection { failed: vec![failed], ..Collection::default() };
            Sampled { collection, ..Sampled::default() }
        })
    }

    fn list(&mut self, query: &ProcessQuery) -> Listed {
        let busy = Arc::clone(&self.busy);
        let (now, _at_work) = (self.clock.now(), busy.begin());
        let listed = catch_unwind(AssertUnwindSafe(|| self.collector.query_processes(now, query)));
        match listed {
            Ok(listed) => listed.map_err(|error| HandleError::Failed(error.to_string())),
            Err(panic) => Err(HandleError::Failed(self.start_anew(&*panic))),
        }
    }

    /// After a panic the collector's state is not to be trusted.
    fn start_anew(&mut self, panic: &(dyn std::any::Any + Send)) -> String {
        self.collector = Collector::new(CollectorSettings::clone(&self.settings));
        format!("panicked: {}", panic_text(panic))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use infiniservice_platform::clock::SystemClock;

    fn handle() -> CollectorHandle {
        CollectorHandle::spawn(CollectorSettings::default(), SystemClock::start()).unwrap()
    }

    #[tokio::test]
    async fn requests_that_wait_together_are_all_answered() {
        let handle = handle();
        let all = || ProcessQuery::default();
        let (a, b, c) = tokio::join!(handle.collect(), handle.collect(), handle.processes(all()));
        assert!(a.is_ok() && b.is_ok());
        assert!(c.unwrap().processes.iter().any(|p| p.pid == std::process::id()));
    }

    #[tokio::test]
    async fn other_bounds_hold_from_the_next_collection_on() {
        let handle = handle();
        assert!(!handle.collect().await.unwrap().0.processes.is_empty());
        handle.set_bounds(|bounds| bounds.max_processes = 0);
        let (data, _) = handle.collect().await.unwrap();
        assert!(data.processes.is_empty() && handle.bounds().max_processes == 0);
    }

    #[tokio::test]
    async fn a_requester_that_went_away_costs_nothing() {
        let handle = handle();
        drop(handle.collect());
        assert!(handle.collect().await.is_ok());
    }

    /// A thread that is never asked to begin: its queue is held by the test.
    fn without_thread(waiting: usize) -> (CollectorHandle, Receiver<Request>) {
        let (requests, queue) = sync_channel(waiting);
        let ended = blocking::ask(Lane::Collector, "a collector of a test", || ()).unwrap();
        let thread = Thread { requests, busy: Arc::new(Busy::default()), ended };
        let begin: Box<Begin> = Box::new(|_, _| Err(io::ErrorKind::Unsupported.into()));
        let current = Mutex::new(Some(thread));
        let bounds = Arc::default();
        let shared = Shared { begin, bounds, timeout: Duration::from_secs(60), current };
        (CollectorHandle { shared: Arc::new(shared) }, queue)
    }

    #[test]
    fn waiting_requests_are_bounded() {
        let (handle, _queue) = without_thread(1);
        let send = || handle.shared.send(Request::Collect(oneshot::channel().0));
        assert!(send().is_ok());
        assert!(matches!(send(), Err(HandleError::Busy)));
    }

    #[tokio::test]
    async fn a_stopped_collector_says_so() {
        let (handle, queue) = without_thread(1);
        drop(queue);
        assert!(matches!(handle.collect().await, Err(HandleError::Stopped)));
    }
}
