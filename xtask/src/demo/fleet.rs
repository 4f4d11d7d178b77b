//! `cargo xtask demo --fleet`: a host with its daemon, many simulated guests and two real ones.

mod host;
mod hosts;

use super::{Demo, Sleeper};
use crate::steps;
use anyhow::{Context as _, Result, ensure};
use host::{Host, REAL, SIMULATED};
use infiniservice_lab::key;
use serde_json::json;
use std::io::IsTerminal as _;
use std::process::{Command, Stdio};

/// Builds, starts, and plays.
pub(super) fn run(demo: &Demo) -> Result<()> {
    if let Some(count) = demo.hosts {
        return hosts::run_demo(demo, count.into());
    }
    let host = Host::start(demo.vm)?;
    host.wait_until_all_are_up()?;
    let page = host.get("/")?;
    ensure!(page.contains("<title>infinihub</title>"), "the hub serves no page: {page:.200}");
    if demo.once { once(&host, demo.json) } else { tour(&host) }
}

fn once(host: &Host, json: bool) -> Result<()> {
    let format = if json { &["--json"][..] } else { &[] };
    steps::run(&mut host.infinictl(&[format, &["list"]].concat()))?;
    steps::run(
        &mut host.infinictl(&[format, &["--vm", REAL[0], "process", "list", "--limit", "3"]].concat()),
    )?;
    if json {
        println!("{}", json!({ "type": "page", "address": host.url(), "served": true }));
    } else {
        println!("the page was served at {}", host.url());
    }
    Ok(())
}

fn tour(host: &Host) -> Result<()> {
    let [one, other] = REAL;
    println!(
        "One daemon holds the sockets of {} machines; everything below goes through it.",
        SIMULATED + REAL.len()
    );
    println!("In your own terminal: export INFINICTL_HUB={}", host.directory().display());
    explain(host, "Which machines are worst off?", &["list", "--worst", "disk>85"])?;
    explain(host, "The two real ones among them.", &["list", "name=real-*"])?;
    explain(
        host,
        "Any command there is, to a machine by its name.",
        &["--vm", one, "process", "list", "--limit", "5"],
    )?;
    end_a_process(host, other)?;
    explain(
        host,
        "The agent refuses to end a protected process; the hub keeps that as an event.",
        &["--vm", one, "process", "kill", "1"],
    )?;
    explain(
        host,
        "The last of what happened; the refusal is among it.",
        &["events", "--after", &host.last_events(5)?],
    )?;
    jobs(host)?;
    metrics(host);
    println!("\nThe page: {}/ – read only, live, by keyboard, too.", host.url());
    if !std::io::stdin().is_terminal() {
        return Ok(());
    }
    println!("Everything runs until you press a key.");
    key::wait()
}

/// Says why, shows the command, runs it. A refusal is part of what is shown, so the exit code is not looked at.
fn explain(host: &Host, why: &str, arguments: &[&str]) -> Result<()> {
    explain_as(&mut host.infinictl(arguments), why)
}

/// The same for a command that is made already.
fn explain_as(command: &mut Command, why: &str) -> Result<()> {
    let shown: Vec<_> = command.get_args().map(|argument| quoted(&argument.to_string_lossy())).collect();
    println!("\n{why}\n$ infinictl {}", shown.join(" "));
    command.status().map(drop).context("cannot start infinictl")
}

/// As a shell takes it.
fn quoted(argument: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./=:".contains(&byte);
    if argument.bytes().all(plain) { argument.to_owned() } else { format!("'{argument}'") }
}

fn end_a_process(host: &Host, vm: &str) -> Result<()> {
    if host.has_machines() {
        let why = "Restart a service of a machine; its agent waits for systemd's job and reports the result.";
        return explain(host, why, &["--vm", vm, "service", "restart", "systemd-journald"]);
    }
    let mut child = Sleeper(Command::new("sleep").arg("1000").spawn().context("sleep")?);
    let pid = child.0.id().to_string();
    let why =
        "A change: end a process (a sleep started for this). The hub writes to its log who asked for it.";
    let ended = explain(host, why, &["--vm", vm, "process", "kill", &pid]);
    child.0.try_wait()?;
    ended
}

/// Where this infinictl has jobs.
fn jobs(host: &Host) -> Result<()> {
    let mut help = host.infinictl(&["job", "run", "--help"]);
    if !help.stdout(Stdio::null()).stderr(Stdio::null()).status()?.success() {
        return Ok(());
    }
    explain(
        host,
        "One command to all simulated machines, ten at a time: each has exactly one outcome.",
        &["job", "run", "--vms", "name=sim-*", "--max-concurrency", "10", "--", "service", "status", "ssh"],
    )?;
    explain(host, "The jobs of this hub.", &["job", "list"])
}

/// Where this hub has them.
fn metrics(host: &Host) {
    let Ok(text) = host.get("/metrics") else { return };
    let lines: Vec<_> = text.lines().filter(|line| line.starts_with("infini_guest_load1{")).collect();
    println!("\nFor Prometheus: {} lines, such as\n$ curl {}/metrics", text.lines().count(), host.url());
    lines.iter().take(3).for_each(|line| println!("{line}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_would_take_for_its_own_is_quoted() {
        assert_eq!(["list", "name=sim-*", "disk>85"].map(quoted), ["list", "'name=sim-*'", "'disk>85'"]);
    }
}
