//! The collector's thread: it sleeps on its queue, and wakes for nothing else.

use super::collect::Collector;
use super::process::query::ProcessQuery;
use super::report::panic_text;
use super::settings::CollectorSettings;
use crate::clock::Clock;
use infiniservice_protocol::data::ProcessListData;
use infiniservice_protocol::metrics::{Collection, Data, FailedCollector};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::{io, thread};
use thiserror::Error;
use tokio::sync::oneshot;

/// Requests that may wait; those for a collection share one.
const MAX_WAITING: usize = 64;

/// Why a request was not answered.
#[derive(Debug, Error)]
pub enum HandleError {
    /// Too many requests wait.
    #[error("the collector is busy: {MAX_WAITING} requests wait")]
    Busy,
    /// The collector's thread ended.
    #[error("the collector has stopped")]
    Stopped,
    /// The request failed.
    #[error("{0}")]
    Failed(String),
}

type Collected = (Data, Collection);
type Listed = Result<ProcessListData, HandleError>;

enum Request {
    Collect(oneshot::Sender<Collected>),
    Processes(ProcessQuery, oneshot::Sender<Listed>),
}

/// The end that asks; cheap to clone. The thread ends when the last one is gone.
#[derive(Clone, Debug)]
pub struct CollectorHandle {
    requests: SyncSender<Request>,
}

impl CollectorHandle {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn spawn(settings: CollectorSettings, clock: impl Clock + Send + 'static) -> io::Result<Self> {
        let (requests, queue) = sync_channel(MAX_WAITING);
        thread::Builder::new().name("collector".into()).spawn(move || {
            let mut worker = Worker { collector: Collector::new(settings.clone()), settings, clock };
            worker.run(&queue);
        })?;
        Ok(Self { requests })
    }

    /// Collects now. Requests that wait while another collection runs share the next one.
    ///
    /// # Errors
    /// [`HandleError::Busy`] and [`HandleError::Stopped`]; failures of single figures stand in [`Collection`].
    pub async fn collect(&self) -> Result<Collected, HandleError> {
        let (answer, answered) = oneshot::channel();
        self.send(Request::Collect(answer))?;
        answered.await.map_err(|_| HandleError::Stopped)
    }

    /// Lists processes.
    ///
    /// # Errors
    /// When the collector is busy or stopped, or `/proc` cannot be read.
    pub async fn processes(&self, query: ProcessQuery) -> Listed {
        let (answer, answered) = oneshot::channel();
        self.send(Request::Processes(query, answer))?;
        answered.await.map_err(|_| HandleError::Stopped)?
    }

    fn send(&self, request: Request) -> Result<(), HandleError> {
        self.requests.try_send(request).map_err(|error| match error {
            TrySendError::Full(_) => HandleError::Busy,
            TrySendError::Disconnected(_) => HandleError::Stopped,
        })
    }
}

struct Worker<C> {
    collector: Collector,
    settings: CollectorSettings,
    clock: C,
}

impl<C: Clock> Worker<C> {
    fn run(&mut self, queue: &Receiver<Request>) {
        while let Ok(first) = queue.recv() {
            let waiting = std::iter::once(first).chain(queue.try_iter().take(MAX_WAITING));
            let mut to_collect = Vec::new();
            for request in waiting {
                match request {
                    Request::Collect(answer) => to_collect.push(answer),
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
        let now = self.clock.now();
        let collected = catch_unwind(AssertUnwindSafe(|| self.collector.collect(now)));
        collected.unwrap_or_else(|panic| {
            let error = self.start_anew(&*panic);
            let failed = vec![FailedCollector { collector: "collector".into(), error }];
            (Data::default(), Collection { failed, ..Collection::default() })
        })
    }

    fn list(&mut self, query: &ProcessQuery) -> Listed {
        let now = self.clock.now();
        let listed = catch_unwind(AssertUnwindSafe(|| self.collector.query_processes(now, query)));
        match listed {
            Ok(listed) => listed.map_err(|error| HandleError::Failed(error.to_string())),
            Err(panic) => Err(HandleError::Failed(self.start_anew(&*panic))),
        }
    }

    /// After a panic the collector's state is not to be trusted.
    fn start_anew(&mut self, panic: &(dyn std::any::Any + Send)) -> String {
        self.collector = Collector::new(self.settings.clone());
        format!("panicked: {}", panic_text(panic))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

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
    async fn a_requester_that_went_away_costs_nothing() {
        let handle = handle();
        drop(handle.collect());
        assert!(handle.collect().await.is_ok());
    }

    #[test]
    fn waiting_requests_are_bounded() {
        let (requests, _queue) = sync_channel(1);
        let handle = CollectorHandle { requests };
        let send = || handle.send(Request::Collect(oneshot::channel().0));
        assert!(send().is_ok());
        assert!(matches!(send(), Err(HandleError::Busy)));
    }

    #[tokio::test]
    async fn a_stopped_collector_says_so() {
        let (requests, queue) = sync_channel(1);
        drop(queue);
        assert!(matches!(CollectorHandle { requests }.collect().await, Err(HandleError::Stopped)));
    }
}
