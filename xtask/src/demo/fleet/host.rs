//! The host: its daemon, simulated guests, two real ones, and all their sockets in a temporary directory.

use super::super::{Sleeper, boot};
use crate::steps::{built, cargo, root, run};
use anyhow::{Context as _, Result, bail};
use infiniservice_lab::command::output_of;
use infiniservice_lab::{LocalGuest, Machine};
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Simulated guests.
pub(super) const SIMULATED: usize = 50;
/// Real ones.
pub(super) const REAL: [&str; 2] = ["real-1", "real-2"];
/// How long all of them may take to come, on a busy computer.
const ALL_UP_WITHIN: Duration = Duration::from_mins(1);
/// How often is looked whether they have.
const LOOK_AGAIN: Duration = Duration::from_millis(200);
/// Of the real agents: as often as the page is worth looking at.
const AGENT: &str = "collection_interval_secs = 5\n";

/// Everything that runs; it ends with this value, the hub first.
pub(super) struct Host {
    port: u16,
    _hub: Sleeper,
    _simulated: Sleeper,
    _agents: Vec<LocalGuest>,
    machines: Vec<Machine>,
    directory: TempDir,
}

impl Host {
    /// Builds, and starts all of it.
    pub(super) fn start(in_machines: bool) -> Result<Self> {
        build(in_machines)?;
        let directory = tempfile::Builder::new().prefix("infinihub-demo-").tempdir()?;
        let guests = directory.path().join("guests");
        fs::create_dir(&guests)?;
        let machines = if in_machines { machines(&guests)? } else { Vec::new() };
        let agents = if in_machines { Vec::new() } else { agents(&guests)? };
        let mut simulator = program("hub-sim");
        simulator.arg(&guests).args(["--count", &SIMULATED.to_string(), "--interval", "2", "--varied"]);
        let simulated = start(simulator.stdout(Stdio::null()))?;
        let (hub, port) = hub(directory.path(), "")?;
        Ok(Self { port, _hub: hub, _simulated: simulated, _agents: agents, machines, directory })
    }

    /// Waits for the last one.
    pub(super) fn wait_until_all_are_up(&self) -> Result<()> {
        let all = SIMULATED + REAL.len();
        let is_so = || are_up(&mut self.infinictl(&["list", "--names", "state=up,load1>=0"]), all);
        if in_time(ALL_UP_WITHIN, is_so) {
            return Ok(());
        }
        let log = fs::read_to_string(self.directory().join("hub.log")).unwrap_or_default();
        bail!("not all machines have come within {} s; the hub says:\n{log}", ALL_UP_WITHIN.as_secs())
    }

    /// infinictl with this hub.
    pub(super) fn infinictl(&self, arguments: &[&str]) -> Command {
        let mut command = program("infinictl");
        command.env("INFINICTL_HUB", self.directory()).args(arguments);
        command
    }

    /// The number of the event before the last ones.
    pub(super) fn last_events(&self, count: usize) -> Result<String> {
        let events = output_of(&mut self.infinictl(&["--json", "events"]))?;
        Ok(events.lines().count().saturating_sub(count).to_string())
    }

    pub(super) fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub(super) fn has_machines(&self) -> bool {
        !self.machines.is_empty()
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What the hub answers at this address, as a browser would ask.
    pub(super) fn get(&self, path: &str) -> Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").context("the hub's answer is cut off")?;
        if !head.starts_with("HTTP/1.1 200") {
            bail!("{path}: {}", head.lines().next().unwrap_or_default());
        }
        Ok(body.to_owned())
    }
}

fn build(in_machines: bool) -> Result<()> {
    eprintln!("building the hub, the simulator, the agent and infinictl");
    let packages = ["infinihub", "infiniservice-hub-sim", "infiniservice", "infinictl"];
    let packages: Vec<_> = packages.iter().flat_map(|name| ["-p", name]).collect();
    run(cargo(&[&["build", "--quiet"], &packages[..]].concat()).stdout(Stdio::null()))?;
    if in_machines {
        run(cargo(&["build", "--quiet", "--release", "-p", "infiniservice"]).stdout(Stdio::null()))?;
    }
    Ok(())
}

/// Looks again and again whether something is so, for so long.
pub(super) fn in_time(patience: Duration, mut is_so: impl FnMut() -> bool) -> bool {
    let begin = Instant::now();
    while begin.elapsed() < patience {
        if is_so() {
            return true;
        }
        std::thread::sleep(LOOK_AGAIN);
    }
    false
}

/// Whether this lists the names of so many machines. Until the hub listens there is no answer.
pub(super) fn are_up(list: &mut Command, count: usize) -> bool {
    output_of(list).is_ok_and(|names| names.lines().filter(|name| !name.is_empty()).count() == count)
}

pub(super) fn program(name: &str) -> Command {
    let mut command = Command::new(built("debug").join(name));
    command.current_dir(root());
    command
}

pub(super) fn start(command: &mut Command) -> Result<Sleeper> {
    let child = command.stdin(Stdio::null()).spawn();
    child.map(Sleeper).with_context(|| format!("{} does not start", command.get_program().display()))
}

fn agents(guests: &Path) -> Result<Vec<LocalGuest>> {
    REAL.into_iter().map(|name| agent(guests, name)).collect()
}

/// A real agent of this name.
pub(super) fn agent(guests: &Path, name: &str) -> Result<LocalGuest> {
    LocalGuest::start(&built("debug/infiniservice"), AGENT, &guests.join(name).with_extension("sock"))
}

/// Their sockets are elsewhere; the hub follows links.
fn machines(guests: &Path) -> Result<Vec<Machine>> {
    let start = |name| {
        let machine = boot(name)?;
        symlink(machine.agent_socket(), guests.join(name).with_extension("sock"))?;
        Ok(machine)
    };
    REAL.into_iter().map(start).collect()
}

/// The hub of the guests below a directory, with more settings, and the port of its page.
pub(super) fn hub(directory: &Path, more: &str) -> Result<(Sleeper, u16)> {
    // Free at this moment.
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let at = directory.display();
    let settings = format!(
        "sources = [\"{at}/guests/{{vm}}.sock\"]\napi_socket = \"{at}/api.sock\"\nwire_socket = \"{at}/wire.sock\"\n\
         secrets_dir = \"{at}/secrets\"\nstate_dir = \"{at}/state\"\nlisten = \"127.0.0.1:{port}\"\n{more}"
    );
    let path = directory.join("config.toml");
    fs::write(&path, settings)?;
    let log = File::create(directory.join("hub.log"))?;
    Ok((start(program("infinihub").arg("--config").arg(&path).stderr(log))?, port))
}
