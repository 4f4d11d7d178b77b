//! A system on a kernel in user mode: the machine's image with a kernel of its own, which is a program of the host.
//!
//! It boots in seconds where an emulated machine takes a minute. It has what namespaces lack: its own clock, kernel log,
//! modules and cgroup controllers, and real virtio ports. What it has not:
//! pressure figures, PCI, a second processor, a hardware clock.

pub mod console;
mod options;

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::exec::{Exec, ExecOutput};
use crate::guest_agent::{self, GuestAgent};
use crate::image::{Image, recipe::Recipe};
use crate::machine::options::AGENT_PORT;
use crate::machine::process::Process;
use crate::{command, packages, payload};
use console::Console;

const BOOT: &str = include_str!("boot.sh");
/// How long it may take to come up on a busy host.
const BOOT_TIMEOUT: Duration = Duration::from_mins(5);
/// The bits of a status that name the signal by which a program ended.
const SIGNAL: u32 = 0x7f;
/// Console lines shown with an error.
const SHOWN_LINES: usize = 30;
/// The agent's port, as the console device numbers it.
const AGENT: u32 = 1;
/// Where the kernel keeps the guest's memory where there is room.
const SHARED_MEMORY: &str = "/dev/shm";
/// What the names of the files begin with that say which kernel has which processor.
const PROCESSOR_LOCK: &str = "/run/infiniservice-lab-processor-";

/// A booted system, for the life of this value.
#[derive(Debug)]
pub struct UserMode {
    process: Process,
    console: Console,
    guest: Mutex<GuestAgent>,
    dir: TempDir,
    /// Held for as long as it runs.
    _processor: Option<File>,
}

impl UserMode {
    /// Why it cannot be used here; `None` where it can. Installs what is missing, if that is possible.
    pub fn obstacle() -> Option<String> {
        if !rustix::process::geteuid().is_root() {
            return Some("it needs root, for a process namespace".to_owned());
        }
        packages::ensure(packages::USER_MODE).and_then(|()| tried()).err().map(|error| format!("{error:#}"))
    }

    /// Boots the machine's image, with the files of `payload` at `/mnt/payload`, and waits until its services are up.
    pub fn boot(payload: Option<&Path>) -> Result<Self> {
        packages::ensure(packages::LAB)?;
        packages::ensure(packages::USER_MODE)?;
        let image = Image::ensure(&Recipe::debian()?)?;
        let dir = tempfile::Builder::new().prefix("infiniservice-lab-").tempdir()?;
        let console = lay_out(dir.path(), payload)?;
        let (processor, processor_lock) = processor()?;
        let process = start(dir.path(), &options::arguments(&image, dir.path()), processor)?;
        let guest = Mutex::new(GuestAgent::new(&dir.path().join(options::GUEST_AGENT_SOCKET)));
        let system = Self { process, console, guest, dir, _processor: processor_lock };
        system.wait_booted()?;
        Ok(system)
    }

    /// The host's end of the agent's port.
    pub fn agent_socket(&self) -> PathBuf {
        self.dir.path().join(options::AGENT_SOCKET)
    }

    /// Runs a program in the system to its end. Several may be under way at a time.
    pub fn run(&self, exec: &Exec) -> Result<ExecOutput> {
        guest_agent::run(&self.guest, exec).with_context(|| self.failure(&format!("cannot run {exec}")))
    }

    /// Writes a file in the system, replacing what was there.
    pub fn write_file(&self, path: &str, contents: &[u8]) -> Result<()> {
        guest_agent::locked(&self.guest).write_file(path, contents)
    }

    /// The last lines of its console.
    pub fn console_tail(&self, lines: usize) -> String {
        crate::console::tail(&self.dir.path().join(options::CONSOLE_LOG), lines)
    }

    /// Pulls the agent's port out of the system.
    pub fn unplug_agent_port(&self) -> Result<()> {
        self.console.unplug(AGENT)
    }

    /// Puts it back, under this name.
    pub fn plug_agent_port(&self, name: &str) -> Result<()> {
        self.console.plug(AGENT, name)
    }

    /// Has the system shut down in order and start again.
    pub fn reboot(&self) -> Result<()> {
        self.rebooted_by(|| {
            // Its answer may go down with the system, and whoever asks the next one for it is told that there is no such program.
            let _heeded_or_no_boot_comes = self.run(&Exec::shell("systemctl --no-block reboot"));
            Ok(())
        })
    }

    /// The same, where `begin` has it do so.
    pub fn rebooted_by(&self, begin: impl FnOnce() -> Result<()>) -> Result<()> {
        let boots = self.console.boots();
        begin()?;
        self.console.wait_boot(boots, BOOT_TIMEOUT).with_context(|| self.failure("no reboot"))?;
        self.wait_booted()
    }

    /// Has the kernel stand still.
    pub fn pause(&self) -> Result<()> {
        Ok(kill_process(self.kernel()?, Signal::STOP)?)
    }

    /// Has it go on.
    pub fn go_on(&self) -> Result<()> {
        Ok(kill_process(self.kernel()?, Signal::CONT)?)
    }

    /// Ends it; what was written in it is gone.
    pub fn stop(self) {}

    /// The kernel's process: the one child of `unshare`.
    fn kernel(&self) -> Result<Pid> {
        let outer = self.process.pid()?;
        let children = fs::read_to_string(format!("/proc/{outer}/task/{outer}/children"))?;
        let first = children.split_whitespace().next().and_then(|pid| pid.parse().ok());
        first.and_then(Pid::from_raw).context("the kernel is gone")
    }

    fn wait_booted(&self) -> Result<()> {
        let synced = guest_agent::locked(&self.guest).sync(BOOT_TIMEOUT);
        synced.with_context(|| self.failure("the system did not come up"))?;
        let state =
            self.run(&Exec::shell("systemctl is-system-running --wait; true").timeout(BOOT_TIMEOUT))?;
        match state.stdout.trim() {
            "running" => Ok(()),
            "degraded" => bail!(self.failure(&self.run(&Exec::shell("systemctl --failed"))?.stdout)),
            other => bail!(self.failure(&format!("the system is `{other}`"))),
        }
    }

    fn failure(&self, what: &str) -> String {
        format!("{what}\nlast lines of the console:\n{}", self.console_tail(SHOWN_LINES))
    }
}

/// The files of the system, and its console device.
fn lay_out(dir: &Path, payload: Option<&Path>) -> Result<Console> {
    payload::make(&dir.join(options::PAYLOAD_DISK), payload)?;
    let script = dir.join(options::BOOT_SCRIPT);
    fs::write(&script, BOOT)?;
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?;
    let (agent, guest_agent) = (dir.join(options::AGENT_SOCKET), dir.join(options::GUEST_AGENT_SOCKET));
    let ports = [(AGENT_PORT, agent.as_path()), ("org.qemu.guest_agent.0", guest_agent.as_path())];
    Console::start(&dir.join(options::CONSOLE_SOCKET), &ports)
}

/// Starts the kernel as the first of a process namespace, so that all of its processes end with it.
fn start(dir: &Path, arguments: &[std::ffi::OsString], processor: usize) -> Result<Process> {
    let log = File::create(dir.join(options::CONSOLE_LOG))?;
    let mut command = command::program("setpriv")?;
    command.args(["--pdeathsig", "KILL", "--", "taskset", "--cpu-list", &processor.to_string()]);
    command.args(["unshare", "--pid", "--fork", "--kill-child"]);
    command.arg(command::find(options::KERNEL).context("the kernel is not installed")?).args(arguments);
    command.env("TMPDIR", memory_directory(dir)).stdout(log.try_clone()?).stderr(log);
    Process::keep_owned(command)
}

/// The last processor that this process may use and that no other such kernel has, with the lock that says so; where each has
/// one, the last. The kernel and what runs on it take turns at each system call, which is twice as quick on one processor.
fn processor() -> Result<(usize, Option<File>)> {
    let usable = rustix::thread::sched_getaffinity(None)?;
    let all = || (0..rustix::thread::CpuSet::MAX_CPU).rev().filter(|cpu| usable.is_set(*cpu));
    for cpu in all() {
        let lock = File::create(format!("{PROCESSOR_LOCK}{cpu}"))?;
        if lock.try_lock().is_ok() {
            return Ok((cpu, Some(lock)));
        }
    }
    Ok((all().next().context("no processor")?, None))
}

/// Where the guest's memory is kept.
fn memory_directory(dir: &Path) -> &Path {
    let shared = Path::new(SHARED_MEMORY);
    let room = rustix::fs::statvfs(shared).map_or(0, |facts| facts.f_bavail * facts.f_frsize);
    if room > options::MEMORY_MIB << 20 { shared } else { dir }
}

/// Whether such a kernel runs a program here: it needs `ptrace(2)`, which a container may forbid, and knows the registers of
/// older processors only (`ptrace set fp regs failed`).
fn tried() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let mut kernel = command::program(options::KERNEL)?;
    kernel.args(options::TRIAL).arg(format!("uml_dir={}/", dir.path().display()));
    let output = kernel.output()?;
    judged(&String::from_utf8_lossy(&output.stdout))
}

/// By the kernel's last words: it ends when its first program does, and says how that one ended (`wait(2)`).
fn judged(said: &str) -> Result<()> {
    let code = said.split("exitcode=0x").nth(1).and_then(|rest| rest.get(..8));
    match code.and_then(|code| u32::from_str_radix(code, 16).ok()) {
        Some(code) if code & SIGNAL == 0 => Ok(()),
        Some(_) => {
            let why = said.lines().find(|line| line.contains("failed, errno")).unwrap_or("it crashes");
            bail!("a kernel in user mode runs no program here: {}", why.trim())
        }
        None => {
            let last = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it says nothing");
            bail!("a kernel in user mode does not start: {last}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_can_be_used_where_its_first_program_ended_by_itself() {
        let ended = |code: &str| {
            format!("x\nKernel panic - not syncing: Attempted to kill init! exitcode=0x{code}\nCPU: 0\n")
        };
        assert!(judged(&ended("00000000")).is_ok() && judged(&ended("00000100")).is_ok());
        let crashed = format!("userspace - ptrace set fp regs failed, errno = 14\n{}", ended("0000000b"));
        let why = judged(&crashed).unwrap_err().to_string();
        assert!(
            why.ends_with("runs no program here: userspace - ptrace set fp regs failed, errno = 14"),
            "{why}"
        );
        let forbidden = judged("Checking ptrace...\nfailed: EPERM\n").unwrap_err().to_string();
        assert!(forbidden.ends_with("does not start: failed: EPERM"), "{forbidden}");
        assert!(judged("").is_err());
    }
}
