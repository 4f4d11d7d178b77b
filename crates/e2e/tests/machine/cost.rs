//! No processor time is burnt, whatever the host does. The bounds are far above what is measured and far below a spin;
//! figures are the benchmark's.

use anyhow::{Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::cost;
use infiniservice_e2e::harness::Scenario;

pub const SCENARIOS: &[Scenario] = &[
    ("cost::without_a_host_the_agent_sleeps", no_host),
    ("cost::with_an_idle_host_the_agent_sleeps", idle_host),
];

fn no_host(guest: &Guest) -> Result<()> {
    settle(guest)?;
    let (share, wakeups) = cost::over(guest, 60)?;
    println!("no host for 60 s: {:.3} % of a core, {wakeups} wake-ups", share * 100.0);
    ensure!(share < 0.01 && wakeups < 60, "{:.3} % of a core, {wakeups} wake-ups", share * 100.0);
    Ok(())
}

fn idle_host(guest: &Guest) -> Result<()> {
    let client = guest.connect()?;
    settle(guest)?;
    let (share, wakeups) = cost::over(guest, 60)?;
    println!("idle host for 60 s: {:.3} % of a core, {wakeups} wake-ups", share * 100.0);
    ensure!(share < 0.05 && wakeups < 1000, "{:.3} % of a core, {wakeups} wake-ups", share * 100.0);
    guest.disconnect(client);
    Ok(())
}

/// The scenario before may have rebooted the guest: let udev and the agent's first collections come to an end.
fn settle(guest: &Guest) -> Result<()> {
    guest.sh("udevadm settle && systemctl is-system-running --wait; sleep 20").map(drop)
}
