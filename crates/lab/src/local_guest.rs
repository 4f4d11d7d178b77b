//! An agent of this machine behind a Unix socket, as QEMU offers a guest's port: a pseudo-terminal and a relay.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use tempfile::TempDir;

use crate::relay::Relay;

/// A running agent; it ends with this value.
#[derive(Debug)]
pub struct LocalGuest {
    child: Child,
    _relay: Relay,
    _files: TempDir,
}

impl LocalGuest {
    /// Starts `agent` with this configuration (TOML), and listens at `socket` for hosts.
    pub fn start(agent: &Path, config: &str, socket: &Path) -> Result<Self> {
        let files = tempfile::tempdir()?;
        let settings = files.path().join("config.toml");
        fs::write(&settings, config)?;
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let host = openpt(flags)?;
        unlockpt(&host)?;
        let guest = ioctl_tiocgptpeer(&host, flags)?;
        let mut modes = tcgetattr(&guest)?;
        modes.make_raw();
        tcsetattr(&guest, OptionalActions::Now, &modes)?;
        let device = ptsname(&host, Vec::new())?.into_string()?;
        let relay = Relay::start(host, guest, socket)?;
        let mut command = Command::new(agent);
        command.args(["--console", "--device", &device, "--config"]).arg(&settings);
        command.env_clear().env("LC_ALL", "C.UTF-8").env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        let log = File::create(files.path().join("log"))?;
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let child = command.spawn().with_context(|| format!("{} does not start", agent.display()))?;
        Ok(Self { child, _relay: relay, _files: files })
    }
}

impl Drop for LocalGuest {
    fn drop(&mut self) {
        let _gone_or_not = self.child.kill();
        let _ended = self.child.wait();
    }
}
