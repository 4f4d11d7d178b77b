//! On the hub's loop: packs what has happened each second, and the figures of all machines each interval, a few machines at a time.

use super::client::Client;
use super::{Exporter, MAX_ON_THE_WAY, Part, Parts, sender};
use crate::config::{Config, Otlp};
use crate::daemon::linux::clock;
use crate::daemon::linux::hub::{Hub, State};
use anyhow::{Context as _, Result};
use infiniservice_hub_core::delivery::{Queue, Signal, Status};
use infiniservice_hub_core::otlp::{self, Metrics};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval};

/// How often events, records and spans are packed.
const EVERY: Duration = Duration::from_secs(1);
/// Machines of one request: their packing takes some milliseconds.
const MACHINES: usize = 50;
/// Events, records and spans of one request.
const ITEMS: usize = 512;
/// Requests of one signal in one turn.
const TURNS: usize = 32;

/// Starts sending where the settings say so.
///
/// # Errors
/// Where a file of the settings cannot be used, or there is no thread.
pub(in super::super) fn start(hub: &Rc<Hub>) -> Result<Option<Exporter>> {
    let config = hub.settings.now();
    let settings = &config.otlp;
    if !settings.is_on() {
        return Ok(None);
    }
    let client = Client::new(settings).map_err(anyhow::Error::msg)?;
    let queue = Queue::new(usize::try_from(settings.queue_max_bytes).unwrap_or(usize::MAX));
    let (parts, received) = mpsc::channel(MAX_ON_THE_WAY);
    let (told, status) = watch::channel(Status::default());
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(1).build()?;
    let thread = std::thread::Builder::new()
        .name("otlp".into())
        .spawn(move || {
            runtime.block_on(sender::run(received, client, queue, told));
            // A name that is looked up may take longer than anybody waits.
            runtime.shutdown_background();
        })
        .context("cannot start the thread that sends OTLP")?;
    {
        let mut state = hub.state.borrow_mut();
        state.exported = Some(status);
        state.trail.keep(settings.sends(Signal::Logs), settings.sends(Signal::Traces));
    }
    log::info!("OTLP: {} are sent to {}", settings.signals.join(", "), settings.endpoint);
    let feeding = tokio::task::spawn_local(Pump::new(Rc::clone(hub), parts).run());
    Ok(Some(Exporter { feeding, thread }))
}

struct Pump {
    hub: Rc<Hub>,
    /// As they were when sending began: they count at the next start.
    config: Rc<Config>,
    parts: Parts,
    name: String,
    metrics: Metrics,
    /// The number of the last event that was packed.
    seen: u64,
}

/// The thread is gone, which it never is before this end.
struct Gone;

impl Pump {
    fn new(hub: Rc<Hub>, parts: Parts) -> Self {
        let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let metrics = Metrics::new(&name, clock::now().wall);
        Self { config: hub.settings.now(), hub, parts, name, metrics, seen: 0 }
    }

    fn settings(&self) -> &Otlp {
        &self.config.otlp
    }

    async fn run(mut self) {
        let round = Duration::from_secs(self.settings().interval_secs);
        let with_metrics = self.settings().sends(Signal::Metrics);
        let mut due = Instant::now() + round.min(EVERY);
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if self.happened().await.is_err() {
                return;
            }
            if with_metrics && due <= Instant::now() {
                due = Instant::now() + round;
                if self.figures().await.is_err() {
                    return;
                }
            }
        }
    }

    /// Events, records and spans.
    async fn happened(&mut self) -> Result<(), Gone> {
        for _ in 0..TURNS {
            let (parts, more) = self.pack();
            for part in parts {
                self.parts.send(part).await.map_err(|_| Gone)?;
            }
            if !more {
                break;
            }
        }
        Ok(())
    }

    /// The next parts, and whether there is more.
    fn pack(&mut self) -> (Vec<Part>, bool) {
        let hub = Rc::clone(&self.hub);
        let mut state = hub.state.borrow_mut();
        let mut parts = Vec::new();
        let events = self.settings().sends(Signal::Logs).then(|| self.events(&state, &mut parts));
        let State { fleet, trail, .. } = &mut *state;
        let records = trail.records.as_mut().map(|ring| {
            lost(&mut parts, Signal::Logs, ring.take_lost());
            ring.take(ITEMS)
        });
        let spans = trail.spans.as_mut().map(|ring| {
            lost(&mut parts, Signal::Traces, ring.take_lost());
            ring.take(ITEMS)
        });
        let (records, spans) = (records.unwrap_or_default(), spans.unwrap_or_default());
        let more = [events.unwrap_or_default(), records.len(), spans.len()].contains(&ITEMS);
        parts.extend(otlp::of_audit(&self.name, &records).map(Part::Batch));
        parts.extend(otlp::of_spans(fleet, &self.name, &spans).map(Part::Batch));
        (parts, more)
    }

    /// Packs the next events; how many.
    fn events(&mut self, state: &State, parts: &mut Vec<Part>) -> usize {
        let all = &state.fleet.events;
        let forgotten = all.forgotten_after(self.seen);
        lost(parts, Signal::Logs, forgotten);
        let events: Vec<_> = all.after(self.seen).take(ITEMS).collect();
        self.seen = events.last().map_or(self.seen + forgotten, |event| event.seq);
        parts.extend(otlp::of_events(&state.fleet, &self.name, events.iter().copied()).map(Part::Batch));
        events.len()
    }

    /// A round over all machines: others have their turns in between.
    async fn figures(&mut self) -> Result<(), Gone> {
        let hub = Rc::clone(&self.hub);
        hub.look(|fleet| self.metrics.begin(fleet));
        let mut last: Option<Arc<str>> = None;
        while let Some(name) = hub.look(|fleet| {
            let now = clock::now();
            let mut machines = fleet.after(last.as_deref()).take(MACHINES);
            machines.by_ref().fold(None, |_, (name, entry)| {
                self.metrics.machine(name, entry, now);
                Some(Arc::clone(name))
            })
        }) {
            last = Some(name);
            self.request().await?;
            tokio::task::yield_now().await;
        }
        let own = hub.own();
        hub.look(|fleet| self.metrics.hub(fleet, &own, clock::now()));
        self.request().await
    }

    async fn request(&mut self) -> Result<(), Gone> {
        match self.metrics.request() {
            Some(batch) => self.parts.send(Part::Batch(batch)).await.map_err(|_| Gone),
            None => Ok(()),
        }
    }
}

fn lost(parts: &mut Vec<Part>, signal: Signal, items: u64) {
    if items > 0 {
        parts.push(Part::Lost(signal, items));
    }
}
