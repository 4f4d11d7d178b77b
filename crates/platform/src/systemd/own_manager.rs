//! A real systemd for tests: a user manager of its own, on a bus of its own, in a cgroup of its own.
//!
//! It needs root, the programs named below and cgroup v2; where they are missing the tests say so and do nothing. The
//! machine's own systemd is not touched. The manager's interface is the same as that of PID 1.

use super::calls::BusAddress;
use crate::cgroup::below;
use std::future::poll_fn;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use zbus::export::futures_core::Stream;

const SYSTEMD: &str = "/usr/lib/systemd/systemd";

/// Runs in a mount namespace: gives the manager a pure cgroup v2 and a machine that looks booted by systemd.
const SCRIPT: &str = r#"
set -e
umount -l -R /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir -p "/sys/fs/cgroup/$GROUP"
echo $$ > "/sys/fs/cgroup/$GROUP/cgroup.procs"
mkdir -p /run/systemd
mount -t tmpfs tmpfs /run/systemd
mkdir /run/systemd/system
exec /usr/lib/systemd/systemd --user --log-level=err
"#;

/// The manager and its bus; both end with it.
pub struct OwnManager {
    root: TempDir,
    group: PathBuf,
    bus: Child,
    manager: Child,
}

impl OwnManager {
    /// Starts one with these unit files, and generators where a name has no dot, or prints why it cannot.
    pub fn start(units: &[(&str, &str)]) -> Option<Self> {
        if let Some(what) = missing() {
            eprintln!("SKIPPED: no systemd of its own for this test: {what}");
            return None;
        }
        let cgroup2 = cgroup2_mount()?;
        let root = TempDir::new().unwrap();
        std::fs::create_dir_all(root.path().join("run")).unwrap();
        let directory = root.path().join("config/systemd/user");
        std::fs::create_dir_all(&directory).unwrap();
        let generators = root.path().join("generators");
        std::fs::create_dir(&generators).unwrap();
        for (name, text) in units {
            // A generator is a program, and makes units at each reload (systemd.generator(7)).
            let is_unit = name.contains('.');
            let path = if is_unit { directory.join(name) } else { generators.join(name) };
            std::fs::write(&path, text).unwrap();
            let mode = if is_unit { 0o644 } else { 0o755 };
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        }
        let name = format!("infiniservice-test-{}", root.path().file_name().unwrap().to_string_lossy());
        Some(Self::launch(root, &name, cgroup2.join(&name)))
    }

    fn launch(root: TempDir, name: &str, group: PathBuf) -> Self {
        let ready = UnixDatagram::bind(root.path().join("notify")).unwrap();
        ready.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let bus = start_bus(root.path());
        let mut manager = in_root(Command::new("unshare"), root.path());
        manager.args(["-m", "sh", "-c", SCRIPT]).env("GROUP", name);
        manager.env("NOTIFY_SOCKET", root.path().join("notify"));
        let manager = manager.stdin(Stdio::null()).spawn().unwrap();
        let own = Self { root, group, bus, manager };
        wait_until_ready(&ready);
        own
    }

    /// Where it is reached.
    pub fn on_bus(&self) -> BusAddress {
        BusAddress::At(format!("unix:path={}/run/bus", self.root.path().display()))
    }

    /// Waits until the manager has its name there: it may be ready before that.
    pub async fn named(&self) {
        let connection = self.on_bus().connect().await.unwrap();
        let bus = zbus::fdo::DBusProxy::new(&connection).await.unwrap();
        let name = "org.freedesktop.systemd1";
        let mut changes = bus.receive_name_owner_changed_with_args(&[(0, name)]).await.unwrap();
        if !bus.name_has_owner(name.try_into().unwrap()).await.unwrap() {
            poll_fn(|context| Pin::new(&mut changes).poll_next(context)).await.expect("the bus ended");
        }
    }

    /// Where unit files lie.
    pub fn units(&self) -> PathBuf {
        self.root.path().join("config/systemd/user")
    }
}

fn wait_until_ready(ready: &UnixDatagram) {
    let mut message = [0; 4096];
    loop {
        let length = match ready.recv(&mut message) {
            // A child of another test ended: a socket with a time limit is not waited on again by the system (signal(7)).
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            received => received.expect("the manager did not become ready"),
        };
        if message[..length].starts_with(b"READY=1") {
            return;
        }
    }
}

impl Drop for OwnManager {
    fn drop(&mut self) {
        for group in below(&self.group) {
            let _ = std::fs::write(group.join("cgroup.kill"), "1");
        }
        let _ = self.manager.wait();
        let _ = self.bus.kill();
        let _ = self.bus.wait();
        for group in below(&self.group).into_iter().rev() {
            let _ = std::fs::remove_dir(group);
        }
    }
}

fn missing() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("not root".into());
    }
    let absent = |path: &&str| !Path::new(path).exists();
    [SYSTEMD, "/usr/bin/dbus-daemon", "/usr/bin/unshare"]
        .iter()
        .find(|p| absent(p))
        .map(|p| format!("no {p}"))
}

fn cgroup2_mount() -> Option<PathBuf> {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    let line = mounts.lines().find(|line| line.contains(" - cgroup2 "));
    let path = line.and_then(|line| line.split(' ').nth(4)).map(PathBuf::from);
    if path.is_none() {
        eprintln!("SKIPPED: no systemd of its own for this test: cgroup v2 is not mounted");
    }
    path
}

fn start_bus(root: &Path) -> Child {
    let mut command = in_root(Command::new("dbus-daemon"), root);
    let address = format!("unix:path={}/run/bus", root.display());
    command.args(["--session", "--nofork", "--nopidfile", "--print-address=1", "--address", &address]);
    let mut bus = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    // It prints the address once it listens.
    std::io::BufRead::read_line(&mut std::io::BufReader::new(bus.stdout.take().unwrap()), &mut line).unwrap();
    bus
}

fn in_root(mut command: Command, root: &Path) -> Command {
    command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("HOME", root);
    command.env("XDG_RUNTIME_DIR", root.join("run")).env("XDG_CONFIG_HOME", root.join("config"));
    command.env("SYSTEMD_GENERATOR_PATH", root.join("generators"));
    command.env("XDG_DATA_HOME", root.join("data")).env("XDG_DATA_DIRS", root.join("data"));
    command.env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}/run/bus", root.display()));
    command
}
