//! `--diagnose` where there is no virtio device: what Wine can show of it.

use anyhow::{Context, Result, ensure};
use infiniservice_e2e::Windows;
use infiniservice_e2e::harness::Scenario;
use serde_json::Value;

pub const SCENARIOS: &[Scenario<Windows>] = &[
    ("diagnose::says_that_there_is_no_controller_and_what_to_do", bare),
    ("diagnose::says_that_a_configured_com_port_can_be_used", com_port),
];

fn bare(windows: &Windows) -> Result<()> {
    let output = windows.prefix.command(&windows.agent)?.args(["--diagnose"]).output()?;
    let text = String::from_utf8(output.stdout)?;
    ensure!(output.status.code() == Some(1), "exit {:?}: {text}", output.status);
    ensure!(text.replace('\r', "").contains("QEMU guest agent's port\n  none\n"), "{text}");
    for part in
        ["NOT USABLE: This machine has no virtio-serial controller", "<channel type='unix'>", "not installed"]
    {
        ensure!(text.contains(part), "{part:?} is not in:\n{text}");
    }
    Ok(())
}

fn com_port(windows: &Windows) -> Result<()> {
    let (client, _slave) = windows.host()?;
    let second = ["--set", "qga=true", "--set", "qga_port=COM1"];
    let arguments = [&["--diagnose", "--json", "--device", "COM1"], &second[..]].concat();
    let told = windows.prefix.run(&windows.agent, &arguments)?;
    windows.wait(client.close());
    let report: Value = serde_json::from_str(&told).with_context(|| told.clone())?;
    ensure!(report["usable"] == true && report["channel"] == "COM1", "{told}");
    ensure!(report["facts"]["attempts"][0]["failure"].is_null(), "{told}");
    // Found by its name alone: nobody opens it, and no service serves it.
    let second = &report["facts"]["guest_agent"];
    ensure!(second["path"] == "COM1" && second["left"].is_null() && second["other_runs"].is_null(), "{told}");
    ensure!(told.contains("Nobody serves COM1: the service InfiniService does not run."), "{told}");
    ensure!(report["facts"]["service"].is_null() && report["facts"]["service_error"].is_null(), "{told}");
    Ok(())
}
