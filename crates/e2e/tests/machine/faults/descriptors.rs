//! No more descriptors for the agent: at its work, and when it has to open its port.

use super::{ask_some, back, host, told, under};
use crate::support::{Undo, in_unit};
use anyhow::{Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::cost;
use infiniservice_e2e::harness::Scenario;
use infiniservice_e2e::messages::TIMEOUT;

pub const SCENARIOS: &[Scenario] = &[
    ("faults::without_descriptors_every_command_is_answered_and_later_ones_work", at_work),
    ("faults::without_descriptors_the_port_is_tried_again_until_it_opens", at_opening),
];

/// The words before it are the C library's.
const EMFILE: &str = "(os error 24)";
/// As systemd set it.
const USUAL: &str = "524288";

fn limit(guest: &Guest, to: &str) -> Result<()> {
    guest.sh(&format!("prlimit --pid {} --nofile={to}:{USUAL}", guest.agent_pid()?)).map(drop)
}

/// No descriptor more than it has, and not even all of these.
fn exhausted(guest: &Guest) -> Result<()> {
    limit(guest, "8")
}

fn at_work(guest: &Guest) -> Result<()> {
    let pid = guest.agent_pid()?;
    let _undo = Undo::by(guest, format!("prlimit --pid {pid} --nofile={USUAL}:{USUAL}"));
    let (host, ()) = under(guest, "no descriptor left", exhausted)?;
    drop(host);
    let (host, ()) = under(guest, "descriptors again", |guest| limit(guest, USUAL))?;
    drop(host);
    let mut host = super::host(guest)?;
    ask_some(&mut host);
    host.settle(TIMEOUT)?;
    ensure!(host.ledger.with_code("success") == 6, "not all works again: {}", host.ledger);
    ensure!(guest.agent_pid()? == pid, "the agent was started anew");
    Ok(())
}

/// So that it would end the agent within the time that the descriptors are gone.
const WATCHED: &str = "WatchdogSec=10";

fn at_opening(guest: &Guest) -> Result<()> {
    let _usual = in_unit(guest, WATCHED)?;
    let pid = guest.agent_pid()?;
    let _undo = Undo::by(guest, format!("prlimit --pid {pid} --nofile={USUAL}:{USUAL}"));
    guest.machine.unplug_agent_port()?;
    guest.until("the agent lets the port go", |guest| {
        Ok(guest.sh("systemctl show -p StatusText --value infiniservice")?
            == "Waiting for a virtio-serial port")
    })?;
    exhausted(guest)?;
    guest.machine.replug_agent_port()?;
    guest.until("the agent says why it has no port", |guest| {
        Ok(guest.log()?.lines().rev().take(3).any(|line| line.contains(EMFILE)))
    })?;
    let (share, _) = cost::over(guest, 12)?;
    ensure!(share < 0.1, "without a descriptor the agent takes {:.1} % of a core", share * 100.0);
    limit(guest, USUAL)?;
    let mut host = host(guest)?;
    let back = back(&mut host)?;
    ask_some(&mut host);
    host.settle(TIMEOUT)?;
    ensure!(guest.agent_pid()? == pid, "the agent was started anew");
    told("port opened when there were descriptors again", &host, back)
}
