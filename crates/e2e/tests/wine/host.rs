//! A host that goes and comes back on another terminal.

use anyhow::{Result, ensure};
use infiniservice_e2e::Windows;
use infiniservice_e2e::harness::Scenario;
use infiniservice_e2e::messages::TIMEOUT;
use std::time::Duration;

pub const SCENARIOS: &[Scenario<Windows>] = &[
    ("host::is_served_again_each_time_it_comes_back", comes_back),
    ("host::that_is_away_costs_no_processor_time", costs_nothing),
];

const ROUNDS: usize = 5;

fn comes_back(windows: &Windows) -> Result<()> {
    let mut agent = windows.start(&[])?;
    for _ in 0..ROUNDS {
        windows.wait(agent.client()?.ping(TIMEOUT))?;
        agent.lose_host()?;
        agent.find_host()?;
    }
    windows.wait(agent.client()?.ping(TIMEOUT))?;
    Ok(())
}

/// How long the host stays away.
const AWAY: Duration = Duration::from_secs(5);
/// Of one core. A spin takes all of it; the retries, once a second, next to nothing.
const MAX_SHARE: f64 = 0.1;

fn costs_nothing(windows: &Windows) -> Result<()> {
    let mut agent = windows.start(&[])?;
    windows.wait(agent.client()?.ping(TIMEOUT))?;
    agent.lose_host()?;
    windows.until("the agent notices", || Ok(agent.log()?.contains("the device is gone")))?;
    let before = agent.running.cpu_secs()?;
    // The thing measured is time that passes.
    std::thread::sleep(AWAY);
    let share = (agent.running.cpu_secs()? - before) / AWAY.as_secs_f64();
    ensure!(share < MAX_SHARE, "it takes {:.0} % of a core while its host is away", share * 100.0);
    agent.find_host()?;
    windows.wait(agent.client()?.ping(TIMEOUT))?;
    Ok(())
}
