//! The agent as a process: what it inherits, what stops and wakes it, and who else is on its terminal.

use anyhow::{Context, Result, ensure};
use infiniservice_e2e::binary;
use infiniservice_e2e::local::LocalAgent;
use infiniservice_e2e::raw::RawHost;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Far above what is ever needed; only a test that fails waits for it.
const TIMEOUT: Duration = Duration::from_mins(1);
const SIGNALS_IN_A_BURST: u32 = 3000;

fn start(config: &str, wrapper: &[&str]) -> Result<(LocalAgent, RawHost)> {
    let (agent, master): (LocalAgent, OwnedFd) =
        LocalAgent::start(&binary::tested_agent()?, config, wrapper)?;
    let mut host = RawHost::new(master, "process")?;
    answers(&mut host)?;
    Ok((agent, host))
}

fn answers(host: &mut RawHost) -> Result<()> {
    host.ask_metrics();
    host.ask("\"action\":\"ProcessList\",\"limit\":1");
    host.settle(TIMEOUT)
}

fn signal(agent: &LocalAgent, signal: Signal) -> Result<()> {
    let pid = Pid::from_raw(agent.pid().try_into()?).context("a pid")?;
    Ok(kill_process(pid, signal)?)
}

/// Waits, and lets the host read meanwhile.
fn wait_for(agent: &LocalAgent, host: &mut RawHost, what: &str) -> Result<()> {
    let end = Instant::now() + TIMEOUT;
    while !agent.log()?.contains(what) {
        ensure!(Instant::now() < end, "not logged: {what:?}\n{}", agent.log()?);
        host.turn(Duration::from_millis(20))?;
    }
    Ok(())
}

fn status_of(agent: &LocalAgent, name: &str) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", agent.pid()))?;
    let mask = status.lines().find_map(|line| line.strip_prefix(name)).context("a mask")?;
    Ok(u64::from_str_radix(mask.trim(), 16)?)
}

#[test]
fn signals_that_were_ignored_or_blocked_before_the_start_are_heard() -> Result<()> {
    let wrapper = ["/usr/bin/env", "--block-signal", "--ignore-signal=CHLD", "--ignore-signal=TERM"];
    let (agent, mut host) = start("", &wrapper)?;
    let child = 1 << (Signal::CHILD.as_raw() - 1);
    ensure!(status_of(&agent, "SigBlk:")? == 0, "some are blocked");
    ensure!(status_of(&agent, "SigIgn:")? & child == 0, "SIGCHLD is ignored, and exit codes are lost");
    signal(&agent, Signal::TERM)?;
    wait_for(&agent, &mut host, "stopped after")
}

#[test]
fn an_agent_that_was_stopped_for_longer_than_its_timeouts_goes_on() -> Result<()> {
    let settings = "keep_alive_interval_secs = 1\nkeep_alive_timeout_secs = 2\nconnection_timeout_secs = 1\n";
    let (agent, mut host) = start(settings, &[])?;
    signal(&agent, Signal::STOP)?;
    thread::sleep(Duration::from_secs(6));
    signal(&agent, Signal::CONT)?;
    answers(&mut host)?;
    ensure!(host.serve(Duration::from_secs(3))?, "the connection ended");
    answers(&mut host)
}

/// One ends while the agent stands still, and its time is over before the agent goes on; one goes on all the while.
#[test]
fn commands_that_run_while_the_agent_stands_still_are_answered_and_are_not_called_late() -> Result<()> {
    let (agent, mut host) = start("allow_unsafe_commands = true\n", &[])?;
    let marks = tempfile::tempdir()?;
    let began = |id: &str| marks.path().join(id);
    for (id, seconds, timeout) in [("ends", 1, 3), ("goes-on", 8, 60)] {
        let command = format!("touch {}; sleep {seconds}", began(id).display());
        let line = format!(
            r#"{{"type":"UnsafeCommand","id":"{id}","raw_command":"{command}","shell":"sh","timeout":{timeout}}}"#
        );
        host.say(id, &format!("{line}\n"));
    }
    let end = Instant::now() + TIMEOUT;
    while !(began("ends").exists() && began("goes-on").exists()) {
        ensure!(Instant::now() < end, "they do not begin: {}", agent.log()?);
        host.turn(Duration::from_millis(20))?;
    }
    let succeeded = |host: &RawHost| host.ledger.codes.get("success").copied().unwrap_or_default();
    let before = succeeded(&host);
    signal(&agent, Signal::STOP)?;
    thread::sleep(Duration::from_secs(5));
    signal(&agent, Signal::CONT)?;
    host.settle(TIMEOUT)?;
    ensure!(succeeded(&host) == before + 2 && host.ledger.is_balanced(), "{}", host.ledger);
    answers(&mut host)
}

#[test]
fn a_burst_of_requests_to_reload_is_one_reload() -> Result<()> {
    let (agent, mut host) = start("", &[])?;
    for _ in 0..SIGNALS_IN_A_BURST {
        signal(&agent, Signal::HUP)?;
    }
    wait_for(&agent, &mut host, "configuration reloaded")?;
    signal(&agent, Signal::TERM)?;
    wait_for(&agent, &mut host, "stopped after")?;
    let reloads = agent.log()?.matches("configuration reloaded").count();
    ensure!((1..=5).contains(&reloads), "{reloads} reloads");
    Ok(())
}

#[test]
fn a_second_agent_on_a_terminal_finds_it_busy_and_disturbs_nothing() -> Result<()> {
    let (agent, mut host) = start("", &[])?;
    let arguments = fs::read_to_string(format!("/proc/{}/cmdline", agent.pid()))?;
    let device = arguments.split('\0').find(|text| text.starts_with("/dev/pts/")).context("a terminal")?;
    // An agent that takes the terminal all the same would serve on it for ever.
    let mut second = Command::new("/usr/bin/timeout");
    second.arg("60").arg(binary::tested_agent()?);
    second.args(["--console", "--require-virtio", "--set", "connection_timeout_secs=1", "--device", device]);
    let out = second.env_clear().stdin(Stdio::null()).output()?;
    let said = String::from_utf8_lossy(&out.stderr);
    ensure!(out.status.code() == Some(3) && said.contains("busy"), "{}: {said}", out.status);
    answers(&mut host)
}

#[test]
fn a_configuration_that_became_wrong_does_not_take_the_agent_away() -> Result<()> {
    let files = tempfile::tempdir()?;
    let config = files.path().join("config.toml");
    let run = |text: &str, flag: &str| -> Result<(Option<i32>, String)> {
        fs::write(&config, text)?;
        let mut command = Command::new("/usr/bin/timeout");
        command.args(["-s", "TERM", "3"]).arg(binary::tested_agent()?);
        command.args(["--console", "--no-virtio", flag, "--config"]).arg(&config);
        let out = command.env_clear().stdin(Stdio::null()).output()?;
        Ok((out.status.code(), String::from_utf8_lossy(&out.stderr).into_owned()))
    };
    let ended_by_timeout = Some(124);
    ensure!(run("colour = 1\n", "--debug")?.0 == Some(2), "there is no valid one yet");
    ensure!(run("max_ports = 7\n", "--debug")?.0 == ended_by_timeout, "it is valid");
    let (code, log) = run("colour = 1\n", "--debug")?;
    ensure!(code == ended_by_timeout, "it does not run: {log}");
    let first = log.lines().next().unwrap_or_default();
    ensure!(first.contains("ERROR") && first.contains("unknown setting \"colour\""), "{log}");
    ensure!(run("colour = 1\n", "--require-config")?.0 == Some(2), "it runs though a valid one is required");
    Ok(())
}
