//! A machine of the host's libvirt: the lab's image as a domain of type `qemu`, with the agent installed into it offline.

mod daemon;
mod disk;
mod xml;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::console;
use crate::dirs;
use crate::exec::{Exec, ExecOutput};
use crate::image::{Image, overlay::Entry, recipe::Recipe};
use crate::packages;

use daemon::Daemons;
pub use xml::WAY_IN;

/// The domain's name. There is one at a time: a lock keeps a second run waiting, and what an interrupted run left is removed.
pub const NAME: &str = "infiniservice-lab";
/// Where libvirt expects disks: its QEMU, which is no root, can reach it, and security modules' policies know it.
const IMAGES: &str = "/var/lib/libvirt/images";
/// Console lines shown with an error.
const SHOWN_LINES: usize = 30;
/// How often libvirt is asked for what it tells by no event.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// What a domain is made of.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The agent and its installer.
    pub payload: &'a Path,
    /// The machine's name for the agent.
    pub vm_id: &'a str,
    /// XML of the channel for the agent's own protocol.
    pub channel: &'a str,
    /// Laid over the system once the agent is installed.
    pub over: &'a [Entry],
    /// More words of the kernel's command line.
    pub kernel_arguments: &'a str,
}

/// Why there can be no domain here; `None`: there can.
pub fn obstacle() -> Option<&'static str> {
    let is_root = rustix::process::geteuid().is_root();
    (!is_root).then_some("only root may define domains of the system's libvirt")
}

/// A running domain; it ends, and its files go, with this value.
#[derive(Debug)]
pub struct Domain {
    dir: PathBuf,
    socket: PathBuf,
    daemons: Mutex<Daemons>,
    _lock: File,
}

impl Domain {
    /// Installs the agent into a copy of the image, defines a domain of it, and starts that.
    ///
    /// # Errors
    /// Not root, libvirt does not come up, or refuses the domain: with its own words.
    pub fn start(wanted: &Wanted<'_>) -> Result<Self> {
        if let Some(obstacle) = obstacle() {
            bail!(obstacle);
        }
        packages::ensure(packages::LAB)?;
        packages::ensure(packages::LIBVIRT)?;
        let lab = dirs::lab_dir()?;
        let lock = dirs::lock(&lab, "libvirt.lock")?;
        let dir = Path::new(IMAGES).join(NAME);
        let (channel, socket) = xml::own_channel(wanted.channel, NAME)?;
        let daemons = Daemons::ensure(lab.join("libvirtd.log"))?.into();
        let domain = Self { dir, socket, daemons, _lock: lock };
        domain.remove();
        domain.set_up(wanted, &channel)?;
        domain.virsh(&["start", NAME])?;
        Ok(domain)
    }

    fn set_up(&self, wanted: &Wanted<'_>, channel: &str) -> Result<()> {
        fs::create_dir_all(&self.dir).with_context(|| format!("cannot create {}", self.dir.display()))?;
        let image = Image::ensure(&Recipe::debian()?)?;
        disk::copy(&image, &self.dir)?;
        disk::install(&self.dir, wanted.payload, wanted.vm_id, wanted.over)?;
        let definition = self.dir.join("domain.xml");
        fs::write(&definition, xml::domain(NAME, &self.dir, channel, wanted.kernel_arguments))?;
        self.virsh(&["define", &definition.to_string_lossy()]).map(drop)
    }

    /// The host's end of the agent's channel.
    pub fn agent_socket(&self) -> &Path {
        &self.socket
    }

    /// The host's end of the port that `qemu-ga` may serve for the tests: [`WAY_IN`].
    pub fn way_in(&self) -> PathBuf {
        xml::way_in(NAME)
    }

    /// Where the domain's files are; what is put there goes with it.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What libvirtd said to guest agents and heard of them; none where it was not started here.
    pub fn libvirtd_log(&self) -> Result<Option<String>> {
        self.daemons().log()
    }

    fn daemons(&self) -> MutexGuard<'_, Daemons> {
        self.daemons.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs virsh and returns what it said.
    pub fn virsh(&self, arguments: &[&str]) -> Result<String> {
        daemon::virsh(arguments)
    }

    /// The same with what it says of its success besides its answer: `Froze 2 filesystem(s)`.
    pub fn virsh_talkative(&self, arguments: &[&str]) -> Result<String> {
        daemon::talkative(arguments)
    }

    /// What libvirt knows of a channel: `connected` where the guest has it open; `None` where there is no such channel.
    pub fn channel_state(&self, channel: &str) -> Result<Option<String>> {
        Ok(xml::channel_state(&self.virsh(&["dumpxml", NAME])?, channel))
    }

    /// Waits until libvirt calls a channel `state`.
    pub fn await_channel(&self, channel: &str, state: &str, limit: Duration) -> Result<()> {
        let start = Instant::now();
        while self.channel_state(channel)?.as_deref() != Some(state) {
            if start.elapsed() > limit {
                bail!("{channel} is not {state} after {limit:?}; the console:\n{}", self.console());
            }
            thread::sleep(LOOK_AGAIN);
        }
        Ok(())
    }

    /// Runs a program in the guest by libvirt's own way to qemu-ga.
    pub fn run(&self, exec: &Exec) -> Result<ExecOutput> {
        let started = self.guest_agent("guest-exec", &exec.arguments())?;
        let start = Instant::now();
        while start.elapsed() < exec.limit() + Duration::from_mins(1) {
            let status = self.guest_agent("guest-exec-status", &json!({"pid": started["pid"]}))?;
            if let Some(output) = ExecOutput::from_status(&status)? {
                return Ok(output);
            }
            thread::sleep(LOOK_AGAIN);
        }
        bail!("{exec} has not ended in the guest although its time is long over")
    }

    fn guest_agent(&self, command: &str, arguments: &Value) -> Result<Value> {
        let request = json!({"execute": command, "arguments": arguments}).to_string();
        let answer: Value = serde_json::from_str(&self.virsh(&["qemu-agent-command", NAME, &request])?)?;
        Ok(answer["return"].clone())
    }

    /// Ends libvirtd and starts it again, with the domain running on. False where it is not ours to restart: another
    /// service manager has it.
    pub fn restart_libvirtd(&self, meanwhile: impl FnOnce() -> Result<()>) -> Result<bool> {
        self.daemons().restart(meanwhile)
    }

    /// The last lines of the guest's console.
    pub fn console(&self) -> String {
        console::tail(&self.dir.join(xml::CONSOLE), SHOWN_LINES)
    }

    /// Removes the domain and its files, whatever of them there is.
    fn remove(&self) {
        let _not_running = self.virsh(&["destroy", NAME]);
        let _not_defined = self.virsh(&["undefine", NAME, "--managed-save"]);
        disk::unmount(&self.dir);
        let _not_there = fs::remove_dir_all(&self.dir);
    }
}

impl Drop for Domain {
    fn drop(&mut self) {
        self.remove();
    }
}
