//! Everything that is wrong, each with what to do about it, in lines that can be copied.

use super::facts::{Driver, Facts, PortFacts, PortState};
use super::finding::{Finding, Severity, host, name_holders, shown};
use super::service_state;
use crate::transport::candidates::AGENT_PORT;
use crate::transport::outcome::Outcome;
use crate::transport::role::Role;

/// All findings; `channel` is the device that works, where one does.
pub fn all(facts: &Facts, channel: Option<&PortFacts>) -> Vec<Finding> {
    let mut findings = match channel {
        Some(port) => about_channel(port),
        None => who_looked(facts).into_iter().chain(why_unusable(facts)).collect(),
    };
    findings.extend(about_links(facts));
    findings.extend(facts.ports.iter().filter_map(about_guest_agent));
    findings.extend(service_state::about_service(facts));
    findings.extend(about_this_look(facts));
    findings
}

fn finding(severity: Severity, code: &'static str, problem: impl Into<String>, fix: Vec<String>) -> Finding {
    Finding { severity, code, problem: problem.into(), fix }
}

fn error(code: &'static str, problem: impl Into<String>, fix: Vec<String>) -> Finding {
    finding(Severity::Error, code, problem, fix)
}

/// Why there is no channel: what is wrong with the agent's own device, or the reason why there is none. What is wrong
/// with substitutes is only worth a note: they are other programs'.
fn why_unusable(facts: &Facts) -> Vec<Finding> {
    let mut tried: Vec<&PortFacts> = facts.ports.iter().filter(|port| port.rank.is_some()).collect();
    tried.sort_by_key(|port| port.rank);
    let (own, substitutes): (Vec<&PortFacts>, Vec<&PortFacts>) =
        tried.into_iter().partition(|port| port.role.is_own());
    let mut found: Vec<Finding> = own.iter().filter_map(|port| about_unusable(port, facts)).collect();
    if own.is_empty() {
        found.push(why_no_port(facts));
    }
    let as_note = |finding| Finding { severity: Severity::Note, ..finding };
    found.extend(substitutes.iter().filter_map(|port| about_unusable(port, facts)).map(as_note));
    found
}

/// What an ordinary user is refused says nothing about the channel, and is no reason to give him more: the agent has rights
/// of its own. So that comes before all other reasons.
fn who_looked(facts: &Facts) -> Option<Finding> {
    let refused =
        |port: &PortFacts| matches!(port.state, PortState::Unusable(Outcome::Denied { .. } | Outcome::Busy));
    if facts.user_id == 0 || !facts.ports.iter().any(refused) {
        return None;
    }
    let problem = format!(
        "This diagnosis ran as user id {}, who may not open the port or see who holds it: run it as root.",
        facts.user_id
    );
    Some(error("run_as_root", problem, vec!["sudo infiniservice --diagnose".into()]))
}

/// From the outermost cause to the innermost: no controller, no driver, no port, no port of ours.
fn why_no_port(facts: &Facts) -> Finding {
    if !facts.ports.is_empty() {
        let names: Vec<&str> =
            facts.ports.iter().map(|port| port.name.as_deref().unwrap_or("an unnamed one")).collect();
        let problem = format!("No port is named {AGENT_PORT}; there is only {}.", names.join(", "));
        return error("no_port_of_ours", problem, add_channel());
    }
    if facts.controllers.is_empty() {
        let problem = "This machine has no virtio-serial controller, and therefore no virtio port.";
        return error("no_controller", problem, add_channel());
    }
    match facts.driver {
        Driver::Loaded | Driver::BuiltIn | Driver::Unknown => {
            error("no_port", "There is a virtio-serial controller, but it has no port.", add_channel())
        }
        Driver::NotLoaded => {
            error("driver_not_loaded", "The kernel module virtio_console is not loaded.", load_driver())
        }
        Driver::Missing => {
            error("driver_missing", "This kernel has no driver virtio_console.", install_kernel())
        }
    }
}

fn install_kernel() -> Vec<String> {
    vec![
        "install the distribution's standard kernel, or its package of additional modules".into(),
        "(Debian: linux-image-amd64; Ubuntu: linux-modules-extra-$(uname -r)), and reboot".into(),
    ]
}

fn about_unusable(port: &PortFacts, facts: &Facts) -> Option<Finding> {
    let PortState::Unusable(outcome) = &port.state else { return None };
    let path = shown(port);
    let says = format!("{path}: {outcome}");
    Some(match outcome {
        Outcome::Absent if port.role == Role::Configured => error(
            "configured_absent",
            format!("The configured device {path} does not exist."),
            configured_fix(),
        ),
        Outcome::Absent => {
            error("no_node", format!("The port exists, but not its device node {path}."), trigger_udev())
        }
        Outcome::Busy => about_busy(port),
        Outcome::Denied { .. } if facts.user_id != 0 => error("denied", format!("{says}."), Vec::new()),
        Outcome::Denied { .. } => error("denied", format!("{says}."), give_access()),
        Outcome::AccessDenied => error("access_denied", format!("{says}."), access_denied()),
        Outcome::Console => error("console", format!("{says}."), console_fix()),
        Outcome::Going => error(
            "going",
            format!("{says}."),
            vec!["run it again; the agent finds a port that comes back by itself".into()],
        ),
        Outcome::PeerClosed => {
            error("peer_closed", format!("{says}."), vec!["start the program at its other end".into()])
        }
        Outcome::Refused(_) => error("refused", format!("{says}."), configured_fix()),
        Outcome::Foreign(_) | Outcome::Unsettled | Outcome::Failed(_) => {
            error("failed", format!("{says}."), Vec::new())
        }
    })
}

fn about_busy(port: &PortFacts) -> Finding {
    let path = shown(port);
    let Some(first) = port.holders.first() else {
        let problem = format!("{path} is held open by a process that is not visible from here.");
        return error("busy", problem, vec!["run it as root, outside any container".into()]);
    };
    let problem = format!("{path} is held open by {}.", name_holders(&port.holders));
    error("busy", problem, stop_holder(&first.name, first.pid))
}

fn configured_fix() -> Vec<String> {
    vec![
        "correct device_path (--device, INFINISERVICE_DEVICE_PATH or the configuration file), or remove \
        it: the agent finds the port by its name"
            .into(),
    ]
}

fn console_fix() -> Vec<String> {
    vec!["give the machine a separate port for the agent (it cannot use a console):".into()]
        .into_iter()
        .chain(add_channel())
        .collect()
}

/// What is not as it should be about a channel that works.
fn about_channel(port: &PortFacts) -> Vec<Finding> {
    let mut findings = Vec::new();
    if port.host_connected == Some(false) {
        let problem = "No host has the other end of the channel open.";
        let fix =
            vec!["on the host: connect to the channel's socket, e.g. infinictl --socket PATH ping".into()];
        findings.push(finding(Severity::Warning, "no_host", problem, fix));
    }
    if matches!(port.role, Role::GuestAgent | Role::First | Role::Unnamed) {
        let name = port.name.as_deref().unwrap_or("without a name");
        let problem = format!("There is no port named {AGENT_PORT}; the agent uses one {name}.");
        findings.push(finding(Severity::Warning, "substitute_port", problem, add_channel()));
    }
    findings
}

/// Whether the agent is there for hosts that look for qemu-ga.
fn about_guest_agent(port: &PortFacts) -> Option<Finding> {
    let is_other = port.role == Role::GuestAgent && port.rank.is_none();
    let problem = match &port.state {
        PortState::HeldByAgent => {
            format!("{} is served in the QEMU guest agent's protocol, {}.", shown(port), host(port))
        }
        _ if port.holders.is_empty() => format!("Nobody serves {}.", shown(port)),
        _ => format!("{} is served by {}.", shown(port), name_holders(&port.holders)),
    };
    let settings = "see the setting qga: infiniservice --print-config".to_owned();
    let fix = if port.holders.is_empty() { vec![settings] } else { Vec::new() };
    is_other.then(|| finding(Severity::Note, "guest_agent_port", problem, fix))
}

/// Named ports without links: udev did not do its work.
fn about_links(facts: &Facts) -> Vec<Finding> {
    let bare: Vec<&str> = facts
        .ports
        .iter()
        .filter(|port| port.link.is_none())
        .filter_map(|port| port.name.as_deref())
        .collect();
    if bare.is_empty() {
        return Vec::new();
    }
    let why = if facts.udev.running { "" } else { " udev is not running." };
    let problem = format!(
        "No link in /dev/virtio-ports for {}.{why} The agent does not need the links.",
        bare.join(", ")
    );
    vec![finding(Severity::Note, "no_links", problem, trigger_udev())]
}

/// What limits this very look.
fn about_this_look(facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    let note = |code, problem: &str, fix: &str| finding(Severity::Note, code, problem, vec![fix.to_owned()]);
    if !facts.holders_complete && facts.user_id != 0 {
        let problem =
            "Not every process could be examined: the list of programs that hold a port may be incomplete.";
        findings.push(note("not_root", problem, "run the diagnosis as root"));
    }
    if facts.container {
        let problem = "This is a container, which sees only the devices that are passed to it.";
        findings.push(note("container", problem, "run the agent in the virtual machine itself"));
    }
    findings
}

/// For a machine that QEMU runs directly.
pub const QEMU_ARGUMENTS: &[&str] = &[
    "-device virtio-serial-pci",
    "-chardev socket,id=infinibay,path=/run/infinibay-agent.sock,server=on,wait=off",
    "-device virtserialport,chardev=infinibay,name=org.infinibay.agent",
];

/// For a machine of libvirt's.
pub const LIBVIRT_CHANNEL: &[&str] = &[
    "<channel type='unix'>",
    "  <source mode='bind'/>",
    "  <target type='virtio' name='org.infinibay.agent'/>",
    "</channel>",
];

/// Gives a group access to the port.
pub const UDEV_RULE: &str =
    r#"SUBSYSTEM=="virtio-ports", ATTR{name}=="org.infinibay.agent", GROUP="infiniservice", MODE="0660""#;

/// Lines that add the agent's channel to the machine.
pub fn add_channel() -> Vec<String> {
    let mut lines = vec![
        "libvirt, on the host, inside <devices> (`virsh edit MACHINE`), then restart the machine:".into(),
    ];
    lines.extend(LIBVIRT_CHANNEL.iter().map(|line| format!("  {line}")));
    lines.push("or to the running machine: put the same into channel.xml and".into());
    lines.push("  virsh attach-device MACHINE channel.xml --live --config".into());
    lines.push("QEMU without libvirt, on its command line:".into());
    lines.extend(QEMU_ARGUMENTS.iter().map(|line| format!("  {line}")));
    lines
}

/// Loads the driver now and at each start.
pub fn load_driver() -> Vec<String> {
    vec![
        "modprobe virtio_console".into(),
        "echo virtio_console > /etc/modules-load.d/virtio_console.conf".into(),
    ]
}

/// Gives access to a port.
pub fn give_access() -> Vec<String> {
    vec![
        "run as root, as the service does; or give a group access in \
         /etc/udev/rules.d/60-infiniservice.rules:"
            .into(),
        format!("  {UDEV_RULE}"),
        "then".into(),
        "  groupadd --force --system infiniservice && usermod -aG infiniservice USER".into(),
        "  udevadm control --reload && udevadm trigger --subsystem-match=virtio-ports".into(),
    ]
}

/// Access to a port on Windows, where one error has several causes.
pub fn access_denied() -> Vec<String> {
    vec![
        "run from an administrator's console, or as the service, which runs as SYSTEM".into(),
        "stop the program that holds the port: another agent, or one that has just stopped".into(),
    ]
}

/// Makes udev look at the ports again.
pub fn trigger_udev() -> Vec<String> {
    vec![
        "systemctl start systemd-udevd".into(),
        "udevadm trigger --subsystem-match=virtio-ports".into(),
        "udevadm settle".into(),
    ]
}

/// Frees a port from the process that holds it.
pub fn stop_holder(name: &str, pid: u32) -> Vec<String> {
    if name == "qemu-ga" {
        return vec![
            "leave it to qemu-ga, whose channel it is; or: systemctl disable --now qemu-guest-agent".into(),
        ];
    }
    vec![format!("see what it is: systemctl status {pid}"), format!("stop that unit, or: kill {pid}")]
}
