//! QEMU's process: bound to the life of its owner, or left running on its own.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Read;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::options::PID_FILE;
use crate::command;

const QEMU: &str = "qemu-system-x86_64";
const ERRORS: &str = "qemu.log";

/// A running QEMU, by a descriptor that cannot come to mean another process.
#[derive(Debug)]
pub(crate) struct Process {
    handle: OwnedFd,
    owned: bool,
}

impl Process {
    /// Starts QEMU so that it ends when the calling process ends, however that happens, or this value is dropped.
    pub(crate) fn start_owned(arguments: &[OsString], dir: &Path) -> Result<Self> {
        let mut command = command::program("setpriv")?;
        command.args(["--pdeathsig", "KILL", "--"]).arg(program()?);
        command.args(arguments).stdout(Stdio::null()).stderr(error_log(dir)?);
        Self::keep_owned(command)
    }

    /// Starts `command`, which asks for a death signal by `setpriv`, from a thread that lives as long as this process.
    pub(crate) fn keep_owned(command: Command) -> Result<Self> {
        let handle = keep(command)?.recv().context("the keeper of the process is gone")??;
        Ok(Self { handle, owned: true })
    }

    /// Its number, which cannot come to mean another process before it was waited for.
    pub(crate) fn pid(&self) -> Result<u32> {
        let facts = fs::read_to_string(format!("/proc/self/fdinfo/{}", self.handle.as_raw_fd()))?;
        let line = facts.lines().find_map(|line| line.strip_prefix("Pid:"));
        line.and_then(|pid| pid.trim().parse().ok()).context("the process has ended")
    }

    /// Starts QEMU in the background of the system. It has its sockets when this returns.
    pub(crate) fn start_detached(arguments: &[OsString], dir: &Path) -> Result<Self> {
        let mut command = command::program(QEMU)?;
        command.args(arguments).arg("-daemonize").stdout(Stdio::null()).stderr(error_log(dir)?);
        if !command.status().with_context(|| format!("cannot start {QEMU}"))?.success() {
            bail!("QEMU did not start:\n{}", errors(dir));
        }
        Self::running(dir)
    }

    /// Finds the process of a machine that was started before.
    pub(crate) fn running(dir: &Path) -> Result<Self> {
        let path = dir.join(PID_FILE);
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let pid =
            text.trim().parse().ok().and_then(Pid::from_raw).context("no process id in QEMU's pid file")?;
        let handle = pidfd_open(pid, PidfdFlags::empty()).context("QEMU is not running")?;
        let process = Self { handle, owned: false };
        // A process that nobody has collected yet can be opened all the same.
        ensure!(!process.wait(Duration::ZERO)?, "QEMU has ended");
        Ok(process)
    }

    /// Waits for the end of QEMU; false when it still runs after `timeout`.
    pub(crate) fn wait(&self, timeout: Duration) -> Result<bool> {
        let timeout =
            Timespec { tv_sec: timeout.as_secs().cast_signed(), tv_nsec: timeout.subsec_nanos().into() };
        let mut fds = [PollFd::new(&self.handle, PollFlags::IN)];
        Ok(poll(&mut fds, Some(&timeout))? > 0)
    }

    /// Ends QEMU now. An error means that it is gone already.
    pub(crate) fn kill(&self) {
        let _gone_already = pidfd_send_signal(&self.handle, Signal::KILL);
        let _ended = self.wait(Duration::from_secs(10));
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.owned {
            self.kill();
        }
    }
}

/// What QEMU wrote to standard error.
pub(crate) fn errors(dir: &Path) -> String {
    let mut text = String::new();
    if let Ok(file) = File::open(dir.join(ERRORS)) {
        let _unreadable = file.take(64 * 1024).read_to_string(&mut text);
    }
    text
}

fn program() -> Result<OsString> {
    Ok(command::find(QEMU).with_context(|| format!("{QEMU} is not installed"))?.into_os_string())
}

fn error_log(dir: &Path) -> Result<File> {
    let path = dir.join(ERRORS);
    File::create(&path).with_context(|| format!("cannot create {}", path.display()))
}

/// Starts `command` in a thread that does nothing but wait for its end. The death signal is bound to the thread
/// that started the process (`prctl(2)`), and a test's thread ends long before the tests do.
fn keep(mut command: Command) -> Result<Receiver<Result<OwnedFd>>> {
    let (started, receiver) = mpsc::channel();
    thread::Builder::new().name("qemu-keeper".to_owned()).spawn(move || match command.spawn() {
        Ok(mut child) => {
            let _nobody_waits = started.send(handle_of(&child));
            let _status = child.wait();
        }
        Err(error) => drop(started.send(Err(error).context("cannot start setpriv"))),
    })?;
    Ok(receiver)
}

fn handle_of(child: &Child) -> Result<OwnedFd> {
    pidfd_open(Pid::from_child(child), PidfdFlags::empty()).context("cannot open QEMU's process")
}
