//! The agent with few descriptors: it says at its start that they are too few, or it answers every command.

use anyhow::{Result, ensure};
use infiniservice_e2e::binary;
use infiniservice_e2e::local::LocalAgent;
use infiniservice_e2e::raw::RawHost;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Far above what is ever needed; only a test that fails waits for it.
const TIMEOUT: Duration = Duration::from_mins(2);
/// What asks for programs, files, sockets and threads.
const COMMANDS: &[&str] = &[
    "\"action\":\"ServiceList\"",
    "\"action\":\"ProcessList\",\"limit\":1",
    "\"action\":\"PackageList\"",
    "\"action\":\"Autochecks\"",
    "\"action\":\"DiskCleanup\",\"dry_run\":true",
    "\"action\":\"ApplicationInventory\"",
];

#[test]
fn with_too_few_descriptors_the_start_fails_with_a_reason() -> Result<()> {
    let agent = binary::tested_agent()?;
    for limit in ["6", "10", "16", "17", "31"] {
        let mut command = Command::new("/usr/bin/prlimit");
        command.arg(format!("--nofile={limit}")).arg(&agent).args(["--console", "--no-virtio"]);
        let out = command.env_clear().stdin(Stdio::null()).output()?;
        let said = String::from_utf8_lossy(&out.stderr);
        ensure!(out.status.code() == Some(1), "{limit}: {}: {said}", out.status);
        ensure!(said.contains("RLIMIT_NOFILE"), "{limit}: {said}");
    }
    Ok(())
}

#[test]
fn with_just_enough_descriptors_every_command_is_answered() -> Result<()> {
    for limit in [32, 64] {
        let wrapper = ["/usr/bin/prlimit", &format!("--nofile={limit}")];
        let (mut agent, master) = LocalAgent::start(&binary::tested_agent()?, "", &wrapper)?;
        let mut host = RawHost::new(master, "few")?;
        for command in COMMANDS.iter().cycle().take(30) {
            host.ask(command);
        }
        let settled = host.settle(TIMEOUT);
        ensure!(settled.is_ok(), "{limit} descriptors: {settled:?}\n{}", agent.log()?);
        agent.held()?;
    }
    Ok(())
}
