//! Who holds a device open: the descriptors of every process, `/proc/PID/fd`.

use crate::communication::diagnose::facts::Holder;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The agent's program.
const AGENT: &str = "infiniservice";

/// Holders by device node.
#[derive(Debug, Default)]
pub struct Holders {
    by_node: BTreeMap<PathBuf, Vec<Holder>>,
    /// Whether every process could be looked at; processes that ended meanwhile do not count.
    pub complete: bool,
}

impl Holders {
    /// Looks through every process for descriptors of these nodes.
    pub fn find(proc: &Path, nodes: &[PathBuf]) -> Self {
        let mut holders = Self { by_node: BTreeMap::new(), complete: true };
        let entries = fs::read_dir(proc).into_iter().flatten().flatten();
        for pid in entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()) {
            holders.look_at(proc, pid, nodes);
        }
        holders
    }

    /// The holders of one node.
    pub fn of(&self, node: &Path) -> Vec<Holder> {
        self.by_node.get(node).cloned().unwrap_or_default()
    }

    fn look_at(&mut self, proc: &Path, pid: u32, nodes: &[PathBuf]) {
        let directory = proc.join(pid.to_string());
        let descriptors = match fs::read_dir(directory.join("fd")) {
            Ok(descriptors) => descriptors,
            Err(error) => {
                self.complete &= error.kind() != std::io::ErrorKind::PermissionDenied;
                return;
            }
        };
        for target in descriptors.flatten().filter_map(|entry| fs::read_link(entry.path()).ok()) {
            if nodes.contains(&target) {
                self.add(target, &directory, pid);
            }
        }
    }

    fn add(&mut self, node: PathBuf, directory: &Path, pid: u32) {
        let holders = self.by_node.entry(node).or_default();
        if holders.iter().any(|holder| holder.pid == pid) {
            return;
        }
        let comm = fs::read_to_string(directory.join("comm")).unwrap_or_default();
        let name = comm.trim_end().to_owned();
        let is_agent =
            name == AGENT || fs::read_link(directory.join("exe")).is_ok_and(|exe| exe.ends_with(AGENT));
        holders.push(Holder { pid, name, is_agent });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn process(proc: &Path, pid: u32, comm: &str, targets: &[&str]) {
        let fds = proc.join(pid.to_string()).join("fd");
        fs::create_dir_all(&fds).unwrap();
        fs::write(proc.join(pid.to_string()).join("comm"), format!("{comm}\n")).unwrap();
        for (number, target) in targets.iter().enumerate() {
            symlink(target, fds.join(number.to_string())).unwrap();
        }
    }

    #[test]
    fn the_holder_is_named_once_and_others_are_not() {
        let proc = tempfile::tempdir().unwrap();
        process(proc.path(), 510, "qemu-ga", &["/dev/null", "/dev/vport0p1", "/dev/vport0p1"]);
        process(proc.path(), 812, "infiniservice", &["/dev/vport0p2", "socket:[77]"]);
        process(proc.path(), 900, "bash", &["/dev/pts/0"]);
        fs::create_dir(proc.path().join("sys")).unwrap();
        let nodes = ["/dev/vport0p1", "/dev/vport0p2", "/dev/vport0p3"].map(PathBuf::from);
        let holders = Holders::find(proc.path(), &nodes);
        let ga = Holder { pid: 510, name: "qemu-ga".into(), is_agent: false };
        assert_eq!(holders.of(&nodes[0]), [ga]);
        assert!(holders.of(&nodes[1])[0].is_agent);
        assert_eq!(holders.of(&nodes[2]), []);
        assert!(holders.complete);
    }
}
