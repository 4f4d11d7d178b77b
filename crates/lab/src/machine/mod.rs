//! A machine: QEMU around an image, with the host's ends of its ports.

pub mod migration;
pub mod options;
pub(crate) mod process;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::console;
use crate::dirs;
use crate::exec::{Exec, ExecOutput};
use crate::guest_agent::{self, GuestAgent};
use crate::image::Image;
use crate::image::recipe::Recipe;
use crate::packages;
use crate::payload;
use crate::qmp::Qmp;
use options::BootOptions;
use process::Process;

/// Longest path of a Unix socket (`sun_path` of `unix(7)`, less its final zero).
const MAX_SOCKET_PATH: usize = 107;
/// Console lines shown with an error.
const SHOWN_LINES: usize = 30;
/// How long QEMU may take to come up or go away, and a device to be unplugged.
const QEMU_TIMEOUT: Duration = Duration::from_secs(30);

/// A booted machine. One that was made by [`Self::boot`] ends with its owner; one made by [`Self::boot_detached`]
/// or found by [`Self::attach`] goes on.
#[derive(Debug)]
pub struct Machine {
    process: Mutex<Process>,
    monitor: Mutex<Qmp>,
    guest: Mutex<GuestAgent>,
    dir: PathBuf,
    boot_timeout: Duration,
    /// What it was booted with and from, for another QEMU like it; unknown of one that was found running.
    origin: Option<(BootOptions, Image)>,
    _temporary: Option<TempDir>,
}

impl Machine {
    /// Boots a Debian machine for the life of this value, and waits until its services are up.
    pub fn boot(options: &BootOptions) -> Result<Self> {
        let image = prepare()?;
        let temporary = tempfile::Builder::new().prefix("infiniservice-lab-").tempdir()?;
        let dir = temporary.path().to_path_buf();
        let arguments = set_up(options, &image, &dir)?;
        let process = Process::start_owned(&arguments, &dir)?;
        let mut machine = Self::connect(process, dir, options.boot_timeout, Some(temporary))?;
        machine.origin = Some((options.clone(), image));
        machine.wait_booted()?;
        Ok(machine)
    }

    /// Boots a Debian machine that outlives this process, with its sockets in `dir`.
    pub fn boot_detached(options: &BootOptions, dir: &Path) -> Result<Self> {
        let image = prepare()?;
        fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
        let arguments = set_up(options, &image, dir)?;
        let process = Process::start_detached(&arguments, dir)?;
        let machine = Self::connect(process, dir.to_path_buf(), options.boot_timeout, None)?;
        machine.wait_booted()?;
        Ok(machine)
    }

    /// Finds the machine that was left running in `dir`; `None` where none runs.
    pub fn attach(dir: &Path) -> Result<Option<Self>> {
        let Ok(process) = Process::running(dir) else { return Ok(None) };
        let timeout = BootOptions::default().boot_timeout;
        match Self::connect(process, dir.to_path_buf(), timeout, None) {
            Ok(machine) => Ok(Some(machine)),
            // The pid file is that of a machine long gone, and its number belongs to something else now.
            Err(_) if !dir.join(options::MONITOR_SOCKET).exists() => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn connect(
        process: Process,
        dir: PathBuf,
        boot_timeout: Duration,
        temporary: Option<TempDir>,
    ) -> Result<Self> {
        let monitor = connect_monitor(&process, &dir)?;
        let guest = GuestAgent::new(&dir.join(options::GUEST_AGENT_SOCKET));
        Ok(Self {
            process: Mutex::new(process),
            monitor: Mutex::new(monitor),
            guest: Mutex::new(guest),
            dir,
            boot_timeout,
            origin: None,
            _temporary: temporary,
        })
    }

    /// The host's end of the agent's port.
    pub fn agent_socket(&self) -> PathBuf {
        self.dir.join(options::AGENT_SOCKET)
    }

    /// The host's end of the guest agent's port, which the lab itself is connected to: QEMU serves one at a time.
    pub fn guest_agent_socket(&self) -> PathBuf {
        self.dir.join(options::GUEST_AGENT_SOCKET)
    }

    /// The serial console, for [`console::attach`].
    pub fn console_socket(&self) -> PathBuf {
        self.dir.join(options::CONSOLE_SOCKET)
    }

    /// The directory with the machine's sockets and logs.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Waits until systemd in the guest has finished starting and the network is configured, after a boot or a reset.
    pub fn wait_booted(&self) -> Result<()> {
        self.guest_agent()
            .sync(self.boot_timeout)
            .with_context(|| self.failure("the guest did not come up"))?;
        let settled = Exec::shell("systemctl is-system-running --wait; true").timeout(self.boot_timeout);
        let state = guest_agent::run(&self.guest, &settled)
            .with_context(|| self.failure("the guest's services did not come up"))?;
        match state.stdout.trim() {
            "running" | "degraded" => self.wait_online(),
            other => {
                bail!(self.failure(&format!("the guest's system is `{other}` ({})", state.stderr.trim())))
            }
        }
    }

    /// The address comes by DHCP, and nothing of the system's start waits for it.
    fn wait_online(&self) -> Result<()> {
        let wait = Exec::argv(&["/lib/systemd/systemd-networkd-wait-online", "--ipv4", "--timeout=120"]);
        let waited = guest_agent::run(&self.guest, &wait).and_then(ExecOutput::expect_success);
        waited.map(drop).with_context(|| self.failure("the guest got no address"))
    }

    /// Runs a program in the guest to its end. Several may be under way at a time.
    pub fn run(&self, exec: &Exec) -> Result<ExecOutput> {
        guest_agent::run(&self.guest, exec).with_context(|| self.failure(&format!("cannot run {exec}")))
    }

    /// Runs a program by its argument vector.
    pub fn exec<S: AsRef<str>>(&self, argv: &[S]) -> Result<ExecOutput> {
        self.run(&Exec::argv(argv))
    }

    /// Runs a script of `/bin/sh`.
    pub fn shell(&self, script: &str) -> Result<ExecOutput> {
        self.run(&Exec::shell(script))
    }

    /// Writes a file in the guest, replacing what was there.
    pub fn write_file(&self, path: &str, contents: &[u8]) -> Result<()> {
        self.guest_agent().write_file(path, contents)
    }

    /// The guest agent's client, for single requests such as `guest-ping`.
    pub fn guest_agent(&self) -> MutexGuard<'_, GuestAgent> {
        guest_agent::locked(&self.guest)
    }

    /// Runs a command of QEMU's monitor.
    pub fn qmp(&self, command: &str, arguments: &Value) -> Result<Value> {
        self.monitor().execute(command, arguments).with_context(|| self.failure("QEMU's monitor"))
    }

    /// Pulls the agent's port out of the guest, as a host does that reconfigures the machine.
    pub fn unplug_agent_port(&self) -> Result<()> {
        let mut monitor = self.monitor();
        monitor.execute("device_del", &json!({"id": options::AGENT_DEVICE}))?;
        let ours = |data: &Value| data["device"] == options::AGENT_DEVICE;
        monitor.wait_event("DEVICE_DELETED", ours, QEMU_TIMEOUT).map(drop)
    }

    /// Puts the agent's port back, under this name. The guest may give it another number.
    pub fn plug_agent_port(&self, name: &str) -> Result<()> {
        self.qmp("device_add", &options::agent_device(name)).map(drop)
    }

    /// Pushes the reset button: the guest starts afresh without having stopped anything. Its changed files stay.
    pub fn reset(&self) -> Result<()> {
        self.monitor().forget_events()?;
        self.qmp("system_reset", &json!({}))?;
        self.wait_rebooted()
    }

    /// Has the guest shut down in order and start again.
    pub fn reboot(&self) -> Result<()> {
        self.rebooted_by(|| {
            // Its answer may go down with the system, and whoever asks the next one for it is told that there is no such program.
            let _heeded_or_no_boot_comes = self.shell("systemctl --no-block reboot");
            Ok(())
        })
    }

    /// The same, where `begin` has it do so.
    pub fn rebooted_by(&self, begin: impl FnOnce() -> Result<()>) -> Result<()> {
        self.monitor().forget_events()?;
        begin()?;
        self.wait_rebooted()
    }

    fn wait_rebooted(&self) -> Result<()> {
        let any = |_: &Value| true;
        self.monitor()
            .wait_event("RESET", any, self.boot_timeout)
            .with_context(|| self.failure("no reboot"))?;
        self.wait_booted()
    }

    /// Stops the machine at once; what it wrote to its disk is gone.
    pub fn stop(self) {
        locked(&self.process).kill();
        // Nobody shall take the number in it for that of a machine. QEMU removes it itself when it ends in order.
        let _gone_already = fs::remove_file(self.dir.join(options::PID_FILE));
    }

    /// The last lines of the serial console.
    pub fn console_tail(&self, lines: usize) -> String {
        console::tail(&self.dir.join(options::CONSOLE_LOG), lines)
    }

    /// Waits for an event of QEMU's of this name, among those that came since the last wait.
    pub fn wait_event(&self, name: &str, timeout: Duration) -> Result<Value> {
        let found = self.monitor().wait_event(name, |_| true, timeout);
        found.with_context(|| self.failure("QEMU's monitor"))
    }

    fn monitor(&self) -> MutexGuard<'_, Qmp> {
        locked(&self.monitor)
    }

    fn failure(&self, what: &str) -> String {
        format!("{what}\n{}", report(&self.dir))
    }
}

/// A panic elsewhere leaves nothing half done in what is locked here.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn prepare() -> Result<Image> {
    packages::ensure(packages::LAB)?;
    Image::ensure(&Recipe::debian()?)
}

fn set_up(options: &BootOptions, image: &Image, dir: &Path) -> Result<Vec<std::ffi::OsString>> {
    let longest = dir.join(options::CONSOLE_SOCKET);
    ensure!(
        longest.as_os_str().len() <= MAX_SOCKET_PATH,
        "{} is too long a path for a socket: set {} to a shorter directory",
        longest.display(),
        dirs::LAB_DIR_VARIABLE
    );
    payload::make(&dir.join(options::PAYLOAD_DISK), options.payload.as_deref())?;
    Ok(options::arguments(options, image, dir))
}

/// Connects to the monitor as soon as QEMU has made its socket. There is no event for that, hence the short waits,
/// which end early when QEMU does.
fn connect_monitor(process: &Process, dir: &Path) -> Result<Qmp> {
    let deadline = Instant::now() + QEMU_TIMEOUT;
    loop {
        match Qmp::connect(&dir.join(options::MONITOR_SOCKET)) {
            Ok(monitor) => return Ok(monitor),
            Err(error) if Instant::now() > deadline => {
                return Err(error).context("QEMU's monitor does not answer");
            }
            Err(_) => {}
        }
        if process.wait(Duration::from_millis(20))? {
            bail!("QEMU ended at once\n{}", report(dir));
        }
    }
}

/// What is known about a machine in trouble.
fn report(dir: &Path) -> String {
    let console = console::tail(&dir.join(options::CONSOLE_LOG), SHOWN_LINES);
    format!("QEMU said: {}\nlast lines of the console:\n{console}", process::errors(dir).trim())
}
