//! The system bus is gone, hangs, and comes back.

use super::{SERVICES, told, under};
use crate::support::{Undo, metrics, with_host};
use anyhow::{Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;
use infiniservice_e2e::messages::TIMEOUT;
use infiniservice_e2e::raw::RawHost;
use std::time::{Duration, Instant};

pub const SCENARIOS: &[Scenario] = &[
    ("faults::a_bus_that_is_dead_costs_the_services_only_and_is_found_again", dead_and_back),
    ("faults::a_bus_that_hangs_costs_the_services_only_and_serves_again", hangs),
];

fn dead_and_back(guest: &Guest) -> Result<()> {
    let _undo = Undo::by(guest, "systemctl start dbus.socket dbus.service");
    let killed = |guest: &Guest| {
        guest.sh("systemctl stop dbus.socket && systemctl kill -s KILL dbus.service && systemctl stop dbus.service")
    };
    let (host, _) = under(guest, "D-Bus dead", killed)?;
    ensure!(host.ledger.with_code("success") >= 8, "more than the services failed: {}", host.ledger);
    drop(host);
    all_but_services(guest)?;
    let (mut host, ()) =
        under(guest, "D-Bus back", |guest| guest.sh("systemctl start dbus.socket dbus.service").map(drop))?;
    let passed = services(&mut host)?;
    told("services after D-Bus is back", &host, passed)
}

/// The daemon takes connections, as its socket does that for it, and what is written, but says nothing.
fn hangs(guest: &Guest) -> Result<()> {
    let _undo = Undo::by(guest, "systemctl kill -s CONT dbus.service");
    let (host, _) = under(guest, "D-Bus hangs", |guest| guest.sh("systemctl kill -s STOP dbus.service"))?;
    ensure!(host.ledger.with_code("success") >= 8, "more than the services failed: {}", host.ledger);
    drop(host);
    all_but_services(guest)?;
    let (mut host, _) =
        under(guest, "D-Bus goes on", |guest| guest.sh("systemctl kill -s CONT dbus.service"))?;
    let passed = services(&mut host)?;
    told("services after D-Bus goes on", &host, passed)
}

fn all_but_services(guest: &Guest) -> Result<()> {
    with_host(guest, |client| {
        let metrics = metrics(guest, client)?;
        let failed: Vec<&str> = metrics.collection.failed.iter().map(|one| one.collector.as_str()).collect();
        ensure!(failed.contains(&"services") && !metrics.data.processes.is_empty(), "{failed:?}");
        Ok(())
    })
}

/// How long it takes to list them, which has to succeed.
fn services(host: &mut RawHost) -> Result<Duration> {
    let before = host.ledger.with_code("success");
    let begin = Instant::now();
    host.ask(SERVICES);
    host.settle(TIMEOUT)?;
    ensure!(host.ledger.with_code("success") == before + 1, "no services: {}", host.ledger);
    Ok(begin.elapsed())
}
