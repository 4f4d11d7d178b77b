//! The unit has 32 MiB, for the agent and all commands together.

use super::{ask_some, told, under};
use crate::support::{Undo, with_host};
use crate::unsafe_command::{raw, turned_on};
use anyhow::{Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;
use infiniservice_e2e::messages::TIMEOUT;
use serde_json::json;
use std::time::Instant;

pub const SCENARIOS: &[Scenario] = &[
    ("faults::in_32_mib_the_agent_works", little),
    ("faults::a_command_that_wants_more_memory_is_ended_and_the_agent_is_not", greedy),
];

const LITTLE: &str = "systemctl set-property --runtime infiniservice MemoryMax=32M MemorySwapMax=0";
const USUAL: &str = "systemctl set-property --runtime infiniservice MemoryMax=infinity MemorySwapMax=infinity; \
    rm -rf /run/systemd/system.control/infiniservice.service.d; systemctl daemon-reload";
const EVENTS: &str = "/sys/fs/cgroup/system.slice/infiniservice.service/memory.events";

fn little(guest: &Guest) -> Result<()> {
    let pid = guest.agent_pid()?;
    let _undo = Undo::by(guest, USUAL);
    let (mut host, _) = under(guest, "32 MiB", |guest| guest.sh(LITTLE))?;
    let begin = Instant::now();
    for _ in 0..10 {
        ask_some(&mut host);
        host.settle(TIMEOUT)?;
    }
    let peak = guest.sh("cat /sys/fs/cgroup/system.slice/infiniservice.service/memory.peak /sys/fs/cgroup/system.slice/infiniservice.service/memory.current")?;
    println!(
        "  memory of the unit in bytes, peak and now: {peak:?}; {}",
        guest.sh(&format!("grep -h . {EVENTS} | tr '\\n' ' '"))?
    );
    ensure!(host.ledger.with_code("success") == 72, "{}", host.ledger);
    ensure!(guest.agent_pid()? == pid, "the agent was started anew");
    told("32 MiB, ten rounds", &host, begin.elapsed() / 10)
}

fn greedy(guest: &Guest) -> Result<()> {
    let _raw = turned_on(guest)?;
    let _undo = Undo::by(guest, USUAL);
    guest.sh(LITTLE)?;
    let pid = guest.agent_pid()?;
    with_host(guest, |client| {
        let response =
            raw(guest, client, &json!({"raw_command": "head -c 100M /dev/zero | tail", "timeout": 60}))?;
        println!(
            "  the command's end: {:?} {:?} {:?}",
            response.exit_code, response.error_code, response.error
        );
        let events = guest.sh(&format!("cat {EVENTS}"))?;
        ensure!(!events.contains("oom_kill 0\n"), "the kernel ended nothing: {events}");
        guest.wait(client.ping(TIMEOUT))?;
        Ok(())
    })?;
    ensure!(guest.agent_pid()? == pid, "the agent went with it");
    Ok(())
}
