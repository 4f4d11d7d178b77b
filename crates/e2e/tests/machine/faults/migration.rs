//! The machine moves to another QEMU while commands run.

use super::{PACKAGES, PROCESSES, SERVICES, back, host, told};
use crate::support::Undo;
use anyhow::{Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;
use infiniservice_e2e::messages::TIMEOUT;
use std::time::Duration;

pub const SCENARIOS: &[Scenario] =
    &[("faults::a_machine_that_moves_to_another_qemu_loses_no_answer", migration)];

const SLOW: &str = "printf '[Service]\\nType=oneshot\\nRemainAfterExit=yes\\nExecStart=/bin/sh -c \"echo run >> /run/lab-runs; exec sleep 5\"\\n' \
    > /etc/systemd/system/lab-slow.service && systemctl daemon-reload";
const START_SLOW: &str = r#""action":"ServiceControl","service":"lab-slow","operation":"start""#;

/// The host's connection ends with the old QEMU; it connects to the new one and asks again for what it has no answer to.
fn migration(guest: &Guest) -> Result<()> {
    let undo = "systemctl stop lab-slow; rm -f /etc/systemd/system/lab-slow.service /run/lab-runs; systemctl daemon-reload";
    let _undo = Undo::by(guest, undo);
    guest.sh(SLOW)?;
    let pid = guest.agent_pid()?;
    let mut host = host(guest)?;
    host.ping();
    host.settle(TIMEOUT)?;
    let commands = [START_SLOW, PROCESSES, SERVICES, PACKAGES].map(|command| (host.ask(command), command));
    host.turn(Duration::from_millis(20))?;
    let moved = guest.machine.migrate()?;
    while host.turn(Duration::from_secs(1))? {}
    let (before, torn) = (host.ledger.answered, host.ledger.torn);
    host.reconnect(&guest.machine.agent_socket())?;
    let back = back(&mut host)?;
    host.ask_again(&commands);
    host.settle(TIMEOUT)?;
    println!(
        "  moved in {:.1} s, {:.3} s of it in neither QEMU; {before} answers came before, {torn} lines torn, {} still ran",
        moved.took.as_secs_f64(),
        moved.down.as_secs_f64(),
        host.ledger.in_flight
    );
    ensure!(guest.sh("cat /run/lab-runs")? == "run", "the command ran more than once");
    ensure!(guest.agent_pid()? == pid, "the agent was started anew");
    told("migration", &host, back)
}
