//! Changes of packages outlive their timeout: a package manager that is killed half-way leaves the machine broken, so a host that
//! has no more patience gets its answer, and the change goes on. The next ones are refused until it has ended, and the last few are
//! remembered for whoever asks how they ended.

use crate::news::News;
use infiniservice_exec::{BoxFuture, Cancellation, CommandError, CommandOutcome, CommandResult, Stop};
use infiniservice_platform::sanitize;
use infiniservice_protocol::data::{PackageChange, PackageChangeState, PackageChangeStatusData};
use infiniservice_protocol::timestamp::rfc3339_millis;
use infiniservice_protocol::{Action, ErrorCode};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::{mpsc, oneshot};

/// After this long a change is ended after all: one that hangs would keep all others out for ever.
pub(super) const CHANGE_MAX: Duration = Duration::from_hours(6);
/// So many changes are remembered.
const REMEMBERED_MAX: usize = 16;
/// A larger result is not kept, in bytes of JSON.
const RESULT_MAX_BYTES: usize = 64 << 10;

/// The changes that run, at most one, and the last that ended.
#[derive(Debug, Default)]
pub struct Changes {
    book: Mutex<Book>,
    news: Option<mpsc::Sender<News>>,
}

#[derive(Debug, Default)]
struct Book {
    next: u64,
    /// Oldest first.
    entries: VecDeque<Entry>,
}

#[derive(Debug)]
struct Entry {
    number: u64,
    began: Instant,
    change: PackageChange,
}

/// Lets `work` make one change, and waits for it as long as the host does.
pub(super) async fn run(
    id: &str,
    action: &Action,
    changes: &Arc<Changes>,
    cancellation: &Cancellation,
    work: BoxFuture<'static, CommandResult>,
) -> CommandResult {
    let running = changes.begin(id, action)?;
    let number = running.number;
    let (tell, mut told) = oneshot::channel();
    tokio::spawn(async move {
        let result = work.await;
        running.end(&result);
        // The host may have been answered.
        let _ = tell.send(result);
    });
    let stop = tokio::select! {
        biased;
        result = &mut told => return result.unwrap_or_else(|_| Err(died())),
        stop = cancellation.stopped() => stop,
    };
    match stop {
        Stop::TimedOut(after) if cancellation.is_committed() => Err(changes.outlives(number, after)),
        // It ends by itself, having changed nothing, or goes on without the agent.
        _ => told.await.unwrap_or_else(|_| Err(died())),
    }
}

fn died() -> CommandError {
    CommandError::new(ErrorCode::Internal, "the agent failed while changing packages")
}

impl Changes {
    /// None yet; the end of one that outlived its timeout is told.
    pub(super) fn telling(news: mpsc::Sender<News>) -> Self {
        Self { book: Mutex::default(), news: Some(news) }
    }

    /// Lets a change begin, unless another goes on.
    fn begin(self: &Arc<Self>, id: &str, action: &Action) -> Result<Running, CommandError> {
        let mut book = self.book();
        if let Some(running) = book.entries.iter().find(|entry| entry.is_running()) {
            return Err(running.keeps_others_out());
        }
        let number = book.next;
        book.next += 1;
        while book.entries.len() >= REMEMBERED_MAX {
            book.entries.pop_front();
        }
        let change = PackageChange {
            id: id.to_owned(),
            command_type: action.name().name().to_owned(),
            package: package(action),
            started_at: rfc3339_millis(SystemTime::now()),
            ..PackageChange::default()
        };
        book.entries.push_back(Entry { number, began: Instant::now(), change });
        Ok(Running { changes: Arc::clone(self), number })
    }

    /// The host's patience is over.
    fn outlives(&self, number: u64, after: Duration) -> CommandError {
        let mut book = self.book();
        let entry = book.entries.iter_mut().find(|entry| entry.number == number);
        let data = entry.map_or(Value::Null, |entry| {
            entry.change.outlived_timeout = true;
            json!({"still_running": true, "id": entry.change.id, "started_at": entry.change.started_at})
        });
        let error = format!(
            "still running after {} s: package changes are not interrupted; `PackageChangeStatus` reports \
             the result",
            after.as_secs()
        );
        CommandError::new(ErrorCode::Timeout, error).with_data(data)
    }

    /// Whether a change runs.
    pub(super) fn is_running(&self) -> bool {
        self.book().entries.iter().any(Entry::is_running)
    }

    /// The change of one command, or all that are remembered.
    pub(super) fn status(&self, id: Option<&str>) -> CommandResult {
        let book = self.book();
        let asked = book.entries.iter().rev().filter(|entry| id.is_none_or(|id| entry.change.id == id));
        let changes: Vec<_> = asked.map(Entry::told).collect();
        if let (Some(id), true) = (id, changes.is_empty()) {
            let error = format!(
                "no package change of the command {id:?} is remembered; only the last {REMEMBERED_MAX} \
                 since the agent started are"
            );
            return Err(CommandError::new(ErrorCode::NotFound, error));
        }
        let running = changes.iter().any(|change| change.state == PackageChangeState::Running);
        CommandOutcome::of(&PackageChangeStatusData { running, changes })
    }

    fn end(&self, number: u64, result: &CommandResult) {
        let mut book = self.book();
        let Some(entry) = book.entries.iter_mut().find(|entry| entry.number == number && entry.is_running())
        else {
            return;
        };
        entry.end(result);
        if let (Some(news), true) = (&self.news, entry.change.outlived_timeout) {
            // Where the main loop has not the time for it, `PackageChangeStatus` still tells.
            let _ = news.try_send(News::ChangeEnded(Box::new(entry.told())));
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn package(action: &Action) -> Option<String> {
    match action {
        Action::PackageInstall { package, .. }
        | Action::PackageUpdate { package, .. }
        | Action::PackageRemove { package, .. } => Some(sanitize::quote(package)),
        _ => None,
    }
}

/// A change that runs. Dropped without its end, as by a panic, it has failed.
#[derive(Debug)]
struct Running {
    changes: Arc<Changes>,
    number: u64,
}

impl Running {
    fn end(&self, result: &CommandResult) {
        self.changes.end(self.number, result);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.changes.end(self.number, &Err(died()));
    }
}

impl Entry {
    fn is_running(&self) -> bool {
        self.change.state == PackageChangeState::Running
    }

    fn end(&mut self, result: &CommandResult) {
        self.change.seconds = self.began.elapsed().as_secs();
        let outcome = match result {
            Ok(outcome) => outcome,
            Err(error) => {
                self.change.error_code = Some(error.code.as_str().to_owned());
                self.change.error = Some(sanitize::quote(&error.error));
                &*error.partial
            }
        };
        self.change.state =
            if result.is_ok() { PackageChangeState::Succeeded } else { PackageChangeState::Failed };
        self.change.exit_code = outcome.exit_code;
        self.change.result = Some(&outcome.data).filter(|data| fits(data)).cloned();
        if self.change.outlived_timeout {
            log::info!(
                "the package change of command {:?} has ended: {:?}",
                self.change.id,
                self.change.state
            );
        }
    }

    fn told(&self) -> PackageChange {
        let seconds = if self.is_running() { self.began.elapsed().as_secs() } else { self.change.seconds };
        PackageChange { seconds, ..self.change.clone() }
    }

    fn keeps_others_out(&self) -> CommandError {
        let PackageChange { id, command_type, package, started_at, .. } = &self.change;
        let of = package.as_ref().map(|package| format!(" of {package}")).unwrap_or_default();
        let error = format!(
            "{command_type}{of} (command {id:?}) is still running since {started_at}; \
             `PackageChangeStatus` reports the result"
        );
        let data = json!({"running": {"id": id, "command_type": command_type, "package": package, "started_at": started_at}});
        CommandError::new(ErrorCode::Busy, error).with_data(data)
    }
}

fn fits(data: &Value) -> bool {
    !data.is_null() && serde_json::to_vec(data).is_ok_and(|json| json.len() <= RESULT_MAX_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::watch;

    const TIMEOUT: Duration = Duration::from_secs(60);

    fn install(package: &str) -> Action {
        Action::PackageInstall { package: package.into(), cascade: false }
    }

    fn failed() -> CommandResult {
        Err(CommandError::new(ErrorCode::ExecutionFailed, "its script failed").with_data(json!({"x": 1})))
    }

    /// A change that begins at once and ends when it is told to.
    fn until(
        ends: oneshot::Receiver<CommandResult>,
        cancellation: &Cancellation,
    ) -> BoxFuture<'static, CommandResult> {
        let cancellation = cancellation.clone();
        Box::pin(async move {
            let committed = cancellation.commit(CHANGE_MAX)?;
            tokio::select! {
                result = ends => result.unwrap(),
                stop = committed.stopped() => Err(stop.into()),
            }
        })
    }

    fn status(changes: &Changes, id: Option<&str>) -> PackageChangeStatusData {
        serde_json::from_value(changes.status(id).unwrap().data).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_that_outlives_its_timeout_goes_on_keeps_others_out_and_is_told_at_its_end() {
        let (tell, mut news) = mpsc::channel(4);
        let (changes, cancellation) = (Arc::new(Changes::telling(tell)), Cancellation::for_at_most(TIMEOUT));
        let (end, ends) = oneshot::channel();
        let error =
            run("a", &install("vim"), &changes, &cancellation, until(ends, &cancellation)).await.unwrap_err();
        assert_eq!((error.code, &error.partial.data["still_running"]), (ErrorCode::Timeout, &json!(true)));
        assert!(error.error.contains("still running"), "{error}");

        let nano = install("nano");
        let other = run("b", &nano, &changes, &cancellation, Box::pin(async { panic!("it began") }));
        let busy = other.await.unwrap_err();
        assert_eq!((busy.code, &busy.partial.data["running"]["id"]), (ErrorCode::Busy, &json!("a")));
        assert!(busy.error.contains("vim") && busy.error.contains("\"a\""), "{busy}");
        let now = status(&changes, Some("a"));
        assert_eq!((now.running, now.changes[0].state), (true, PackageChangeState::Running));

        end.send(failed()).unwrap();
        tokio::task::yield_now().await;
        let then = status(&changes, None);
        let [change] = then.changes.as_slice() else { panic!("{then:?}") };
        assert_eq!(
            (then.running, change.state, change.outlived_timeout),
            (false, PackageChangeState::Failed, true)
        );
        assert_eq!(
            (change.error_code.as_deref(), change.result.clone()),
            (Some("EXECUTION_FAILED"), Some(json!({"x": 1})))
        );
        let told = news.try_recv().unwrap();
        assert_eq!(told, News::ChangeEnded(Box::new(change.clone())));
        let next = Cancellation::for_at_most(TIMEOUT);
        run("c", &install("nano"), &changes, &next, Box::pin(async { CommandOutcome::of(&json!({})) }))
            .await
            .unwrap();
        assert!(news.try_recv().is_err(), "one that its host waited for is no news");
    }

    #[tokio::test(start_paused = true)]
    async fn what_had_not_begun_by_then_ends_with_its_timeout() {
        let (changes, cancellation) = (Arc::new(Changes::default()), Cancellation::for_at_most(TIMEOUT));
        let looks = cancellation.clone();
        let work = Box::pin(async move {
            looks.run_until_cancelled(std::future::pending::<()>()).await?;
            CommandOutcome::of(&())
        });
        let error = run("a", &install("vim"), &changes, &cancellation, work).await.unwrap_err();
        assert_eq!((error.code, error.partial.data.clone()), (ErrorCode::Timeout, Value::Null));
        assert_eq!(cancellation.commit(CHANGE_MAX).unwrap_err().code, ErrorCode::Timeout);
        assert!(!status(&changes, None).running);
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_of_the_agent_reaches_a_change_that_nobody_waits_for() {
        let (cancel, cancelled) = watch::channel(false);
        let (changes, cancellation) = (Arc::new(Changes::default()), Cancellation::new(TIMEOUT, cancelled));
        let (_end, ends) = oneshot::channel();
        run("a", &install("vim"), &changes, &cancellation, until(ends, &cancellation)).await.unwrap_err();
        cancel.send_replace(true);
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
        assert_eq!(status(&changes, None).changes[0].error_code.as_deref(), Some("CANCELLED"));
    }

    #[tokio::test]
    async fn one_that_panics_keeps_nobody_out_and_only_the_last_are_remembered() {
        let (changes, cancellation) = (Arc::new(Changes::default()), Cancellation::for_at_most(TIMEOUT));
        let vim = install("vim");
        let error = run("a", &vim, &changes, &cancellation, Box::pin(async { panic!("for the test") }));
        assert_eq!(error.await.unwrap_err().code, ErrorCode::Internal);
        for n in 0..40 {
            let work = Box::pin(async { CommandOutcome::of(&json!({})) });
            run(&n.to_string(), &install("vim"), &changes, &cancellation, work).await.unwrap();
        }
        let ids: Vec<_> = status(&changes, None).changes.into_iter().map(|change| change.id).collect();
        assert_eq!((ids.len(), ids[0].as_str(), ids[15].as_str()), (16, "39", "24"));
        assert_eq!(changes.status(Some("a")).unwrap_err().code, ErrorCode::NotFound);
    }
}
