//! The wall clock jumps by a day, forward and back.

use super::{told, under};
use crate::support::Undo;
use anyhow::{Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;
use infiniservice_e2e::messages::TIMEOUT;
use std::time::{Duration, Instant};

pub const SCENARIOS: &[Scenario] =
    &[("faults::a_clock_set_by_a_day_either_way_is_not_noticed_by_the_link", jumps)];

/// When the machine booted by its clock, in seconds since the epoch.
const BOOTED: &str = "echo $(( $(date +%s) - $(cut -d. -f1 /proc/uptime) ))";

fn jumps(guest: &Guest) -> Result<()> {
    // By the clock that nobody sets: not every lab has one in hardware.
    let right = format!("date -s @$(( {} + $(cut -d. -f1 /proc/uptime) ))", guest.sh(BOOTED)?);
    let _undo = Undo::by(guest, right);
    let pid = guest.agent_pid()?;
    let (host, _) = under(guest, "clock a day ahead", |guest| guest.sh("date -s '+1 day'"))?;
    drop(host);
    let (mut host, _) = under(guest, "clock a day behind", |guest| guest.sh("date -s '-2 days'"))?;
    let (begin, heartbeats) = (Instant::now(), host.ledger.heartbeats);
    while host.ledger.heartbeats == heartbeats {
        ensure!(begin.elapsed() < TIMEOUT, "no heartbeat within {TIMEOUT:?}");
        host.turn(Duration::from_secs(1))?;
    }
    told("the next heartbeat", &host, begin.elapsed())?;
    ensure!(guest.agent_pid()? == pid, "the agent was started anew");
    let trouble = guest
        .sh("journalctl -b -u infiniservice -o cat --no-pager -n 50 | grep -c 'was not answered' || true")?;
    ensure!(trouble == "0", "a heartbeat went unanswered");
    Ok(())
}
