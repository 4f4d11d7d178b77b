//! The one task that has the store: it takes scripts, lets one run at a time, and tells how each ended.

use super::disk::Directory;
use super::outcome::{Ending, NOT_ALLOWED, NOT_STARTED, OUTPUT_MAX};
use super::store::{Entry, Store, Written};
use super::{Book, Order, ScriptSettings, Shared, Stop, Submission, on_disk, unknown};
use crate::news::{Completion, News};
use crate::shell;
use infiniservice_exec::{Cancellation, CommandError, CommandOutcome, CommandResult, Finished, Runner};
use infiniservice_platform::gate::Gate;
use infiniservice_protocol::ErrorCode;
use infiniservice_protocol::data::{ScriptInfo, ScriptState};
use infiniservice_protocol::timestamp::rfc3339_millis;
use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::{mpsc, oneshot, watch};

type Disk = Arc<Mutex<Store<Directory>>>;

/// See the module.
pub(super) struct Worker {
    settings: ScriptSettings,
    runner: Arc<dyn Runner>,
    news: mpsc::Sender<News>,
    shared: Arc<Shared>,
    store: Option<Disk>,
    running: Option<Running>,
    /// The end that is being told.
    telling: Option<u64>,
    /// Those whose end was told, and that the disk does not let go.
    told: BTreeSet<u64>,
    /// Whether a script came since it was last said that all are done.
    busy: bool,
}

struct Running {
    number: u64,
    began: Instant,
    ended: oneshot::Receiver<Result<Finished, CommandError>>,
}

impl Worker {
    pub(super) fn new(
        settings: ScriptSettings,
        runner: Arc<dyn Runner>,
        news: mpsc::Sender<News>,
        shared: Arc<Shared>,
    ) -> Self {
        let (store, running, telling, busy) = (None, None, None, false);
        Self { settings, runner, news, shared, store, running, telling, told: BTreeSet::new(), busy }
    }

    /// Until nobody gives orders any more.
    pub(super) async fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        self.resume().await;
        self.shared.resumed.send_replace(true);
        self.note_pending();
        loop {
            tokio::select! {
                biased;
                result = ended(&mut self.running) => self.take_end(result).await,
                order = orders.recv() => match order {
                    Some(order) => self.obey(order).await,
                    None => return,
                },
            }
            self.go_on().await;
            self.note_pending();
        }
    }

    fn note_pending(&self) {
        let pending = self.is_pending();
        self.shared.pending.send_if_modified(|noted| std::mem::replace(noted, pending) != pending);
    }

    /// Whether one waits or runs.
    fn is_pending(&self) -> bool {
        self.running.is_some() || self.entry(|entry| entry.info.state == ScriptState::Waiting).is_some()
    }

    async fn obey(&mut self, order: Order) {
        match order {
            Order::Submit(scripts, None) => self.take_all(scripts).await,
            Order::Submit(scripts, Some(tell)) => {
                let taken = match scripts.into_iter().next() {
                    Some(script) => self.take(script).await.map_err(|(_, error)| error),
                    None => Ok(ScriptInfo::default()),
                };
                let _ = tell.send(taken.and_then(|info| CommandOutcome::of(&info)));
            }
            Order::Remove(id, tell) => {
                let _ = tell.send(self.remove(&id).await);
            }
            Order::Written(number, tell) => {
                let _ = tell.send(self.written(number).await);
            }
            Order::Told(number) => self.was_told(number).await,
            Order::Forget(tell) => {
                let _ = tell.send(self.forget_all().await);
            }
            Order::Look => {}
        }
    }

    /// What a predecessor left; where it left nothing, nothing is made.
    async fn resume(&mut self) {
        let path = self.settings.directory();
        let there = on_disk(move || {
            shell::clean();
            path.is_dir()
        });
        if there.await.is_ok_and(|there| there)
            && let Err(error) = self.open().await
        {
            log::warn!("{error}");
        }
    }

    async fn open(&mut self) -> Result<Disk, CommandError> {
        if let Some(store) = &self.store {
            return Ok(Arc::clone(store));
        }
        let path = self.settings.directory();
        let (shown, now) = (path.display().to_string(), now());
        let opened = on_disk(move || Store::open(Directory::open(path)?, &now)).await?;
        let (store, entries) = opened
            .map_err(|error| failed(&format!("the store of scripts in {shown} cannot be used"), &error))?;
        self.busy |= !entries.is_empty();
        self.book(|book| book.entries = entries);
        let store = Arc::new(Mutex::new(store));
        self.store = Some(Arc::clone(&store));
        Ok(store)
    }

    async fn with_store<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Store<Directory>) -> io::Result<T> + Send + 'static,
    ) -> Result<T, CommandError> {
        let store = self.open().await?;
        let done = on_disk(move || work(&mut store.lock().unwrap_or_else(PoisonError::into_inner))).await?;
        done.map_err(|error| failed("the store of scripts does not work", &error))
    }

    fn book<T>(&self, change: impl FnOnce(&mut Book) -> T) -> T {
        change(&mut self.shared.book())
    }

    fn entry(&self, mut wanted: impl FnMut(&Entry) -> bool) -> Option<Entry> {
        self.book(|book| book.entries.iter().find(|entry| wanted(entry)).cloned())
    }

    fn update(&self, number: u64, info: ScriptInfo) {
        self.book(|book| {
            let known = book.entries.iter_mut().find(|entry| entry.number == number);
            if let Some(known) = known {
                known.info = info;
            }
        });
    }

    async fn take_all(&mut self, scripts: Vec<Submission>) {
        for script in scripts {
            let execution_id = script.execution_id.clone();
            if let Err((exit_code, error)) = self.take(script).await {
                self.tell(News::ScriptRefused { execution_id, exit_code, why: error.error }).await;
            }
        }
    }

    /// One that is known already is not taken again; it is told as it is.
    async fn take(&mut self, script: Submission) -> Result<ScriptInfo, (i32, CommandError)> {
        script.check()?;
        let not_stored = |error| (NOT_STARTED, error);
        self.open().await.map_err(not_stored)?;
        if let Some(known) = self.entry(|entry| entry.info.execution_id == script.execution_id) {
            return Ok(ScriptInfo { known: true, ..known.info });
        }
        self.make_room().await;
        let info = script.info(now(), self.book(|book| book.longest));
        let (stored, text) = (info.clone(), script.script);
        let number = self
            .with_store(move |store| {
                let number = store.add(&stored, &text)?;
                store.settle()?;
                Ok(number)
            })
            .await
            .map_err(not_stored)?;
        self.busy = true;
        self.book(|book| book.entries.push(Entry { number, info: info.clone() }));
        Ok(info)
    }

    /// Where ends are only kept for who asks, the oldest goes before a new script is refused.
    async fn make_room(&mut self) {
        let full = self.book(|book| book.entries.len() >= super::store::SCRIPTS_MAX);
        let oldest = self.entry(|entry| entry.info.state == ScriptState::Ended);
        if let (true, false, Some(oldest)) = (full, self.settings.told, oldest) {
            let _ = self.forget(&oldest).await;
        }
    }

    async fn remove(&mut self, execution_id: &str) -> CommandResult {
        let found = self.entry(|entry| entry.info.execution_id == execution_id);
        let entry = found.ok_or_else(|| unknown(execution_id))?;
        if entry.info.state == ScriptState::Running {
            let error = format!("the script of the execution {execution_id:?} is running");
            return Err(CommandError::new(ErrorCode::Busy, error));
        }
        self.forget(&entry).await?;
        CommandOutcome::of(&entry.info)
    }

    async fn forget(&mut self, entry: &Entry) -> Result<(), CommandError> {
        let number = entry.number;
        self.with_store(move |store| store.forget(number)).await?;
        self.book(|book| book.entries.retain(|entry| entry.number != number));
        self.told.remove(&number);
        Ok(())
    }

    /// One that waits or runs is in the way: its host has a right to its end.
    async fn forget_all(&mut self) -> Result<String, CommandError> {
        if self.is_pending() {
            return Err(CommandError::new(ErrorCode::Busy, "a script waits or runs"));
        }
        let entries = self.book(|book| book.entries.clone());
        for entry in &entries {
            self.forget(entry).await?;
        }
        self.telling = None;
        Ok(format!("finished scripts removed: {}", entries.len()))
    }

    async fn written(&mut self, number: u64) -> Result<Written, CommandError> {
        self.with_store(move |store| store.written(number)).await
    }

    async fn was_told(&mut self, number: u64) {
        if self.telling == Some(number) {
            self.telling = None;
        }
        if let Some(entry) = self.entry(|entry| entry.number == number)
            && let Err(error) = self.forget(&entry).await
        {
            self.told.insert(number);
            log::warn!(
                "a script whose end was told stays stored, and the next start of the agent tells it again: {error}"
            );
        }
    }

    /// Starts what may start, and tells what is to be told.
    async fn go_on(&mut self) {
        while self.running.is_none() && *self.shared.stop.borrow() == Stop::No {
            let Some(next) = self.entry(|entry| entry.info.state == ScriptState::Waiting) else { break };
            let forbidden = self.book(|book| book.forbidden.clone());
            match forbidden {
                // Whether it may is not known yet.
                Some(why) if why == super::NOT_YET => break,
                Some(why) => self.end(&next, &Ending::of_none(NOT_ALLOWED, &why), Duration::ZERO).await,
                None => self.begin(next).await,
            }
        }
        self.tell_next().await;
        if !self.is_pending() && std::mem::take(&mut self.busy) {
            self.tell(News::ScriptsDone).await;
        }
    }

    async fn begin(&mut self, entry: Entry) {
        let number = entry.number;
        let script = match self.with_store(move |store| store.start(number)).await {
            Ok(script) => script,
            Err(error) => {
                let ending = Ending::of_none(NOT_STARTED, &error.error);
                return self.end(&entry, &ending, Duration::ZERO).await;
            }
        };
        let info = ScriptInfo { state: ScriptState::Running, started_at: Some(now()), ..entry.info };
        self.update(number, info.clone());
        self.book(|book| book.running = true);
        let (tell, ended) = oneshot::channel();
        let (runner, stop) = (Arc::clone(&self.runner), self.shared.stop.subscribe());
        let submission = Submission {
            script,
            shell: Some(info.shell.clone()),
            run_as: info.run_as.clone(),
            ..Submission::default()
        };
        let timeout = Duration::from_secs(info.timeout_secs.into());
        tokio::spawn(async move {
            // Dropped by a panic, the receiver sees it.
            let _ = tell.send(run(submission, timeout, runner, stop).await);
        });
        self.running = Some(Running { number, began: Instant::now(), ended });
        self.tell(News::ScriptStarted(Box::new(info))).await;
    }

    async fn take_end(&mut self, result: Result<Finished, CommandError>) {
        let Some(running) = self.running.take() else { return };
        if let Some(entry) = self.entry(|entry| entry.number == running.number) {
            self.end(&entry, &Ending::of(result), running.began.elapsed()).await;
        }
        self.book(|book| book.running = false);
    }

    async fn end(&mut self, entry: &Entry, ending: &Ending, took: Duration) {
        let mut info = ending.told(&entry.info, now());
        let (number, stored, written) = (entry.number, info.clone(), ending.written.clone());
        if let Err(error) = self.with_store(move |store| store.end(number, &stored, &written)).await {
            // Its file says that it began, so that it will never run again.
            log::error!("how a script ended cannot be stored: {error}");
            info.error.get_or_insert(format!("what it wrote could not be stored: {}", error.error));
        }
        self.update(number, info.clone());
        let output_bytes = ending.output_bytes;
        self.tell(News::ScriptEnded { info: Box::new(info), took, output_bytes }).await;
    }

    async fn tell_next(&mut self) {
        if !self.settings.told || self.telling.is_some() {
            return;
        }
        let is_next =
            |entry: &Entry| entry.info.state == ScriptState::Ended && !self.told.contains(&entry.number);
        let Some(entry) = self.entry(is_next) else { return };
        let written = self.written(entry.number).await.unwrap_or_else(|_| Written {
            stderr: entry.info.error.clone().unwrap_or_default(),
            ..Written::default()
        });
        let Written { stdout, mut stderr } = written;
        if stderr.is_empty() {
            stderr = entry.info.error.clone().unwrap_or_default();
        }
        self.telling = Some(entry.number);
        let completion = Completion { number: entry.number, info: entry.info, stdout, stderr };
        self.tell(News::Completion(Box::new(completion))).await;
    }

    async fn tell(&self, news: News) {
        // The main loop is gone only at the end.
        let _ = self.news.send(news).await;
    }
}

/// Never, where none runs.
async fn ended(running: &mut Option<Running>) -> Result<Finished, CommandError> {
    match running {
        Some(running) => {
            let died = || CommandError::new(ErrorCode::Internal, "the agent failed while the script ran");
            (&mut running.ended).await.unwrap_or_else(|_| Err(died()))
        }
        None => std::future::pending().await,
    }
}

async fn run(
    script: Submission,
    timeout: Duration,
    runner: Arc<dyn Runner>,
    mut stop: watch::Receiver<Stop>,
) -> Result<Finished, CommandError> {
    let command = script.check().map_err(|(_, error)| error)?;
    let (cancel, cancelled) = watch::channel(false);
    let watched = async {
        if stop.wait_for(|stop| *stop == Stop::Now).await.is_ok() {
            cancel.send_replace(true);
        }
        std::future::pending::<()>().await;
    };
    // As any command: while it runs nothing is frozen, and while something is frozen it does not begin.
    let pass = loop {
        match Gate::of_the_process().pass() {
            Ok(pass) => break pass,
            Err(_) => on_disk(|| ()).await?,
        }
    };
    let cancellation = Cancellation::new(timeout, cancelled);
    let ran = tokio::select! {
        biased;
        finished = shell::finish(command, runner.as_ref(), OUTPUT_MAX, &cancellation) => finished,
        () = watched => Err(CommandError::new(ErrorCode::Cancelled, "")),
    };
    drop(pass);
    ran
}

fn now() -> String {
    rfc3339_millis(SystemTime::now())
}

fn failed(what: &str, error: &io::Error) -> CommandError {
    CommandError::new(ErrorCode::ExecutionFailed, format!("{what}: {error}"))
}
