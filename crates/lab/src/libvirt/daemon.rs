//! libvirt's daemons: those that run, or ones started for the time of a test where no service manager has them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::command;

/// The system's libvirt, whatever the caller's environment says.
const URI: &str = "qemu:///system";
/// What libvirtd logs of guest agents where it is started here: each request and each answer.
const LOGGED: &str = "1:qemu.qemu_agent";
/// How long libvirtd may take until it answers.
const START_LIMIT: Duration = Duration::from_secs(60);

/// Runs virsh against the system's libvirt, and returns what it said without blanks at its ends.
pub(super) fn virsh(arguments: &[&str]) -> Result<String> {
    talkative(&[&["--quiet"], arguments].concat())
}

/// The same with what it says of its success besides.
pub(super) fn talkative(arguments: &[&str]) -> Result<String> {
    let said = command::run("virsh", [&["--connect", URI], arguments].concat())?;
    Ok(said.trim().to_owned())
}

/// virtlogd and libvirtd, where they were started here.
#[derive(Debug)]
pub(super) struct Daemons {
    log: PathBuf,
    virtlogd: Option<Daemon>,
    libvirtd: Option<Daemon>,
}

impl Daemons {
    /// Takes those that run; else starts both, and has libvirtd write to `log` what it says to guest agents.
    pub(super) fn ensure(log: PathBuf) -> Result<Self> {
        if virsh(&["version"]).is_ok() {
            return Ok(Self { log, virtlogd: None, libvirtd: None });
        }
        let _old = fs::remove_file(&log);
        let virtlogd = Some(Daemon::start("virtlogd", &[])?);
        let libvirtd = Some(start_libvirtd(&log)?);
        Ok(Self { log, virtlogd, libvirtd })
    }

    /// What libvirtd logged so far; none where it was not started here.
    pub(super) fn log(&self) -> Result<Option<String>> {
        let ours = self.libvirtd.is_some().then(|| fs::read_to_string(&self.log));
        Ok(ours.transpose()?)
    }

    /// Ends libvirtd, does something, and starts it again. False, with nothing done, where it was not started here.
    pub(super) fn restart(&mut self, meanwhile: impl FnOnce() -> Result<()>) -> Result<bool> {
        let Some(running) = self.libvirtd.take() else { return Ok(false) };
        drop(running);
        let done = meanwhile();
        self.libvirtd = Some(start_libvirtd(&self.log)?);
        done.map(|()| true)
    }
}

impl Drop for Daemons {
    fn drop(&mut self) {
        // In this order: libvirtd is virtlogd's client.
        self.libvirtd = None;
        self.virtlogd = None;
    }
}

fn start_libvirtd(log: &Path) -> Result<Daemon> {
    let outputs = format!("1:file:{}", log.display());
    let settings = [("LIBVIRT_LOG_FILTERS", LOGGED), ("LIBVIRT_LOG_OUTPUTS", &outputs)];
    let mut daemon = Daemon::start("libvirtd", &settings)?;
    let start = Instant::now();
    while virsh(&["version"]).is_err() {
        if let Some(status) = daemon.0.try_wait()? {
            bail!("libvirtd ended at once with {status}");
        }
        if start.elapsed() > START_LIMIT {
            bail!("libvirtd does not answer within {START_LIMIT:?}");
        }
        thread::sleep(Duration::from_millis(100));
    }
    Ok(daemon)
}

/// A daemon in the foreground, ended in order with this value. Machines that libvirtd started outlive it.
#[derive(Debug)]
struct Daemon(Child);

impl Daemon {
    fn start(name: &str, settings: &[(&str, &str)]) -> Result<Self> {
        let path = command::find(name).with_context(|| format!("{name} is not installed"))?;
        let mut command = Command::new(path);
        command.envs(settings.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Self(command.spawn().with_context(|| format!("cannot start {name}"))?))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let pid = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw);
        let _gone_already = pid.map(|pid| kill_process(pid, Signal::TERM));
        let _reaped = self.0.wait();
    }
}
