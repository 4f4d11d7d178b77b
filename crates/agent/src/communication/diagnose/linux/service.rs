//! The state of the agent's unit, asked of systemd where it runs.

use crate::communication::diagnose::facts::ServiceFacts;
use crate::communication::diagnose::service_state::{PROPERTIES, parse};
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

const UNIT: &str = "infiniservice.service";
/// Where systemctl is, on systems with and without a merged /usr.
const SYSTEMCTL: [&str; 2] = ["/usr/bin/systemctl", "/bin/systemctl"];
/// Where unit files are, relative to the root (systemd.unit(5)).
const UNIT_DIRECTORIES: [&str; 4] =
    ["etc/systemd/system", "run/systemd/system", "usr/lib/systemd/system", "lib/systemd/system"];
/// A service manager that does not answer within this is reported as not asked.
const DEADLINE: Duration = Duration::from_secs(5);

/// Asks systemd; by files alone where it does not answer, or the tree is made up.
pub fn state(root: &Path) -> ServiceFacts {
    if !root.join("run/systemd/system").is_dir() {
        return ServiceFacts::default();
    }
    let answer = if root == Path::new("/") { ask() } else { None };
    answer.map_or_else(|| by_files(root), |text| parse(&text))
}

fn by_files(root: &Path) -> ServiceFacts {
    let installed = UNIT_DIRECTORIES.iter().any(|directory| root.join(directory).join(UNIT).exists());
    ServiceFacts { manager: Some("systemd".into()), installed, ..ServiceFacts::default() }
}

fn ask() -> Option<String> {
    let program = SYSTEMCTL.iter().find(|path| Path::new(path).exists())?;
    let mut child = Command::new(program)
        .args(["show", PROPERTIES, "--", UNIT])
        .env_clear()
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    let answer = read_until(&mut child, DEADLINE);
    // It has ended, or it is to end.
    let _ended = child.kill();
    let _reaped = child.wait();
    answer
}

/// All that the child prints, unless it takes longer than the deadline.
fn read_until(child: &mut Child, deadline: Duration) -> Option<String> {
    let mut output = child.stdout.take()?;
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = String::new();
        let result = output.read_to_string(&mut text).map(|_| text);
        let _nobody_waits = sender.send(result);
    });
    receiver.recv_timeout(deadline).ok()?.ok()
}
