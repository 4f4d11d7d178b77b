//! The agent beside a reader of its log that stands still, and with a log on a full device: it serves, and ends when asked to.

use anyhow::{Context, Result, ensure};
use infiniservice_e2e::binary;
use infiniservice_e2e::local::LocalAgent;
use infiniservice_e2e::raw::RawHost;
use rustix::fs::{CWD, FileType, Mode, OFlags};
use rustix::io::Errno;
use std::fs;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

/// Far above what is ever needed; only a test that fails waits for it.
const TIMEOUT: Duration = Duration::from_mins(1);
/// Commands that a host asks for: each is a line of the log at least, and they are more than a pipe holds.
const COMMANDS: usize = 500;
const SETTINGS: &str = "log_level = \"trace\"\nshutdown_timeout_secs = 5\n";

/// A pipe with a name and a reader that never reads, filled to the last byte.
fn full_pipe(path: &Path) -> Result<OwnedFd> {
    rustix::fs::mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o600), 0)?;
    let pipe = rustix::fs::open(path, OFlags::RDWR | OFlags::NONBLOCK, Mode::empty())?;
    for size in [4096, 1] {
        while rustix::io::write(&pipe, &vec![b'x'; size]) != Err(Errno::AGAIN) {}
    }
    Ok(pipe)
}

/// Its standard error is this file, whatever the harness made of it.
fn with_log(path: &Path) -> Result<(LocalAgent, OwnedFd)> {
    let script = format!("exec \"$0\" \"$@\" 2> {}", path.display());
    LocalAgent::start(&binary::tested_agent()?, SETTINGS, &["/bin/sh", "-c", &script])
}

fn ends_when_asked(agent: &LocalAgent) -> Result<()> {
    let pid = agent.pid().to_string();
    ensure!(Command::new("kill").args(["-s", "TERM", &pid]).status()?.success(), "kill {pid}");
    let end = Instant::now() + TIMEOUT;
    let state = || fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // A zombie until this process waits for it.
    while !state().rsplit(')').next().context("a state")?.trim_start().starts_with('Z') {
        ensure!(Instant::now() < end, "it has not ended: {}", state());
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

#[test]
fn a_log_that_nobody_reads_holds_up_neither_commands_nor_the_end() -> Result<()> {
    let files = tempfile::tempdir()?;
    let path = files.path().join("log");
    let _reader = full_pipe(&path)?;
    let (agent, master) = with_log(&path)?;
    let mut host = RawHost::new(master, "log")?;
    for _ in 0..COMMANDS {
        host.ask("\"action\":\"ProcessList\",\"limit\":1");
        host.settle(TIMEOUT)?;
    }
    ends_when_asked(&agent)
}

#[test]
fn a_log_on_a_full_device_ends_nothing() -> Result<()> {
    let (agent, master) = with_log(Path::new("/dev/full"))?;
    let mut host = RawHost::new(master, "log")?;
    host.ask_metrics();
    host.settle(TIMEOUT)?;
    ends_when_asked(&agent)
}

#[test]
fn what_a_person_is_told_may_meet_a_full_device_too() -> Result<()> {
    let agent = binary::tested_agent()?;
    for (arguments, code) in
        [("--set x=1", 2), ("--config /nonexistent", 2), ("--print-config", 1), ("--diagnose", 1)]
    {
        let script = format!("exec \"$0\" {arguments} > /dev/full 2> /dev/full");
        let status = Command::new("/bin/sh").args(["-c", &script]).arg(&agent).env_clear().status()?;
        ensure!(status.code() == Some(code), "{arguments}: {status}");
    }
    Ok(())
}
