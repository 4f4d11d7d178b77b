//! Who holds a device open: the descriptors of every process, `/proc/PID/fd`.
//!
//! What such a link reads is a name in the mount namespace of its process, which any user can give to a file of his own.
//! Devices are told by their numbers, and the agent by systemd's word or by its program; never by a name.

use super::identity::{Identity, Object};
use crate::diagnose::facts::Holder;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Holders by device node.
#[derive(Debug, Default)]
pub struct Holders {
    by_node: BTreeMap<PathBuf, Vec<Holder>>,
    /// Whether every process could be looked at; processes that ended meanwhile do not count.
    pub complete: bool,
}

impl Holders {
    /// Looks through every process for descriptors of these nodes.
    pub fn find(proc: &Path, nodes: &[PathBuf], agent: &Identity) -> Self {
        let mut holders = Self { by_node: BTreeMap::new(), complete: true };
        let devices: Vec<(&PathBuf, Object)> =
            nodes.iter().filter_map(|node| Some((node, Object::at(node)?))).collect();
        let entries = fs::read_dir(proc).into_iter().flatten().flatten();
        for pid in entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()) {
            holders.look_at(proc, pid, &devices, agent);
        }
        holders
    }

    /// The holders of one node.
    pub fn of(&self, node: &Path) -> Vec<Holder> {
        self.by_node.get(node).cloned().unwrap_or_default()
    }

    fn look_at(&mut self, proc: &Path, pid: u32, devices: &[(&PathBuf, Object)], agent: &Identity) {
        let directory = proc.join(pid.to_string());
        let descriptors = match fs::read_dir(directory.join("fd")) {
            Ok(descriptors) => descriptors,
            Err(error) => {
                self.complete &= error.kind() != std::io::ErrorKind::PermissionDenied;
                return;
            }
        };
        for held in descriptors.flatten().filter_map(|entry| Object::at(&entry.path())) {
            for (node, _) in devices.iter().filter(|(_, device)| device.is_same(&held)) {
                self.add(node, &directory, pid, agent);
            }
        }
    }

    fn add(&mut self, node: &Path, directory: &Path, pid: u32, agent: &Identity) {
        let holders = self.by_node.entry(node.into()).or_default();
        if holders.iter().any(|holder| holder.pid == pid) {
            return;
        }
        let comm = fs::read(directory.join("comm")).unwrap_or_default();
        let name = String::from_utf8_lossy(&comm).trim_end().to_owned();
        holders.push(Holder { pid, name, is_agent: agent.is_it(pid, directory) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn process(proc: &Path, pid: u32, comm: &str, targets: &[&Path]) {
        let fds = proc.join(pid.to_string()).join("fd");
        fs::create_dir_all(&fds).unwrap();
        fs::write(proc.join(pid.to_string()).join("comm"), format!("{comm}\n")).unwrap();
        for (number, target) in targets.iter().enumerate() {
            symlink(target, fds.join(number.to_string())).unwrap();
        }
    }

    #[test]
    fn the_holder_is_named_once_and_others_are_not() {
        let root = tempfile::tempdir().unwrap();
        let proc = root.path().join("proc");
        let nodes = ["vport0p1", "vport0p2", "vport0p3"].map(|name| root.path().join(name));
        for node in &nodes {
            fs::write(node, "").unwrap();
        }
        process(&proc, 510, "qemu-ga", &[Path::new("/dev/null"), &nodes[0], &nodes[0]]);
        process(&proc, 812, "infiniservice", &[&nodes[1], Path::new("socket:[77]")]);
        process(&proc, 900, "bash", &[Path::new("/dev/zero")]);
        fs::create_dir(proc.join("sys")).unwrap();
        let holders = Holders::find(&proc, &nodes, &Identity::of_units([812]));
        let ga = Holder { pid: 510, name: "qemu-ga".into(), is_agent: false };
        assert_eq!(holders.of(&nodes[0]), [ga]);
        assert!(holders.of(&nodes[1])[0].is_agent);
        assert_eq!(holders.of(&nodes[2]), []);
        assert!(holders.complete);
    }

    #[test]
    fn a_file_of_the_same_name_is_not_the_device() {
        let root = tempfile::tempdir().unwrap();
        let (node, other) = (root.path().join("vport1p1"), root.path().join("theirs/vport1p1"));
        fs::create_dir(root.path().join("theirs")).unwrap();
        fs::write(&node, "").unwrap();
        fs::write(&other, "").unwrap();
        process(&root.path().join("proc"), 748, "infiniservice", &[&other]);
        let nodes = [node];
        let holders = Holders::find(&root.path().join("proc"), &nodes, &Identity::of_units([]));
        assert_eq!(holders.of(&nodes[0]), []);
    }

    #[test]
    fn a_process_is_not_the_agent_by_its_name() {
        let root = tempfile::tempdir().unwrap();
        let nodes = [root.path().join("vport1p1")];
        fs::write(&nodes[0], "").unwrap();
        process(&root.path().join("proc"), 748, "infiniservice", &[&nodes[0]]);
        let holders = Holders::find(&root.path().join("proc"), &nodes, &Identity::of_units([812]));
        let holder = Holder { pid: 748, name: "infiniservice".into(), is_agent: false };
        assert_eq!(holders.of(&nodes[0]), [holder]);
    }
}
