//! The service under Wine's service manager, through its real interface.

use anyhow::{Context, Result, ensure};
use infiniservice_e2e::Windows;
use infiniservice_e2e::guest::PATIENCE;
use infiniservice_e2e::harness::Scenario;
use std::fs;

pub const SCENARIOS: &[Scenario<Windows>] = &[
    ("service::is_installed_started_restarted_and_removed_by_the_service_manager", lives),
    ("service::that_cannot_start_tells_the_manager_its_exit_code", fails),
];

fn service(windows: &Windows, arguments: &[&str]) -> Result<String> {
    windows.prefix.run(&windows.agent, &[&["service"], arguments].concat())
}

fn log(windows: &Windows) -> Result<String> {
    let path = windows.prefix.drive_c().join("ProgramData/InfiniService/infiniservice.log");
    fs::read_to_string(&path).with_context(|| path.display().to_string())
}

const ARGUMENTS: &[&str] = &["--device", "COM1", "--vm-id", "as-a-service"];

/// The installed service, removed with this value whatever became of the scenario.
struct Installed<'a>(&'a Windows);

impl<'a> Installed<'a> {
    fn with(windows: &'a Windows, arguments: &[&str]) -> Result<Self> {
        service(windows, &[&["install", "--"], arguments].concat())?;
        Ok(Self(windows))
    }
}

impl Drop for Installed<'_> {
    fn drop(&mut self) {
        if let Err(error) = service(self.0, &["uninstall"]) {
            println!("the service was not removed: {error:#}");
        }
    }
}

fn lives(windows: &Windows) -> Result<()> {
    let installed = Installed::with(windows, ARGUMENTS)?;
    let again = service(windows, &[&["install", "--"], ARGUMENTS].concat())?;
    ensure!(again.contains("brought up to date"), "{again}");
    for _ in 0..2 {
        let (client, _slave) = windows.host()?;
        service(windows, &["start"])?;
        let status = service(windows, &["status"])?;
        ensure!(status.contains("running, process"), "{status}");
        let hello = windows.wait(client.hello(PATIENCE))?;
        ensure!(hello.vm_id.as_deref() == Some("as-a-service"), "{hello:?}");
        service(windows, &["stop"])?;
        windows.wait(client.close());
    }
    let log = log(windows)?;
    for part in ["stopping: asked by the service manager", "stopped after", "commands: ", "link: "] {
        ensure!(log.matches(part).count() == 2, "{part:?} is not twice in the log:\n{log}");
    }
    drop(installed);
    let gone = service(windows, &["status"]).err().context("it is still there")?;
    ensure!(format!("{gone:#}").contains("not installed"), "{gone:#}");
    Ok(())
}

fn fails(windows: &Windows) -> Result<()> {
    let _installed = Installed::with(windows, &["--set", "max_ports=none"])?;
    let told = service(windows, &["start"]).err().context("it started")?;
    let told = format!("{told:#}");
    ensure!(told.contains("stopped, exit code 2 of its own"), "{told}");
    let log = log(windows)?;
    ensure!(log.contains("max_ports"), "the reason is not in the log:\n{log}");
    Ok(())
}
