//! The hub in a fleet: over the engine it tells who is here, takes orders, and tells what became of them.
//!
//! Each of these is a task that waits for the engine by itself; nothing else of the hub ever does. Without the engine the host
//! goes on as if it were alone, and what is to be told waits in the ledger.

mod commands;
mod coordinate;
mod events;
mod live;
mod place;
mod presence;
mod questions;
mod results;
mod take;
mod trouble;

use super::hub::Hub;
use crate::config;
use anyhow::Result;
use infiniservice_engine::{Engine, Error, Layout, Settings};
use infiniservice_fleet::subject;
use place::Place;
use std::rc::Rc;
use std::time::Duration;
use tokio::task::JoinHandle;
pub(super) use trouble::Trouble;

/// The first pause before the next try to connect, and the longest.
const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(15)];

/// What connects this hub with others.
pub(super) struct Fleet {
    task: JoinHandle<()>,
    coordinator: Option<coordinate::Coordinator>,
}

/// Takes the hub's place in its fleet, where the settings name one.
///
/// # Errors
/// Where the settings cannot be used.
pub(super) fn start(hub: &Rc<Hub>) -> Result<Option<Fleet>> {
    let config = hub.settings.now();
    let Some(fleet) = &config.fleet else { return Ok(None) };
    let name = fleet.hub().map_err(anyhow::Error::msg)?;
    hub.state.borrow_mut().fleet.own.engine = Some(infiniservice_hub_core::own::Engine::default());
    let coordinator = fleet.coordinator.then(|| coordinate::start(hub, &name, fleet)).transpose()?;
    let task = tokio::task::spawn_local(run(Rc::clone(hub), name, fleet.clone()));
    Ok(Some(Fleet { task, coordinator }))
}

impl Fleet {
    /// Ends it; what was not told is told by the next hub.
    pub(super) fn end(self) {
        self.task.abort();
        if let Some(coordinator) = self.coordinator {
            coordinator.end();
        }
    }
}

/// How a client of this name connects.
pub(super) fn settings(fleet: &config::Fleet, name: String, inbox: String) -> Settings {
    Settings {
        url: fleet.url.clone(),
        name,
        inbox,
        credentials: config::Fleet::file(&fleet.credentials),
        ca: config::Fleet::file(&fleet.ca),
    }
}

/// Connects once, and makes what is missing.
async fn connect(fleet: &config::Fleet, name: &str) -> Result<Engine, Error> {
    let settings = settings(fleet, format!("infinihub {name}"), subject::hub_inbox(name));
    let engine = Engine::connect(&settings).await?;
    engine.set_up(&Layout::of_fleet(fleet.replicas as usize)).await?;
    Ok(engine)
}

/// Connects, for as long as it takes.
async fn connected(fleet: &config::Fleet, name: &str, failed: impl FnMut(&str)) -> Engine {
    until_done(async || connect(fleet, name).await, failed).await
}

/// Tries something with the engine, for as long as it takes.
pub(super) async fn until_done<T>(
    mut attempt: impl AsyncFnMut() -> Result<T, Error>,
    mut failed: impl FnMut(&str),
) -> T {
    let [mut pause, longest] = PAUSES;
    loop {
        match attempt().await {
            Ok(done) => return done,
            Err(error) => failed(&error.to_string()),
        }
        // Hubs that were started together do not come together.
        tokio::time::sleep(pause.mul_f64(0.5 + fastrand::f64() / 2.0)).await;
        pause = (pause * 2).min(longest);
    }
}

async fn run(hub: Rc<Hub>, name: String, fleet: config::Fleet) {
    let mut trouble = Trouble::new(&hub, "the engine");
    let engine = connected(&fleet, &name, |error| trouble.failed(&error)).await;
    trouble.fine();
    let place = Place::new(Rc::clone(&hub), name, engine);
    log::info!("fleet: this is the hub {} at {}", place.name, fleet.url);
    tokio::join!(
        follow(&place, &fleet.url),
        presence::run(&place, &fleet),
        questions::run(&place),
        commands::run(&place),
        results::run(&place),
        events::run(&place),
        async {
            if fleet.live {
                live::run(&place).await;
            }
        },
    );
}

/// Follows the connection.
async fn follow(place: &Place, url: &str) {
    let mut status = place.engine.status();
    loop {
        let now = status.borrow_and_update().clone();
        let was = place.hub.engine(|engine| std::mem::replace(&mut engine.connected, now.connected));
        match (was, now.connected) {
            (Some(false), true) => log::info!("fleet: connected to {url}"),
            (Some(true), false) => {
                log::warn!(
                    "fleet: lost the connection to {url}; results wait on this host's disk until it is back"
                );
            }
            _ => {}
        }
        if let Some(error) = now.error {
            log::warn!("fleet: {url}: {error}");
        }
        if status.changed().await.is_err() {
            return std::future::pending().await;
        }
    }
}

/// Whether the engine of the settings can be used, by one connection.
///
/// # Errors
/// What is wrong.
pub(super) fn check(fleet: &config::Fleet) -> Result<(), String> {
    let name = fleet.hub()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("no runtime: {error}"))?;
    let connected = runtime.block_on(connect(fleet, &name)).map(drop);
    runtime.shutdown_background();
    connected.map_err(|error| error.to_string())
}
