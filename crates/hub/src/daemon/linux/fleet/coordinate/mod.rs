//! The coordinator of the fleet, where this hub is the one that holds the lease: on a thread of its own, with a connection of its
//! own, so that neither a hundred thousand machines nor a slow engine ever holds up the guests of this host.

mod act;
mod feeds;
mod lead;
mod lease;
mod orders;

use super::super::hub::Hub;
use super::super::permit::Rules;
use super::{Trouble, connected};
use crate::config;
use anyhow::{Context as _, Result};
use infiniservice_engine::Engine;
use infiniservice_hub_core::spans::Span;
use lease::Lease;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::LocalSet;

/// How long the end of the hub may take for the lease to be given back.
const ENDING: Duration = Duration::from_secs(2);
/// The pause after an error.
const PAUSE: Duration = Duration::from_secs(1);

/// Spans of orders that wait for the hub; more are lost.
const MAX_SPANS: usize = 256;

/// How the coordinator stands, as the hub shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Standing {
    leads: bool,
    error: Option<String>,
}

/// The coordinator's thread.
pub(super) struct Coordinator {
    stop: watch::Sender<bool>,
    thread: JoinHandle<()>,
    follower: tokio::task::JoinHandle<()>,
}

/// What the thread needs.
struct Task {
    hub: String,
    fleet: config::Fleet,
    rules: Arc<Rules>,
    standing: watch::Sender<Standing>,
    spans: mpsc::Sender<Span>,
    stop: watch::Receiver<bool>,
}

/// Starts it.
///
/// # Errors
/// Where there is no thread to be had.
pub(super) fn start(hub: &Rc<Hub>, name: &str, fleet: &config::Fleet) -> Result<Coordinator> {
    let (stop, stopped) = watch::channel(false);
    let (standing, stands) = watch::channel(Standing::default());
    let (spans, made) = mpsc::channel(MAX_SPANS);
    let task = Task {
        hub: name.to_owned(),
        fleet: fleet.clone(),
        rules: hub.policy.rules(),
        standing,
        spans,
        stop: stopped,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let thread = std::thread::Builder::new().name("coordinator".to_owned());
    let thread = thread.spawn(move || LocalSet::new().block_on(&runtime, task.run()));
    let thread = thread.context("no thread for the coordinator")?;
    let follower = tokio::task::spawn_local(follow(Rc::clone(hub), stands, made));
    Ok(Coordinator { stop, thread, follower })
}

impl Coordinator {
    /// Ends it; another hub takes over at once.
    pub(super) fn end(self) {
        self.follower.abort();
        self.stop.send_replace(true);
        // It waits for the engine for a bounded time, and is let go if that is not there.
        let end = std::time::Instant::now() + ENDING;
        while !self.thread.is_finished() && std::time::Instant::now() < end {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Shows at the hub how the coordinator stands, and gives it the spans of orders.
async fn follow(hub: Rc<Hub>, mut standing: watch::Receiver<Standing>, mut spans: mpsc::Receiver<Span>) {
    let mut trouble = Trouble::new(&hub, "coordinating");
    loop {
        let changed = tokio::select! {
            changed = standing.changed() => changed,
            Some(span) = spans.recv() => {
                hub.state.borrow_mut().trail.span(span);
                continue;
            }
        };
        if changed.is_err() {
            return;
        }
        let now = standing.borrow_and_update().clone();
        hub.engine(|engine| engine.is_coordinator = now.leads);
        match now.error {
            Some(error) => trouble.failed(&error),
            None => trouble.fine(),
        }
    }
}

impl Task {
    async fn run(self) {
        let mut stop = self.stop.clone();
        let engine = tokio::select! {
            // That there is none is told by the hub's own connection.
            engine = connected(&self.fleet, &self.hub, |_| {}) => engine,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        while !*stop.borrow() {
            let name = format!("{}/{:08x}", self.hub, fastrand::u32(..));
            let lease = tokio::select! {
                lease = Lease::get(&engine, &name, |error| self.failed(error)) => lease,
                _ = stop.wait_for(|stop| *stop) => return,
            };
            log::info!("fleet: this hub is the coordinator now, as {name}");
            self.standing.send_replace(Standing { leads: true, error: None });
            let why = self.lead(&engine, &lease, &name).await;
            log::warn!("fleet: this hub is no longer the coordinator: {why}");
            self.standing.send_replace(Standing { leads: false, error: None });
            // Who could not do it lets another one try.
            lease.give_back().await;
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn failed(&self, error: &str) {
        self.standing.send_modify(|standing| standing.error = Some(error.to_owned()));
    }

    async fn lead(&self, engine: &Engine, lease: &Lease, name: &str) -> String {
        let (rules, mut stop) = (Arc::clone(&self.rules), self.stop.clone());
        let led = lead::Lead::new(engine.clone(), rules, self.spans.clone(), name).run(lease);
        tokio::select! {
            why = led => why,
            () = lease.lost() => "another hub may have the lease".to_owned(),
            _ = stop.wait_for(|stop| *stop) => "the hub is ending".to_owned(),
        }
    }
}
