//! The programs that are measured, each on the guest's end of a pty, and the load that they are measured under.

use anyhow::{Context, Result, ensure};
use infinictl::client::pty::{self, PtyPair};
use infiniservice_lab::packages::{self, Need};
use infiniservice_protocol::sealed::KeyPair;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::peer::Peer;

/// Where Debian has it.
pub const QEMU_GA: &str = "/usr/sbin/qemu-ga";

/// What the agent's `load` and `measure` are in.
pub struct Programs {
    /// The agent.
    pub agent: PathBuf,
    /// Load and collections.
    pub collector_bench: PathBuf,
}

/// A program that runs as long as this value lives.
pub struct Running {
    child: Child,
    _held: Option<PtyPairHalf>,
    _files: Option<tempfile::TempDir>,
}

/// Settings with which the agent serves the QEMU guest agent's port only, and does not look for its own again.
pub const AS_GUEST_AGENT: &str = "qga = \"true\"\ndevice_path = \"/dev/no-such-port\"\nmin_backoff_secs = 3600\nmax_backoff_secs = 86400\n";

/// Keeps the guest's end in raw mode.
type PtyPairHalf = std::os::fd::OwnedFd;

impl Running {
    /// A program that holds no terminal.
    pub fn new(child: Child) -> Self {
        Self { child, _held: None, _files: None }
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The load takes its children back when its standard input ends; the others hold nothing.
        if self.child.stdin.take().is_none() {
            let _gone_already = self.child.kill();
        }
        let _ended = self.child.wait();
    }
}

impl Programs {
    /// The agent with its defaults, and its host.
    pub fn start_agent(&self) -> Result<(Running, Peer)> {
        self.start_agent_with("")
    }

    /// The agent with this configuration, and its host.
    pub fn start_agent_with(&self, text: &str) -> Result<(Running, Peer)> {
        let files = tempfile::tempdir()?;
        let config = files.path().join("config.toml");
        std::fs::write(&config, text)?;
        let mut command = Command::new(&self.agent);
        command.args(["--console", "--config"]).arg(config).arg("--device");
        let log = File::create(files.path().join("log"))?;
        on_pty(command, log.into(), Some(files))
    }

    /// The agent that heeds this controller's key only, and has this key itself.
    pub fn start_sealed_agent(&self, controller: &KeyPair, own: &KeyPair) -> Result<(Running, Peer)> {
        let files = tempfile::tempdir()?;
        let at = |name: &str| files.path().join(name);
        std::fs::write(at("controllers"), format!("ops {}\n", controller.public()))?;
        std::fs::write(at("key"), &*own.secret_text())?;
        std::fs::set_permissions(at("key"), PermissionsExt::from_mode(0o600))?;
        let (known, key) = (at("controllers").display().to_string(), at("key").display().to_string());
        let config = format!("controller_keys = {known:?}\nsealed_key_file = {key:?}\n");
        std::fs::write(at("config.toml"), config)?;
        let mut command = Command::new(&self.agent);
        command.args(["--console", "--config"]).arg(at("config.toml")).arg("--device");
        let log = File::create(at("log"))?;
        on_pty(command, log.into(), Some(files))
    }

    /// The agent as a QEMU guest agent and nothing else, as its own link has no port, and the host of that. It runs under
    /// `wrapper`, a command that runs the rest of its arguments in its own process, or none.
    pub fn start_guest_agent(&self, wrapper: &[&str]) -> Result<(Running, Peer)> {
        let files = tempfile::tempdir()?;
        let config = files.path().join("config.toml");
        std::fs::write(&config, AS_GUEST_AGENT)?;
        let mut command = wrapped(wrapper, &self.agent);
        command.args(["--console", "--config"]).arg(config).arg("--qga-port");
        let log = File::create(files.path().join("log"))?;
        on_pty(command, log.into(), Some(files))
    }

    /// Sleeping processes, so many that the machine has `processes` in all, and TCP sockets.
    pub fn load(&self, processes: usize, sockets: usize) -> Result<Running> {
        let missing = processes.saturating_sub(running_processes()?);
        let mut command = Command::new(&self.collector_bench);
        command.args(["load", &missing.to_string(), &sockets.to_string()]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("stdout is piped")?).read_line(&mut line)?;
        ensure!(line.trim() == "ready", "the load did not start");
        Ok(Running::new(child))
    }

    /// One line of JSON of `collector_bench measure`.
    pub fn measure(&self, rounds: usize, settle_secs: u64) -> Result<serde_json::Value> {
        let arguments = ["measure", &rounds.to_string(), &settle_secs.to_string()];
        let output = Command::new(&self.collector_bench).args(arguments).output()?;
        ensure!(output.status.success(), "collector_bench: {}", String::from_utf8_lossy(&output.stderr));
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// Size of the agent's binary in bytes.
    pub fn agent_bytes(&self) -> Result<u64> {
        Ok(std::fs::metadata(&self.agent)?.len())
    }
}

fn wrapped(wrapper: &[&str], program: &Path) -> Command {
    let Some((first, arguments)) = wrapper.split_first() else { return Command::new(program) };
    let mut command = Command::new(first);
    command.args(arguments).arg(program);
    command
}

/// The QEMU guest agent, and its host; `wrapper` as for [`Programs::start_guest_agent`].
pub fn start_qemu_ga(wrapper: &[&str]) -> Result<(Running, Peer)> {
    packages::ensure(&[Need { package: "qemu-guest-agent", probe: QEMU_GA }])?;
    let files = tempfile::tempdir()?;
    let mut command = wrapped(wrapper, Path::new(QEMU_GA));
    command.args(["--method", "isa-serial", "--statedir"]).arg(files.path());
    command.arg("--pidfile").arg(files.path().join("pid")).arg("--path");
    on_pty(command, Stdio::null(), Some(files))
}

/// Starts `command` with the terminal's path as its last argument.
fn on_pty(mut command: Command, errors: Stdio, files: Option<tempfile::TempDir>) -> Result<(Running, Peer)> {
    let PtyPair { master, slave, path } = pty::open()?;
    command.arg(Path::new(&path)).env_clear().env("LC_ALL", "C.UTF-8");
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(errors).spawn();
    let child = child.with_context(|| format!("{} does not start", command.get_program().display()))?;
    Ok((Running { child, _held: Some(slave), _files: files }, Peer::new(master)))
}

/// Processes of this machine now.
pub fn running_processes() -> Result<usize> {
    let names = std::fs::read_dir("/proc")?.flatten().map(|entry| entry.file_name());
    Ok(names.filter(|name| name.as_encoded_bytes().first().is_some_and(u8::is_ascii_digit)).count())
}
