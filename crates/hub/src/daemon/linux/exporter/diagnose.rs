//! `infinihub --role exporter --diagnose`: whether the engine can be used, and which hubs tell figures.

use super::super::runtime;
use super::{settings, silence};
use crate::config::Config;
use anyhow::{Context as _, Result};
use infiniservice_engine::{Engine, Error, Settings};
use infiniservice_fleet::{HubPresence, subject};
use infiniservice_hub_core::exporter::Hearing;
use std::net::TcpStream;
use std::process::ExitCode;
use std::time::Duration;

/// How long the exporter may take to take a connection.
const WITHIN: Duration = Duration::from_secs(5);

/// Says it; success where nothing is wrong.
pub(crate) fn diagnose(config: &Config) -> Result<ExitCode> {
    let fleet = config.fleet.as_ref().context("there is no part `[fleet]`")?;
    let mut wrong = Vec::new();
    if let Some(address) = config.listen_address().map_err(anyhow::Error::msg)? {
        match TcpStream::connect_timeout(&address, WITHIN) {
            Ok(_) => println!("listen: {address} is served"),
            Err(error) => wrong.push(format!("listen: {address} is not served: {error}")),
        }
    }
    let settings = settings(fleet).map_err(anyhow::Error::msg)?;
    let runtime = runtime()?;
    let looked = runtime.block_on(look(&settings));
    runtime.shutdown_background();
    match looked {
        Ok((hubs, machines)) => {
            println!(
                "fleet: the engine at {} can be used; {} hubs, {machines} machines",
                fleet.url,
                hubs.len()
            );
            wrong.extend(hubs.iter().filter_map(told));
        }
        Err(error) => wrong.push(format!("fleet: the engine cannot be used: {error}")),
    }
    for what in &wrong {
        println!("wrong: {what}");
    }
    Ok(if wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Prints a hub that tells figures; what is wrong with one that does not.
fn told(hub: &HubPresence) -> Option<String> {
    if !hub.live {
        return silence(&hub.hub, Hearing::Off);
    }
    println!("  {}: {} machines, {} connected", hub.hub, hub.vms, hub.connected);
    None
}

/// The hubs that are there, and how many machines they have.
async fn look(settings: &Settings) -> Result<(Vec<HubPresence>, u64), Error> {
    let engine = Engine::connect(settings).await?;
    let there = engine.watch(subject::HUBS, ">").await?.all_there().await?;
    let machines = engine.watch(subject::VMS, ">").await?.there();
    let hubs = there.into_iter().filter_map(|entry| serde_json::from_slice(&entry.value?).ok());
    Ok((hubs.collect(), machines))
}
