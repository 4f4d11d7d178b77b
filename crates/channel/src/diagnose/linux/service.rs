//! The state of the agent's units, asked of systemd where it runs.

use crate::diagnose::facts::ServiceFacts;
use crate::diagnose::service_state::{PROPERTIES, UNITS, parse};
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// Where systemctl is, on systems with and without a merged /usr.
const SYSTEMCTL: [&str; 2] = ["/usr/bin/systemctl", "/bin/systemctl"];
/// Where unit files are, relative to the root (systemd.unit(5)).
const UNIT_DIRECTORIES: [&str; 4] =
    ["etc/systemd/system", "run/systemd/system", "usr/lib/systemd/system", "lib/systemd/system"];
/// A service manager that does not answer within this is reported as not asked.
const DEADLINE: Duration = Duration::from_secs(5);

/// Asks systemd of every unit that is shipped; by files alone where it does not answer, or the tree is made up.
/// Empty where systemd does not run.
pub fn states(root: &Path) -> Vec<ServiceFacts> {
    if !root.join("run/systemd/system").is_dir() {
        return Vec::new();
    }
    UNITS.iter().map(|unit| state(root, unit)).collect()
}

/// The running agent is in one half of its unit's cgroup where its commands have the other. The read-only unit asks for none.
fn with_cgroup(facts: ServiceFacts) -> ServiceFacts {
    let pid = facts.pid.filter(|_| facts.unit == "infiniservice");
    let own = pid.and_then(|pid| std::fs::read(format!("/proc/{pid}/cgroup")).ok());
    ServiceFacts { commands_in_cgroups: own.and_then(|own| is_divided(&own)), ..facts }
}

/// By the line of cgroup v2 in a file as `/proc/PID/cgroup`; `None` where it is in no such group.
fn is_divided(own: &[u8]) -> Option<bool> {
    let path = own.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"0::"))?;
    Some(path.ends_with(b"/infiniservice.service/agent"))
}

fn state(root: &Path, unit: &str) -> ServiceFacts {
    let answer = if root == Path::new("/") { ask(unit) } else { None };
    answer.map_or_else(|| by_files(root, unit), |text| with_cgroup(parse(unit, &text)))
}

/// A unit is enabled by the link that its `WantedBy=` asks for (systemd.unit(5)).
fn by_files(root: &Path, unit: &str) -> ServiceFacts {
    let file = format!("{unit}.service");
    let wanted = root.join("etc/systemd/system/multi-user.target.wants").join(&file);
    let enabled = wanted.symlink_metadata().is_ok().then(|| "enabled".to_owned());
    let installed = UNIT_DIRECTORIES.iter().any(|directory| root.join(directory).join(&file).exists());
    ServiceFacts {
        unit: unit.into(),
        manager: Some("systemd".into()),
        installed,
        start_up: enabled,
        ..ServiceFacts::default()
    }
}

fn ask(unit: &str) -> Option<String> {
    let program = SYSTEMCTL.iter().find(|path| Path::new(path).exists())?;
    let mut child = Command::new(program)
        .args(["show", PROPERTIES, "--", &format!("{unit}.service")])
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_in_its_half_of_the_cgroup_has_divided_it() {
        assert_eq!(is_divided(b"0::/system.slice/infiniservice.service/agent\n"), Some(true));
        assert_eq!(is_divided(b"1:name=systemd:/x\n0::/system.slice/infiniservice.service\n"), Some(false));
        assert_eq!(is_divided(b"1:name=systemd:/x\n"), None);
    }
}
