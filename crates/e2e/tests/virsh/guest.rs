//! The domain, what `virsh` says of it, and the tests' own way into it.

use anyhow::{Context, Result, bail, ensure};
use infinictl::client::{Client, Endpoint};
use infiniservice_e2e::binary;
use infiniservice_e2e::libvirt::{BOOT, GUEST_AGENT};
use infiniservice_lab::guest_agent::{self, GuestAgent};
use infiniservice_lab::image::overlay::Entry::{self, File, Link, Program};
use infiniservice_lab::libvirt::{Domain, Wanted};
use infiniservice_lab::{Exec, payload};
use std::fs;
use std::future::Future;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

pub use infiniservice_lab::libvirt::NAME;

/// Said where nobody asked for it.
pub const NEEDS: &str = "these rows define and start a domain of the host's libvirt; set INFINISERVICE_VIRSH to \
                         `all` or `quick`, or run cargo xtask lab libvirt";
/// How long something may take that happens by itself in an emulated machine on a busy host.
pub const PATIENCE: Duration = Duration::from_secs(90);
/// How often is looked for what no event tells.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// A kernel argument: the system's own first program is left out.
const QUICK_INIT: &str = "init=/etc/lab-init";

/// How much of the table runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// All of it, with systemd in the guest.
    All,
    /// What needs no systemd: the guest starts the agent and nothing else.
    Quick,
}

impl Extent {
    /// By the environment.
    pub fn asked() -> Option<Self> {
        match std::env::var("INFINISERVICE_VIRSH").as_deref() {
            Ok("all") => Some(Self::All),
            Ok("quick") => Some(Self::Quick),
            _ => None,
        }
    }
}

/// Laid over the image: this agent on libvirt's port, and `qemu-ga` on another one as the way in.
const OVER: &[Entry] = &[
    File("etc/infiniservice/config.toml", include_str!("system/config.toml")),
    File("etc/fstab", "LABEL=data /data ext4 nofail 0 0\n"),
    File("data/.empty", ""),
    Program("etc/lab-freeze-hook", include_str!("system/freeze-hook.sh")),
    Program("etc/lab-init", include_str!("system/init.sh")),
    Link("etc/systemd/system/qemu-guest-agent.service", "/dev/null"),
    File("etc/systemd/system/lab-way-in.service", include_str!("system/way-in.service")),
    Link(
        "etc/systemd/system/multi-user.target.wants/lab-way-in.service",
        "/etc/systemd/system/lab-way-in.service",
    ),
];

/// The running domain.
pub struct Guest {
    domain: Domain,
    events: Mutex<Events>,
    runtime: Runtime,
}

impl Guest {
    /// Installs, defines, starts, and waits until the agent has libvirt's channel open.
    pub fn boot(extent: Extent) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let packaging = binary::workspace().join("packaging");
        payload::fill(directory.path(), &binary::agent()?, &packaging)?;
        let domain = Domain::start(&Wanted {
            payload: directory.path(),
            vm_id: "virsh-1",
            channel: &fs::read_to_string(packaging.join("libvirt-channel.xml"))?,
            over: OVER,
            kernel_arguments: if extent == Extent::Quick { QUICK_INIT } else { "" },
        })?;
        // One worker, so that the client answers heartbeats while a row waits for virsh.
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let events = Events::of(&domain.dir().join("events.txt"))?;
        let guest = Self { domain, events: Mutex::new(events), runtime };
        guest.connected()?;
        guest.inside("useradd --create-home tester")?;
        Ok(guest)
    }

    /// Waits until libvirt calls the agent connected.
    pub fn connected(&self) -> Result<()> {
        self.domain.await_channel(GUEST_AGENT, "connected", BOOT)
    }

    /// Waits until libvirt calls the agent disconnected.
    pub fn disconnected(&self) -> Result<()> {
        self.domain.await_channel(GUEST_AGENT, "disconnected", PATIENCE)
    }

    /// What virsh says; an error where it fails.
    pub fn virsh(&self, arguments: &[&str]) -> Result<String> {
        self.domain.virsh(arguments)
    }

    /// The same with what it says of its success besides.
    pub fn virsh_talkative(&self, arguments: &[&str]) -> Result<String> {
        self.domain.virsh_talkative(arguments)
    }

    /// What virsh says as it fails; an error where it does not.
    pub fn refused(&self, arguments: &[&str]) -> Result<String> {
        match self.domain.virsh(arguments) {
            Ok(said) => bail!("virsh {arguments:?} succeeded: {said}"),
            Err(error) => Ok(error.to_string()),
        }
    }

    /// Connects as a host of the agent's own protocol.
    pub fn connect(&self) -> Result<Client> {
        let socket = self.domain.agent_socket().to_path_buf();
        Ok(self.wait(Client::connect(Endpoint::Channel(socket)))?)
    }

    /// Runs a future to its end.
    pub fn wait<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    /// A request of the protocol, by virsh.
    pub fn agent_command(&self, request: &str) -> Result<String> {
        self.virsh(&["qemu-agent-command", NAME, request])
    }

    /// A ping by virsh that has its own answer.
    pub fn ping(&self) -> Result<()> {
        let answer = self.agent_command(r#"{"execute":"guest-ping"}"#)?;
        ensure!(answer == r#"{"return":{}}"#, "guest-ping: {answer}");
        Ok(())
    }

    /// Runs a script in the guest, without this agent; it has to succeed.
    pub fn inside(&self, script: &str) -> Result<String> {
        let way_in = Mutex::new(self.way_in()?);
        guest_agent::run(&way_in, &Exec::shell(script))?.expect_success()
    }

    /// Starts a script in the guest, and does not wait for it.
    pub fn begin_inside(&self, script: &str) -> Result<()> {
        self.way_in()?.start(&Exec::shell(script)).map(drop)
    }

    fn way_in(&self) -> Result<GuestAgent> {
        let mut agent = GuestAgent::new(&self.domain.way_in());
        agent.sync(BOOT).context("the tests' way in")?;
        Ok(agent)
    }

    /// What `virsh event` has printed so far.
    pub fn events(&self) -> Result<String> {
        Ok(fs::read_to_string(self.domain.dir().join("events.txt"))?)
    }

    /// Waits until `virsh event` has printed something that was not there at `before`.
    pub fn event(&self, before: &str, words: &str) -> Result<()> {
        let come = || Ok(self.events()?.get(before.len()..).is_some_and(|new| new.contains(words)));
        until(&format!("the event {words}"), come)
    }

    /// What libvirt logged of its agent since `before` bytes; none where the log is the host's own.
    pub fn logged(&self, before: usize) -> Result<Option<String>> {
        let log = self.domain.libvirtd_log()?;
        Ok(log.map(|log| log.get(before..).unwrap_or_default().to_owned()))
    }

    /// How much it has logged.
    pub fn log_length(&self) -> Result<usize> {
        Ok(self.domain.libvirtd_log()?.map_or(0, |log| log.len()))
    }

    /// Ends libvirtd and starts it again; see [`Domain::restart_libvirtd`]. `virsh event` ends with it, and is started again.
    pub fn restart_libvirtd(&self) -> Result<bool> {
        let restarted = self.domain.restart_libvirtd(|| Ok(()))?;
        if restarted {
            let events = Events::of(&self.domain.dir().join("events.txt"))?;
            *self.events.lock().unwrap_or_else(PoisonError::into_inner) = events;
        }
        Ok(restarted)
    }

    /// A file beside the domain's, which libvirt's QEMU may use.
    pub fn file(&self, name: &str) -> PathBuf {
        self.domain.dir().join(name)
    }

    /// For a table in which something differs.
    pub fn agent_log(&self) -> String {
        let script = "journalctl -b -u infiniservice -o cat --no-pager -n 60 || tail -n 60 /run/agent.log";
        let log = self.inside(script).unwrap_or_else(|error| format!("{error:#}"));
        format!("{log}\n--- the console:\n{}", self.domain.console())
    }
}

/// Waits until something is so.
pub fn until(what: &str, is_so: impl Fn() -> Result<bool>) -> Result<()> {
    let start = Instant::now();
    while !is_so()? {
        ensure!(start.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        thread::sleep(LOOK_AGAIN);
    }
    Ok(())
}

/// `virsh event`, which prints what happens until it is ended.
struct Events(Child);

impl Events {
    fn of(file: &std::path::Path) -> Result<Self> {
        let mut command = Command::new("stdbuf");
        command.args(["-oL", "virsh", "--connect", "qemu:///system", "event", NAME, "--all", "--loop"]);
        let output = fs::File::options().create(true).append(true).open(file)?;
        command.stdin(Stdio::null()).stdout(output).stderr(Stdio::null());
        Ok(Self(command.spawn().context("virsh event does not start")?))
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        let _ended_already = self.0.kill();
        let _reaped = self.0.wait();
    }
}
