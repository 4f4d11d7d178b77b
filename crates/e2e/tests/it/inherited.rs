//! What the agent was started with: children that are not its commands'.

use anyhow::{Context, Result, ensure};
use infiniservice_e2e::binary;
use infiniservice_e2e::local::LocalAgent;
use infiniservice_e2e::raw::RawHost;
use std::fs;
use std::time::Duration;

/// Far above what is ever needed; only a test that fails waits for it.
const TIMEOUT: Duration = Duration::from_mins(1);

/// The children of a process that run this program.
fn children(pid: u32, program: &str) -> Result<Vec<String>> {
    let all = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?;
    let runs = |child: &&str| {
        fs::read_to_string(format!("/proc/{child}/comm")).is_ok_and(|comm| comm.trim() == program)
    };
    Ok(all.split_whitespace().filter(runs).map(str::to_owned).collect())
}

#[test]
fn a_child_that_was_there_before_the_agent_outlives_its_commands() -> Result<()> {
    let wrapper = ["/bin/bash", "-c", "sleep 4242 & exec \"$@\"", "bash"];
    let (agent, master) = LocalAgent::start(&binary::tested_agent()?, "", &wrapper)?;
    let mut host = RawHost::new(master, "inherited-")?;
    host.ask(r#""action":"PackageList","limit":1"#);
    host.settle(TIMEOUT)?;
    ensure!(host.ledger.is_balanced(), "{}", host.ledger);
    let left = children(agent.pid(), "sleep")?;
    ensure!(left.len() == 1, "the child is gone: {}", agent.log()?);
    let ended = std::process::Command::new("kill").args(&left).status().context("kill")?;
    ensure!(ended.success());
    Ok(())
}
