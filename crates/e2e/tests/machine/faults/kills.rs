//! The agent is killed at moments that nobody chose, with commands under way.

use super::{PACKAGES, PROCESSES, SERVICES, back, host, told};
use crate::support::{Undo, in_unit};
use anyhow::{Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;
use infiniservice_e2e::messages::TIMEOUT;
use std::time::{Duration, Instant};

pub const SCENARIOS: &[Scenario] =
    &[("faults::killed_at_any_moment_it_is_back_and_each_command_is_answered_once_asked_again", killed)];

/// Milliseconds after the commands went out; with the guest's own delays they fall anywhere in them.
const MOMENTS: [u32; 5] = [0, 20, 90, 250, 600];
/// Restarted at once: systemd's pause is not what is tried here.
const AT_ONCE: &str = "RestartSec=0";
const GONE: &str =
    "systemctl stop lab-slow; rm -f /etc/systemd/system/lab-slow.service; systemctl daemon-reload";
const SLOW: &str =
    "printf '[Service]\\nType=oneshot\\nExecStart=/bin/sleep 1\\n' > /etc/systemd/system/lab-slow.service";
const RESTART_SLOW: &str = r#""action":"ServiceControl","service":"lab-slow","operation":"restart""#;

fn killed(guest: &Guest) -> Result<()> {
    let _undo = Undo::by(guest, GONE);
    guest.sh(SLOW)?;
    let _usual = in_unit(guest, AT_ONCE)?;
    let mut host = host(guest)?;
    let (mut again, mut slowest) = (0, Duration::ZERO);
    for moment in MOMENTS {
        let mut commands = Vec::new();
        for command in [RESTART_SLOW, PROCESSES, SERVICES, PACKAGES, PROCESSES] {
            commands.push((host.ask(command), command));
        }
        host.turn(Duration::from_millis(u64::from(moment)))?;
        let pid = guest.agent_pid()?;
        guest.sh(&format!("sleep 0.{moment:03}; kill -9 {pid}"))?;
        let begin = Instant::now();
        // What a host says while the port is closed is gone, pings too.
        guest.until("another agent is connected", |guest| {
            let state = guest.sh("systemctl show -p MainPID -p StatusText infiniservice")?;
            Ok(state.contains("StatusText=Connected")
                && state.lines().all(|line| line != format!("MainPID={pid}")))
        })?;
        back(&mut host)?;
        slowest = slowest.max(begin.elapsed());
        again += host.ask_again(&commands);
        host.settle(TIMEOUT)?;
    }
    println!("  {} kills, {again} commands had to be asked again", MOMENTS.len());
    let left = guest.sh(
        "cat /sys/fs/cgroup/system.slice/infiniservice.service/commands/*/cgroup.procs 2>/dev/null | wc -l",
    )?;
    ensure!(left == "0", "{left} processes of commands are left");
    // A line under way when it died is torn; the newline with which its successor begins ended it.
    ensure!(host.ledger.torn <= MOMENTS.len() as u64, "{}", host.ledger);
    host.ledger.torn = 0;
    told("killed at five moments", &host, slowest)
}
