//! Every virtio port and the configured device: name, access, holders, host.

use super::holders::Holders;
use super::identity::Identity;
use crate::diagnose::DiagnoseOptions;
use crate::diagnose::facts::{PortFacts, PortState, ServiceFacts};
use crate::transport::candidates::{Choice, Seen, choose, role};
use crate::transport::linux::{open, owner_of, scan};
use crate::transport::outcome::Outcome;
use crate::transport::role::Role;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The ports, and whether every process could be looked at for their holders.
pub struct Ports {
    pub ports: Vec<PortFacts>,
    pub holders_complete: bool,
}

/// Looks at every port; those that the agent would try, and nobody holds, are opened for a moment.
pub fn gather(options: &DiagnoseOptions, services: &[ServiceFacts]) -> Ports {
    let seen = all(options);
    let nodes: Vec<PathBuf> = seen.iter().map(|port| port.node.clone()).collect();
    let agent = Identity::of_units(services.iter().filter_map(|unit| unit.pid)).or_this_program();
    let holders = Holders::find(&options.root.join("proc"), &nodes, &agent);
    let choice = choose(options.device.device_path.as_deref(), options.device.search, &seen);
    let ports = seen.iter().map(|port| facts(port, options, &holders, &choice)).collect();
    Ports { ports, holders_complete: holders.complete }
}

/// Those of the scan, those that only sysfs knows (no node), and the configured device.
fn all(options: &DiagnoseOptions) -> Vec<Seen> {
    let device = &options.device;
    let mut seen = scan::scan(&device.dev, &device.sys);
    let mut nodes: BTreeSet<PathBuf> = seen.iter().map(|port| port.node.clone()).collect();
    let in_sysfs = fs::read_dir(device.sys.join("class/virtio-ports")).into_iter().flatten().flatten();
    let bare = in_sysfs.map(|entry| device.dev.join(entry.file_name()));
    let configured =
        device.device_path.iter().map(|path| path.canonicalize().unwrap_or_else(|_| path.clone()));
    for node in bare.chain(configured) {
        if nodes.insert(node.clone()) {
            let name = scan::sysfs_name(&node, &device.sys);
            seen.push(Seen { node, link: None, name, settled: true });
        }
    }
    seen
}

fn facts(port: &Seen, options: &DiagnoseOptions, holders: &Holders, choice: &Choice) -> PortFacts {
    let rank = rank(port, choice);
    let owned = owner_of(&port.node);
    let mut facts = PortFacts {
        node: port.node.clone(),
        link: port.link.clone(),
        name: port.name.clone(),
        role: if options.device.device_path.is_some() && rank.is_some() {
            Role::Configured
        } else {
            role(port)
        },
        rank,
        owner: owned.as_ref().map(|(owner, _)| owner.clone()),
        mode: owned.map(|(_, mode)| format!("{mode:04o}")),
        state: PortState::NotTried,
        holders: holders.of(&port.node),
        host_connected: host_by_debugfs(&port.node, &options.device.sys),
    };
    try_out(&mut facts, &options.device.sys);
    facts
}

/// At which place the agent tries this port.
fn rank(port: &Seen, choice: &Choice) -> Option<usize> {
    let is_it = |path: &Path| {
        path == port.node
            || port.link.as_deref() == Some(path)
            || path.canonicalize().is_ok_and(|p| p == port.node)
    };
    choice.candidates.iter().position(|candidate| is_it(&candidate.path))
}

fn try_out(port: &mut PortFacts, sys: &Path) {
    if port.holders.iter().any(|holder| holder.is_agent) {
        port.state = PortState::HeldByAgent;
    } else if port.rank.is_some() && !port.holders.is_empty() {
        port.state = PortState::Unusable(Outcome::Busy);
    } else if port.rank.is_some() {
        match open::probe(&port.node, sys) {
            Ok(host) => {
                port.state = PortState::Usable;
                port.host_connected = host.or(port.host_connected);
            }
            Err(outcome) => port.state = PortState::Unusable(outcome),
        }
    }
}

/// What the driver tells root in debugfs, without opening the port (`port_debugfs_show` in `drivers/char/virtio_console.c`).
fn host_by_debugfs(node: &Path, sys: &Path) -> Option<bool> {
    let file = sys.join("kernel/debug/virtio-ports").join(node.file_name()?);
    let text = fs::read_to_string(file).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix("host_connected:"))?;
    Some(value.trim() == "1")
}
