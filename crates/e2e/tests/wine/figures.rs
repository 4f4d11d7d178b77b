//! The agent's figures beside those of Wine's own tools, which ask the same interfaces in their way.

use crate::commands::data;
use anyhow::{Context, Result, ensure};
use infiniservice_e2e::Windows;
use infiniservice_e2e::harness::Scenario;
use infiniservice_e2e::messages::TIMEOUT;
use serde_json::json;
use std::collections::BTreeSet;
use std::net::{TcpListener, TcpStream};

pub const SCENARIOS: &[Scenario<Windows>] = &[
    ("figures::processes_are_those_of_wmic", processes),
    ("figures::memory_is_that_of_wmic", memory),
    ("figures::a_connection_is_told_as_netstat_tells_it", connection),
];

/// What `wmic` prints; to a pipe it writes UTF-16, and everything asked for here is ASCII.
fn wmic(windows: &Windows, arguments: &[&str]) -> Result<String> {
    let told = windows.prefix.run("wmic", arguments)?;
    Ok(told.chars().filter(|letter| letter.is_ascii() && *letter != '\0').collect())
}

fn processes(windows: &Windows) -> Result<()> {
    let agent = windows.start(&[])?;
    let told = wmic(windows, &["process", "get", "Name,ProcessId"])?;
    let listed = data(&agent, &json!({"action": "ProcessList", "limit": 10_000}))?;
    let listed = listed["processes"].as_array().context("a list of processes")?;
    let ours: BTreeSet<(String, String)> = listed
        .iter()
        .map(|process| {
            (process["name"].as_str().unwrap_or_default().to_lowercase(), process["pid"].to_string())
        })
        .collect();
    let theirs: Vec<(String, String)> = told
        .lines()
        .filter_map(|line| line.trim().rsplit_once(char::is_whitespace))
        .filter(|(_, pid)| pid.parse::<u32>().is_ok())
        .map(|(name, pid)| (name.trim().to_lowercase(), pid.to_owned()))
        // These two have ended since: wmic, and what started it.
        .filter(|(name, _)| name != "wmic.exe" && name != "start.exe")
        .collect();
    ensure!(theirs.iter().any(|(name, _)| name == "infiniservice.exe"), "wmic tells no agent: {told}");
    let missing: Vec<_> = theirs.iter().filter(|process| !ours.contains(*process)).collect();
    ensure!(missing.is_empty(), "wmic tells {missing:?}, the agent {ours:?}");
    Ok(())
}

/// Of drives this wmic tells sizes that are not those of the file system.
fn memory(windows: &Windows) -> Result<()> {
    let told = wmic(windows, &["os", "get", "TotalVisibleMemorySize"])?;
    let agent = windows.start(&[])?;
    let ours = windows.wait(agent.client()?.metrics(TIMEOUT))?.data.system.memory;
    ensure!(
        told.split_whitespace().nth(1) == Some(&ours.total_kb.to_string()),
        "wmic {told:?}, agent {ours:?}"
    );
    Ok(())
}

/// Of a connection, for Wine's netstat tells of no listener.
fn connection(windows: &Windows) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let connection = TcpStream::connect(listener.local_addr()?)?;
    let port = connection.local_addr()?.port();
    let told = windows.prefix.run("netstat", &["-a"])?;
    let address = format!("127.0.0.1:{port} ");
    let line = told
        .lines()
        .find(|line| line.split_once("TCP").is_some_and(|(_, rest)| rest.trim_start().starts_with(&address)));
    ensure!(line.is_some_and(|line| line.contains("ESTABLISHED")), "netstat tells of {address}: {told}");
    let agent = windows.start(&[])?;
    let ports = windows.wait(agent.client()?.metrics(TIMEOUT))?.data.ports;
    let ours = ports.iter().find(|one| one.port == port);
    let agrees = ours.is_some_and(|one| one.protocol == "tcp" && one.state == "ESTABLISHED");
    ensure!(agrees, "the agent tells {ours:?}");
    Ok(())
}
