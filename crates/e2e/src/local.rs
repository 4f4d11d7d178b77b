//! An agent of this machine on a pseudo-terminal, and its figures.

use anyhow::{Context, Result, bail, ensure};
use infinictl::client::{Client, pty};
use std::fs;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A running agent; it ends with this value.
pub struct LocalAgent {
    child: Child,
    _slave: OwnedFd,
    files: TempDir,
}

/// What a process holds at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Resident set, kB.
    pub rss_kb: u64,
    /// Threads.
    pub threads: u64,
    /// Open descriptors.
    pub descriptors: u64,
}

impl LocalAgent {
    /// Starts `agent` with this configuration under `wrapper`, a command that runs the rest of its arguments in its own
    /// process (such as `prlimit --nofile=64`), or none. Gives the host's end too.
    pub fn start(agent: &Path, config: &str, wrapper: &[&str]) -> Result<(Self, OwnedFd)> {
        let pair = pty::open()?;
        let files = tempfile::tempdir()?;
        let settings = files.path().join("config.toml");
        fs::write(&settings, config)?;
        let mut command = match wrapper {
            [] => Command::new(agent),
            [program, arguments @ ..] => {
                let mut command = Command::new(program);
                command.args(arguments).arg(agent);
                command
            }
        };
        command.args(["--console", "--config"]).arg(&settings).arg("--device").arg(&pair.path);
        command.env_clear().env("LC_ALL", "C.UTF-8").env("PATH", "/usr/bin:/bin");
        let log = fs::File::create(files.path().join("log"))?;
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let child = command.spawn().with_context(|| format!("{} does not start", agent.display()))?;
        Ok((Self { child, _slave: pair.slave, files }, pair.master))
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its configuration.
    pub fn config(&self) -> PathBuf {
        self.files.path().join("config.toml")
    }

    /// Waits for its end, which was asked for.
    pub fn until_ended(&mut self) -> Result<()> {
        self.child.wait().map(drop).context("the agent cannot be waited for")
    }

    /// Its log so far.
    pub fn log(&self) -> Result<String> {
        Ok(fs::read_to_string(self.files.path().join("log"))?)
    }

    /// What it holds; an error when it has ended.
    pub fn held(&mut self) -> Result<Held> {
        if let Some(status) = self.child.try_wait()? {
            bail!("the agent ended: {status}\n{}", self.log()?);
        }
        let directory = format!("/proc/{}", self.pid());
        let status = fs::read_to_string(format!("{directory}/status"))?;
        let figure = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).context("a figure of status")
        };
        let descriptors = fs::read_dir(format!("{directory}/fd"))?.count() as u64;
        Ok(Held { rss_kb: figure("VmRSS:")?, threads: figure("Threads:")?, descriptors })
    }
}

impl Drop for LocalAgent {
    fn drop(&mut self) {
        let _gone_already = self.child.kill();
        let _ended = self.child.wait();
    }
}

/// Sends the agent that `client` started a signal, by its name without `SIG`.
pub fn signal(client: &Client, name: &str) -> Result<()> {
    let pid = client.agent_pid().context("a pid")?.to_string();
    let status = Command::new("kill").args(["-s", name, &pid]).status()?;
    ensure!(status.success(), "kill -s {name} {pid}: {status}");
    Ok(())
}
