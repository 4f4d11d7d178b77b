//! A system without emulation: the machine's image with its own systemd, in namespaces of this kernel.
//!
//! It boots in a second and runs at native speed. What it has not: a kernel of its own (clock, modules, suspend,
//! kernel log), cgroup controllers where the host uses cgroup v1, and a virtio port: the agent gets a terminal.

use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{io::Write, thread};

use anyhow::{Context, Result, bail, ensure};
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use tempfile::TempDir;

use crate::exec::{Exec, ExecOutput};
use crate::image::{Image, recipe::Recipe};
use crate::machine::process::Process;
use crate::relay::Relay;
use crate::{command, console, packages};

const BOOT: &str = include_str!("boot.sh");
/// How long it may take to come up on a busy host.
const BOOT_TIMEOUT: Duration = Duration::from_mins(2);
/// How often is looked whether it came up: nothing tells.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// Console lines shown with an error.
const SHOWN_LINES: usize = 30;
/// Where cgroup2 is mounted: beside version 1, or alone.
const CGROUPS: [&str; 2] = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"];
/// What the names of a system's directory and of its cgroup begin with.
const PREFIX: &str = "infiniservice-lab-";
/// Where udev would link ports.
const PORTS: &str = "dev/virtio-ports";
/// The agent's, and that of the QEMU guest agent; each with the name of its socket.
const OWN_PORT: (&str, &str) = ("org.infinibay.agent", "agent.sock");
const GUEST_AGENT_PORT: (&str, &str) = ("org.qemu.guest_agent.0", "qga.sock");

/// A booted system, for the life of this value.
#[derive(Debug)]
pub struct Namespace {
    process: Process,
    /// systemd, as this kernel numbers it.
    init: u32,
    cgroup: PathBuf,
    relays: Vec<Relay>,
    dir: TempDir,
}

impl Namespace {
    /// Why it cannot be used here; `None` where it can.
    pub fn obstacle() -> Option<&'static str> {
        let missing = |path: &str| !Path::new(path).exists();
        if !rustix::process::geteuid().is_root() {
            return Some("it needs root, for namespaces and mounts");
        }
        if missing("/dev/loop-control") {
            return Some("the kernel has no loop devices");
        }
        cgroup_root().is_none().then_some("no cgroup2 is mounted")
    }

    /// Boots the machine's image, with the files of `payload` at `/mnt/payload`, and waits until its services are up.
    pub fn boot(payload: Option<&Path>) -> Result<Self> {
        Self::boot_image(&Recipe::without_kernel()?, payload)
    }

    /// The same of another image.
    pub fn boot_image(recipe: &Recipe, payload: Option<&Path>) -> Result<Self> {
        if let Some(obstacle) = Self::obstacle() {
            bail!("no system in namespaces: {obstacle}");
        }
        packages::ensure(packages::LAB)?;
        let image = Image::ensure(recipe)?;
        Self::boot_from(&image.disk(), payload, false)
    }

    fn boot_from(disk: &Path, payload: Option<&Path>, is_copy: bool) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix(PREFIX).tempdir()?;
        lay_out(dir.path(), disk, payload)?;
        let cgroup = make_cgroup(dir.path())?;
        let process = start(dir.path(), &cgroup, is_copy)?;
        let init = init_of(&process, dir.path())?;
        let mut system = Self { process, init, cgroup, relays: Vec::new(), dir };
        system.wait_booted()?;
        system.plug(OWN_PORT)?;
        Ok(system)
    }

    /// The host's end of the agent's port.
    pub fn agent_socket(&self) -> PathBuf {
        self.dir.path().join(OWN_PORT.1)
    }

    /// Gives it the port of the QEMU guest agent, which it has not by itself; the host's end of that.
    pub fn plug_guest_agent_port(&mut self) -> Result<PathBuf> {
        self.plug(GUEST_AGENT_PORT)
    }

    /// Makes `other` the network of this one's card, at the address of its gateway: 10.0.2.2.
    pub fn wire_to(&self, other: &Self) -> Result<()> {
        let there = other.init.to_string();
        // Both have an end of the same name; the other's own card is of no use to it.
        other.run(&Exec::shell("ip link delete eth0"))?.expect_success()?;
        let words =
            ["--target", &self.init.to_string(), "--net", "ip", "link", "set", "wire", "netns", &there];
        command::run("nsenter", words)?;
        other.run(&Exec::shell("ip address add 10.0.2.2/24 dev wire && ip link set wire up"))?;
        Ok(())
    }

    /// Runs a program in the system to its end.
    pub fn run(&self, exec: &Exec) -> Result<ExecOutput> {
        let mut child = self.enter(exec)?.spawn().with_context(|| format!("cannot run {exec}"))?;
        feed(&mut child, exec.input())?;
        let output = child.wait_with_output()?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(ExecOutput {
            exit_code: output.status.code().map(i64::from),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
            truncated: false,
        })
    }

    /// Writes a file in the system, replacing what was there.
    pub fn write_file(&self, path: &str, contents: &[u8]) -> Result<()> {
        let write = Exec::argv(&["/bin/sh", "-c", "cat > \"$1\"", "sh", path]).stdin(contents);
        self.run(&write)?.expect_success().map(drop)
    }

    /// The last lines of systemd's console.
    pub fn console_tail(&self, lines: usize) -> String {
        console::tail(&self.dir.path().join("console.log"), lines)
    }

    /// Ends it; what was written in it is gone.
    pub fn stop(self) {}

    /// Waits until it has powered off by itself. Copies of its disk boot then.
    pub fn into_template(self) -> Result<Template> {
        ensure!(self.process.wait(BOOT_TIMEOUT)?, self.failure("the system did not power off"));
        let disk = self.dir.path().join("disk.img");
        let start = Instant::now();
        while command::run("losetup", ["-j".as_ref(), disk.as_os_str()])?.contains("disk.img") {
            ensure!(
                start.elapsed() < BOOT_TIMEOUT,
                "the disk of the system that powered off is still in use"
            );
            thread::sleep(LOOK_AGAIN);
        }
        let dir = tempfile::Builder::new().prefix("infiniservice-template-").tempdir()?;
        copy_disk(&disk, &dir.path().join("disk.img"))?;
        Ok(Template { dir })
    }

    /// The program as a process of all of the system's namespaces and of its cgroups.
    fn enter(&self, exec: &Exec) -> Result<Command> {
        let group = self.cgroup.join("lab.shell");
        fs::create_dir_all(&group)?;
        let mut command = command::program("sh")?;
        command.args(["-c", "echo $$ > \"$0\" && exec nsenter \"$@\""]).arg(group.join("cgroup.procs"));
        command.args(["--target", &self.init.to_string(), "--mount", "--pid", "--net", "--uts", "--ipc"]);
        command.args(["--cgroup", "--root", "--wd", "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"]);
        command.args(["setpriv", "--bounding-set=-sys_time,-sys_module", "/usr/bin/timeout"]);
        command.args(exec.timed()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Ok(command)
    }

    fn wait_booted(&self) -> Result<()> {
        let start = Instant::now();
        let asked = Exec::argv(&["systemctl", "is-system-running", "--wait"]).timeout(BOOT_TIMEOUT);
        while start.elapsed() < BOOT_TIMEOUT {
            ensure!(!self.process.wait(Duration::ZERO)?, self.failure("the system ended at once"));
            let state = self.run(&asked)?;
            match state.stdout.trim() {
                "running" => return Ok(()),
                "degraded" => bail!(self.failure(&self.run(&Exec::shell("systemctl --failed"))?.stdout)),
                _ => thread::sleep(LOOK_AGAIN),
            }
        }
        bail!(self.failure("the system did not come up"))
    }

    /// A terminal of the system's own takes the port's place; the host's end of it.
    fn plug(&mut self, (port, socket): (&str, &str)) -> Result<PathBuf> {
        let root = PathBuf::from(format!("/proc/{}/root", self.init));
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = File::options().read(true).write(true).open(root.join("dev/pts/ptmx"))?;
        unlockpt(&master)?;
        let guest = ioctl_tiocgptpeer(&master, flags)?;
        let mut modes = tcgetattr(&guest)?;
        modes.make_raw();
        tcsetattr(&guest, OptionalActions::Now, &modes)?;
        // As udev leaves a virtio port.
        rustix::fs::fchown(&guest, Some(rustix::fs::Uid::ROOT), Some(rustix::fs::Gid::ROOT))?;
        rustix::fs::fchmod(&guest, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR)?;
        let name = ptsname(&master, Vec::new())?.into_string()?;
        let socket = self.dir.path().join(socket);
        self.relays.push(Relay::start(OwnedFd::from(master), guest, &socket)?);
        symlink(name, root.join(PORTS).join(port))?;
        Ok(socket)
    }

    fn failure(&self, what: &str) -> String {
        format!("{what}\nlast lines of the console:\n{}", self.console_tail(SHOWN_LINES))
    }
}

/// The disk of a system that powered off.
#[derive(Debug)]
pub struct Template {
    dir: TempDir,
}

impl Template {
    /// Boots a copy of it, which keeps or makes its own identity.
    pub fn boot(&self) -> Result<Namespace> {
        Namespace::boot_from(&self.dir.path().join("disk.img"), None, true)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        self.process.kill();
        let _gone_already = fs::write(self.cgroup.join("cgroup.kill"), "1");
        // Groups of processes that the kernel has not quite buried yet stay; a later system removes them.
        remove_groups(&self.cgroup);
    }
}

fn cgroup_root() -> Option<&'static Path> {
    CGROUPS.map(Path::new).into_iter().find(|root| root.join("cgroup.procs").exists())
}

/// A group for the system, whose name no other has.
fn make_cgroup(dir: &Path) -> Result<PathBuf> {
    let root = cgroup_root().context("no cgroup2 is mounted")?;
    remove_abandoned(root);
    let cgroup = root.join(dir.file_name().context("a directory's name")?);
    fs::create_dir(&cgroup).with_context(|| cgroup.display().to_string())?;
    Ok(cgroup)
}

/// Removes the groups of systems that are gone: their directories are, too.
fn remove_abandoned(root: &Path) {
    let temporary = std::env::temp_dir();
    for entry in fs::read_dir(root).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if name.to_string_lossy().starts_with(PREFIX) && !temporary.join(&name).exists() {
            remove_groups(&entry.path());
        }
    }
}

/// Removes a group and those below it, as far as they are empty.
fn remove_groups(group: &Path) {
    for entry in fs::read_dir(group).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_groups(&entry.path());
        }
    }
    let _still_busy = fs::remove_dir(group);
}

fn copy_disk(from: &Path, to: &Path) -> Result<()> {
    command::run("cp", ["--sparse=always".as_ref(), from.as_os_str(), to.as_os_str()]).map(drop)
}

fn lay_out(dir: &Path, disk: &Path, payload: Option<&Path>) -> Result<()> {
    copy_disk(disk, &dir.join("disk.img"))?;
    fs::create_dir(dir.join("root"))?;
    let shown = dir.join("payload");
    match payload {
        Some(payload) => {
            command::run("cp", ["-r".as_ref(), payload.as_os_str(), shown.as_os_str()]).map(drop)
        }
        None => Ok(fs::create_dir(shown)?),
    }
}

fn start(dir: &Path, cgroup: &Path, is_copy: bool) -> Result<Process> {
    let log = File::create(dir.join("console.log"))?;
    let mut command = command::program("setpriv")?;
    command.args(["--pdeathsig", "KILL", "--", "/bin/sh", "-euc", BOOT]);
    command
        .env("dir", dir)
        .env("cgroup", cgroup)
        .env("copy", if is_copy { "yes" } else { "" })
        .stdout(log.try_clone()?)
        .stderr(log);
    Process::keep_owned(command)
}

/// systemd is the one child of `unshare`, once the script has become that.
fn init_of(process: &Process, dir: &Path) -> Result<u32> {
    let start = Instant::now();
    let outer = process.pid()?;
    while start.elapsed() < BOOT_TIMEOUT {
        let children = fs::read_to_string(format!("/proc/{outer}/task/{outer}/children")).unwrap_or_default();
        let init = children.split_whitespace().next().and_then(|pid| pid.parse().ok());
        if let Some(init) = init.filter(|init| is_systemd(*init)) {
            return Ok(init);
        }
        if process.wait(LOOK_AGAIN)? {
            break;
        }
    }
    bail!("systemd did not start:\n{}", console::tail(&dir.join("console.log"), SHOWN_LINES))
}

fn is_systemd(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == "systemd")
}

/// Gives a program its input from a thread: it may answer before it has read all.
fn feed(child: &mut Child, input: Option<&[u8]>) -> Result<()> {
    let (Some(mut pipe), Some(input)) = (child.stdin.take(), input.map(<[u8]>::to_vec)) else {
        return Ok(());
    };
    thread::Builder::new().name("lab-input".to_owned()).spawn(move || {
        // It may end before it has read everything.
        let _closed = pipe.write_all(&input);
    })?;
    Ok(())
}
