//! A machine's move to another QEMU, as from one host to the next, with all that is under way in it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::options::{self, PAYLOAD_DISK};
use super::process::Process;
use super::{Machine, connect_monitor, locked};
use crate::guest_agent::GuestAgent;
use crate::qmp::Qmp;

/// How long all of it may take.
const TIMEOUT: Duration = Duration::from_mins(3);
/// Bytes a second; QEMU's own 128 MiB are meant for a network.
const BANDWIDTH: u64 = 4 << 30;

/// What a migration took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migrated {
    /// From its start until the machine ran in the other QEMU.
    pub took: Duration,
    /// The time in which it ran in neither.
    pub down: Duration,
}

impl Machine {
    /// Moves the running machine to a QEMU of its own making. The host's ends of its ports have the same names afterwards, but
    /// are new sockets: whoever was connected finds the connection ended. What was written to the disk goes along.
    ///
    /// It stands still while it is copied: of pages that an emulated processor goes on writing to, QEMU can miss one
    /// (<https://qemu.googlesource.com/qemu/+/9458a9a1df1a4c719e24512394d548c1fc7abd22>), and then its kernel panics.
    pub fn migrate(&self) -> Result<Migrated> {
        let begin = Instant::now();
        let (options, image) = self.origin.as_ref().context("only a machine booted by this process")?;
        let next = self.dir.join("next");
        fs::create_dir_all(&next)?;
        symlink(self.dir.join(PAYLOAD_DISK), next.join(PAYLOAD_DISK))?;
        let uri = format!("unix:{}", next.join("incoming").display());
        let mut arguments = options::arguments(options, image, &next);
        arguments.extend(["-incoming".into(), uri.clone().into()]);
        let process = Process::start_owned(&arguments, &next)?;
        let mut monitor = connect_monitor(&process, &next)?;
        tell_progress(&mut monitor)?;
        let stopped = Instant::now();
        self.send_to(&uri).with_context(|| self.failure("the machine does not migrate"))?;
        migrated(&mut monitor)?;
        monitor.execute("cont", &json!({})).with_context(|| self.failure("it does not go on"))?;
        let (took, down) = (begin.elapsed(), stopped.elapsed());
        self.take_over(process, monitor, &next)?;
        Ok(Migrated { took, down })
    }

    /// The disk's changes go along: both have the image beneath them.
    fn send_to(&self, uri: &str) -> Result<()> {
        let mut monitor = self.monitor();
        tell_progress(&mut monitor)?;
        monitor.execute("migrate-set-parameters", &json!({"max-bandwidth": BANDWIDTH}))?;
        monitor.execute("stop", &json!({}))?;
        monitor.execute("migrate", &json!({"uri": uri, "blk": true, "inc": true}))?;
        migrated(&mut monitor)
    }

    /// Ends the QEMU that the machine left, and puts the other one's files where its own were.
    fn take_over(&self, process: Process, monitor: Qmp, next: &Path) -> Result<()> {
        *locked(&self.monitor) = monitor;
        let left = std::mem::replace(&mut *locked(&self.process), process);
        drop(left);
        fs::remove_file(next.join(PAYLOAD_DISK))?;
        for entry in fs::read_dir(next)? {
            let entry = entry?;
            fs::rename(entry.path(), self.dir.join(entry.file_name()))?;
        }
        fs::remove_dir(next)?;
        *self.guest_agent() = GuestAgent::new(&self.dir.join(options::GUEST_AGENT_SOCKET));
        Ok(())
    }
}

/// Has either end tell how far it is, by events.
fn tell_progress(monitor: &mut Qmp) -> Result<()> {
    let events = json!({"capabilities": [{"capability": "events", "state": true}]});
    monitor.execute("migrate-set-capabilities", &events).map(drop)
}

/// Waits until this end has all behind it.
fn migrated(monitor: &mut Qmp) -> Result<()> {
    let ended = |data: &Value| ["completed", "failed"].contains(&data["status"].as_str().unwrap_or_default());
    let last = monitor.wait_event("MIGRATION", ended, TIMEOUT)?;
    if last["status"] != "completed" {
        bail!("{}", monitor.execute("query-migrate", &json!({}))?);
    }
    Ok(())
}
