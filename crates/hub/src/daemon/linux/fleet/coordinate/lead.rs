//! A coordinator at work: what it hears goes to the planner, and what that decides is done.

use super::super::super::clock;
use super::super::super::permit::Rules;
use super::PAUSE;
use super::feeds::{self, News, Tasks};
use super::lease::Lease;
use infiniservice_engine::{Engine, Entry, Error, Out};
use infiniservice_fleet::planner::Planner;
use infiniservice_fleet::presence::{Change, Table};
use infiniservice_fleet::sign::Opened;
use infiniservice_fleet::{HubPresence, Reply, Signed, VmPresence, subject};
use infiniservice_hub_core::spans::Span;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

/// A hub that was not heard for so long is gone: its entry in the engine lives as long.
const HUB_LIVES: Duration = Duration::from_secs(30);
/// How often it is looked for what time alone brings.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// News that are looked at before the planner has its turn.
const MAX_AT_ONCE: usize = 4096;

/// A coordinator.
pub(super) struct Lead {
    pub(super) name: String,
    pub(super) engine: Engine,
    pub(super) rules: Arc<Rules>,
    pub(super) planner: Planner,
    table: Table,
    /// When each hub was heard last.
    heard: HashMap<String, Instant>,
    pub(super) news: mpsc::Sender<News>,
    coming: Option<mpsc::Receiver<News>>,
    /// Orders that wait for a place, or for the engine.
    pub(super) waiting: BTreeMap<String, Opened>,
    /// The newest signed control of each job.
    pub(super) controls: HashMap<String, Signed>,
    /// The revision of each job's progress, as this coordinator wrote it or found it.
    pub(super) progress: HashMap<String, u64>,
    /// What reads the results of each job.
    pub(super) readers: HashMap<String, Tasks>,
    /// Results that the engine does not have yet: before a job is finished they must be there.
    pub(super) unpublished: Vec<Out>,
    /// Where the spans of finished jobs go.
    pub(super) spans: mpsc::Sender<Span>,
    pub(super) tasks: Tasks,
}

impl Lead {
    /// A coordinator of this name.
    pub(super) fn new(engine: Engine, rules: Arc<Rules>, spans: mpsc::Sender<Span>, name: &str) -> Self {
        let (news, coming) = feeds::channel();
        let (table, heard, waiting, controls) = Default::default();
        let (progress, readers, unpublished, tasks) = Default::default();
        Self {
            name: name.to_owned(),
            engine,
            rules,
            planner: Planner::new(name),
            table,
            heard,
            news,
            coming: Some(coming),
            waiting,
            controls,
            progress,
            readers,
            unpublished,
            spans,
            tasks,
        }
    }

    /// Coordinates until it cannot any more; why that is.
    pub(super) async fn run(mut self, lease: &Lease) -> String {
        match self.work(lease).await {
            Ok(()) => "the connection is closed".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    async fn work(&mut self, lease: &Lease) -> Result<(), Error> {
        let Some(mut coming) = self.coming.take() else { return Ok(()) };
        while let Err(error) = self.begin().await {
            self.failed(error).await?;
        }
        loop {
            self.time();
            if let Err(error) = self.admit().await {
                self.failed(error).await?;
            }
            let now = clock::now();
            let left = lease.until().saturating_duration_since(Instant::now());
            self.planner.turn(now, now.mono + left, &self.table);
            if let Err(error) = self.act().await {
                self.failed(error).await?;
            }
            let next = Instant::now() + self.pause();
            tokio::select! {
                news = coming.recv() => {
                    let Some(news) = news else { return Ok(()) };
                    self.hear(news);
                }
                () = sleep_until(next) => {}
            }
            for _ in 0..MAX_AT_ONCE {
                match coming.try_recv() {
                    Ok(news) => self.hear(news),
                    Err(_) => break,
                }
            }
        }
    }

    /// Something failed, and is tried again; but where another coordinator was at work this one is none any more.
    async fn failed(&self, error: Error) -> Result<(), Error> {
        if matches!(error, Error::Conflict(_)) {
            return Err(error);
        }
        log::warn!("fleet: coordinating: {error}");
        tokio::time::sleep(PAUSE).await;
        Ok(())
    }

    /// How long nothing need be done unless something is heard.
    fn pause(&self) -> Duration {
        let wake = self.planner.wake().map(|at| at.saturating_sub(clock::now().mono));
        // One that is due and yet was not done waits for something else.
        wake.unwrap_or(LOOK_EVERY).clamp(Duration::from_millis(10), LOOK_EVERY)
    }

    /// Reads all that is there, and follows it from then on.
    async fn begin(&mut self) -> Result<(), Error> {
        self.tasks = Tasks::default();
        let (engine, news) = (self.engine.clone(), self.news.clone());
        let (hubs, task) = feeds::follow(&engine, (subject::HUBS, ">"), &news, News::Hub).await?;
        self.tasks.push(task);
        let (vms, task) = feeds::follow(&engine, (subject::VMS, ">"), &news, News::Vm).await?;
        self.tasks.push(task);
        let (controls, task) = feeds::follow(&engine, (subject::JOBS, "*.control"), &news, News::Job).await?;
        self.tasks.push(task);
        let (orders, task) = feeds::follow(&engine, (subject::JOBS, "*.order"), &news, News::Job).await?;
        self.tasks.push(task);
        for entry in hubs {
            self.hub(entry);
        }
        for entry in vms {
            self.vm(entry);
        }
        for entry in controls.into_iter().chain(orders) {
            self.job(entry);
        }
        Ok(())
    }

    fn hear(&mut self, news: News) {
        match news {
            News::Hub(entry) => self.hub(entry),
            News::Vm(entry) => self.vm(entry),
            News::Job(entry) => self.job(entry),
            News::Result(result) => self.planner.result(&result),
            News::Answer(job, reply) => self.answer(&job, reply),
        }
        self.changes();
    }

    fn hub(&mut self, entry: Entry) {
        let presence = entry.value.and_then(|value| serde_json::from_slice::<HubPresence>(&value).ok());
        match presence.filter(|hub| subject::hub_key(&hub.hub) == entry.key) {
            Some(presence) => {
                self.heard.insert(presence.hub.clone(), Instant::now());
                self.table.hub(presence);
            }
            None => self.gone(&infiniservice_fleet::name::unescape(&entry.key).unwrap_or_default()),
        }
    }

    fn gone(&mut self, hub: &str) {
        self.heard.remove(hub);
        self.table.hub_gone(clock::now(), hub);
    }

    fn vm(&mut self, entry: Entry) {
        let Some((hub, vm)) = subject::parse_vm_key(&entry.key) else { return };
        let presence = entry.value.and_then(|value| serde_json::from_slice::<VmPresence>(&value).ok());
        match presence.filter(|it| it.hub == hub && it.vm == vm) {
            Some(presence) => self.table.vm(clock::now(), presence),
            None => self.table.vm_gone(clock::now(), &hub, &vm),
        }
    }

    fn answer(&mut self, job: &str, reply: Reply) {
        match reply {
            Reply::Resolved(resolved) => self.planner.resolved(job, resolved),
            Reply::Refused { hub, why, code } => {
                log::warn!("fleet: {hub} refused job {job}: {why}");
                self.planner.refused(job, &hub, &why, &code, &self.table);
            }
            Reply::Pong { .. } => {}
        }
    }

    /// What time alone brings.
    fn time(&mut self) {
        let silent = self.heard.iter().filter(|(_, at)| at.elapsed() >= HUB_LIVES);
        for hub in silent.map(|(hub, _)| hub.clone()).collect::<Vec<_>>() {
            self.gone(&hub);
        }
        self.table.tick(clock::now());
        self.changes();
    }

    fn changes(&mut self) {
        for change in self.table.take() {
            match change {
                Change::HubBack { hub } => self.planner.hub_back(clock::now(), &hub),
                Change::HubGone { hub } => {
                    log::warn!("fleet: hub {hub} has stopped responding");
                    self.planner.hub_gone(&hub);
                }
                Change::ClaimedTwice { vm, hubs } => {
                    log::warn!("fleet: several hubs claim {vm}: {}", hubs.join(", "));
                }
                Change::VmMoved { vm, from, to } => log::info!("fleet: {vm} has moved from {from} to {to}"),
                Change::VmNew { .. } | Change::VmGone { .. } => {}
            }
        }
    }
}
