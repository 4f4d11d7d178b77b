//! A host that drives the agent as `qemu-ga`, on a pseudo-terminal.

use anyhow::{Context, Result, bail, ensure};
use infinictl::client::pty;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::{Value, json};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

/// Waits until no other test freezes or thaws, and keeps it so for as long as the file is open: a real `qemu-ga` thaws what others
/// froze.
///
/// # Errors
/// The lock's file cannot be made.
pub fn freeze_alone() -> std::io::Result<std::fs::File> {
    let file = std::fs::File::create(std::env::temp_dir().join("infiniservice-freeze.lock"))?;
    file.lock()?;
    Ok(file)
}

/// Far above what any answer takes; only a test that fails waits for it.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The host's end of a port, with the agent's end kept open.
pub struct QgaHost {
    master: OwnedFd,
    _slave: OwnedFd,
    /// The agent's end, for its configuration.
    pub path: String,
    read: Vec<u8>,
}

impl QgaHost {
    /// A port that no agent has opened yet.
    pub fn new() -> Result<Self> {
        let pair = pty::open()?;
        let path = pair.path.to_str().context("a path of ASCII")?.to_owned();
        Ok(Self { master: pair.master, _slave: pair.slave, path, read: Vec::new() })
    }

    /// What makes an agent serve it.
    pub fn config(&self) -> String {
        format!("qga = true\nqga_port = {:?}\n", self.path)
    }

    /// Writes bytes as they are.
    pub fn write(&self, bytes: &[u8]) -> Result<()> {
        let mut left = bytes;
        while !left.is_empty() {
            let count = rustix::io::write(&self.master, left)?;
            left = left.get(count..).unwrap_or_default();
        }
        Ok(())
    }

    /// The next line of the agent, without its end.
    pub fn line(&mut self) -> Result<Vec<u8>> {
        let end = Instant::now() + TIMEOUT;
        loop {
            if let Some(at) = self.read.iter().position(|byte| *byte == b'\n') {
                let rest = self.read.split_off(at + 1);
                let mut line = std::mem::replace(&mut self.read, rest);
                line.pop();
                return Ok(line);
            }
            ensure!(Instant::now() < end, "no line comes");
            self.wait()?;
        }
    }

    fn wait(&mut self) -> Result<()> {
        let mut polled = [PollFd::new(&self.master, PollFlags::IN)];
        poll(&mut polled, Some(&Timespec { tv_sec: 1, tv_nsec: 0 }))?;
        if polled.iter().all(|one| one.revents().is_empty()) {
            return Ok(());
        }
        let mut bytes = [0; 8 << 10];
        let count = rustix::io::read(&self.master, &mut bytes)?;
        ensure!(count > 0, "the agent closed the port");
        self.read.extend(bytes.get(..count).unwrap_or_default());
        Ok(())
    }

    /// Asks until an agent answers: what was written before it opened its port may be lost.
    pub fn meet(&mut self) -> Result<()> {
        let end = Instant::now() + TIMEOUT;
        while self.read.is_empty() {
            ensure!(Instant::now() < end, "no agent answers");
            self.write(b"{\"execute\":\"guest-ping\"}\n")?;
            self.wait()?;
        }
        self.as_proxmox(1, "guest-ping").map(drop)
    }

    /// Asks, and gives the answer as it came.
    pub fn ask(&mut self, command: &str, arguments: &Value) -> Result<Value> {
        let request = match arguments {
            Value::Null => json!({ "execute": command }),
            given => json!({ "execute": command, "arguments": given }),
        };
        self.write(format!("{request}\n").as_bytes())?;
        Ok(serde_json::from_slice(&self.line()?)?)
    }

    /// What a command returns.
    pub fn told(&mut self, command: &str, arguments: &Value) -> Result<Value> {
        let mut answer = self.ask(command, arguments)?;
        match answer.get_mut("return").map(Value::take) {
            Some(told) => Ok(told),
            None => bail!("{command}: {answer}"),
        }
    }

    /// As Proxmox VE does it: a sync and the command in one write; what follows the byte 0xFF is two lines.
    pub fn as_proxmox(&mut self, id: i64, command: &str) -> Result<Value> {
        let sync = json!({ "execute": "guest-sync-delimited", "arguments": { "id": id } });
        self.write(format!("{sync}\n{}\n", json!({ "execute": command })).as_bytes())?;
        loop {
            let line = self.line()?;
            let Some(at) = line.iter().rposition(|byte| *byte == 0xff) else { continue };
            let synced: Value = serde_json::from_slice(line.get(at + 1..).unwrap_or_default())?;
            ensure!(synced["return"] == id, "{synced}");
            let answer = self.line()?;
            ensure!(answer.ends_with(b"}"), "an answer ends at its bracket");
            return Ok(serde_json::from_slice(&answer)?);
        }
    }
}
