//! `infinihub --role exporter`: the metrics of all machines of a fleet at one address, from what their hubs tell over the engine.
//!
//! It owns no guests' sockets, takes no commands, coordinates nothing, and keeps nothing on the disk: all that it knows comes anew
//! within a minute of its start.

mod diagnose;
mod follow;
mod hub;
mod place;
mod presence;
mod seat;
mod serve;
mod table;
#[cfg(test)]
mod tests;
mod told;

pub(crate) use diagnose::diagnose;

use super::systemd::Systemd;
use super::{clock, http, listen, runtime, start_log, until_told_to_end};
use crate::config::{self, Config};
use anyhow::{Context as _, Result};
use infiniservice_engine::Settings;
use infiniservice_fleet::subject;
use infiniservice_hub_core::exporter::Hearing;
use sd_notify::NotifyState;
use std::cell::RefCell;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;
use table::{Bounds, Table};
use tokio::task::LocalSet;
use tokio::time::{MissedTickBehavior, interval};

/// How often states and deadlines are looked at.
const TICK: Duration = Duration::from_secs(2);

/// What all tasks share.
struct Exporter {
    table: RefCell<Table>,
}

/// Runs until it is told to end.
pub(crate) fn run(config: &Config) -> Result<ExitCode> {
    start_log(config)?;
    LocalSet::new().block_on(&runtime()?, serve(config))?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(config: &Config) -> Result<()> {
    let fleet = config.fleet.as_ref().context("there is no part `[fleet]`")?;
    let settings = settings(fleet).map_err(anyhow::Error::msg)?;
    let address = config.listen_address().map_err(anyhow::Error::msg)?;
    let listener = listen::tcp(address, "listen").await?;
    let exporter = Rc::new(Exporter { table: RefCell::new(Table::new(Bounds::default())) });
    let systemd = Systemd::from_environment();
    let tasks = [
        tokio::task::spawn_local(http::serve_tcp(Rc::clone(&exporter), listener)),
        tokio::task::spawn_local(follow::run(Rc::clone(&exporter), settings)),
    ];
    systemd.tell(&[NotifyState::Ready]);
    log::info!(
        "infinihub {} is an exporter at http://{}/metrics; of its settings `listen`, `log_level` and `[fleet]` count, the rest is a \
         hub's",
        env!("CARGO_PKG_VERSION"),
        config.listen
    );
    tokio::select! {
        ended = until_told_to_end(|| {
            log::warn!("an exporter reads its settings when it starts: restart it");
        }) => ended?,
        () = tick(&exporter, &systemd) => {}
    }
    systemd.tell(&[NotifyState::Stopping]);
    log::info!("ending");
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
    Ok(())
}

/// How an exporter connects: its name is that of its user, as `infinictl fleet user --exporter` makes one.
fn settings(fleet: &config::Fleet) -> Result<Settings, String> {
    let name = fleet.hub()?;
    let inbox = subject::exporter_inbox(&name);
    Ok(super::fleet::settings(fleet, format!("infinihub exporter {name}"), inbox))
}

async fn tick(exporter: &Exporter, systemd: &Systemd) {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        for (hub, hearing) in exporter.table.borrow_mut().tick(clock::now()) {
            tell(&hub, hearing);
        }
        systemd.tell(&[NotifyState::Watchdog]);
    }
}

/// Where a hub stands, once that has changed.
fn tell(hub: &str, hearing: Hearing) {
    match silence(hub, hearing) {
        Some(why) => log::warn!("{why}"),
        None => log::info!("hub {hub} tells figures"),
    }
}

/// Why a hub tells no figures, where it tells none.
fn silence(hub: &str, hearing: Hearing) -> Option<String> {
    match hearing {
        Hearing::Telling => None,
        Hearing::Off => Some(format!("hub {hub} tells no figures: fleet.live is off there")),
        Hearing::Mute => Some(format!(
            "hub {hub} tells no figures, though fleet.live is on there: look at its log, and at what its user of NATS may publish and \
             this one may read"
        )),
        Hearing::Gone => Some(format!("hub {hub} is not heard: its machines count as down")),
    }
}
