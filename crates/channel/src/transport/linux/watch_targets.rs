//! Which directories to watch, and which names in them matter.

use crate::transport::candidates::number;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// How many links of a configured path are followed (the kernel's own limit is 40, `path_resolution(7)`).
const MAX_LINKS: usize = 16;

/// The names that matter in a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameFilter {
    /// Every name: the directory of udev's links.
    Any,
    /// Nodes of virtio ports, and the directory of their links.
    Ports,
    /// One name: a part of a configured path.
    One(OsString),
    /// The watched path itself is a device: its permissions matter, which udev sets after it made the node.
    Itself {
        /// Whether its closing matters too: another program holds it.
        closing: bool,
    },
}

impl NameFilter {
    /// Whether an event about `name` matters.
    pub fn contain(&self, name: &OsStr) -> bool {
        match self {
            Self::Any => true,
            Self::Ports => name == "virtio-ports" || number(Path::new(name)).is_some(),
            Self::One(one) => name == one,
            Self::Itself { .. } => false,
        }
    }
}

/// A path to watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchTarget {
    /// A directory; for [`NameFilter::Itself`] the device.
    pub path: PathBuf,
    /// What matters there.
    pub names: NameFilter,
}

/// The targets for detection: new nodes in `dev`, new links in `dev/virtio-ports` once it exists, and the nodes.
pub fn for_detection(dev: &Path, busy: &[PathBuf]) -> Vec<WatchTarget> {
    let mut targets = vec![
        WatchTarget { path: dev.into(), names: NameFilter::Ports },
        WatchTarget { path: dev.join("virtio-ports"), names: NameFilter::Any },
    ];
    let entries = std::fs::read_dir(dev).into_iter().flatten().flatten().map(|entry| entry.path());
    targets.extend(entries.filter(|path| number(path).is_some()).map(|path| device(path, busy)));
    targets
}

fn device(path: PathBuf, busy: &[PathBuf]) -> WatchTarget {
    let is_it = |busy: &PathBuf| *busy == path || busy.canonicalize().ok() == path.canonicalize().ok();
    let closing = busy.iter().any(is_it);
    WatchTarget { path, names: NameFilter::Itself { closing } }
}

/// The targets for one configured path: each directory on the way through its links. Where a directory is missing, the
/// nearest one above it is watched for the missing part.
pub fn for_path(path: &Path, busy: &[PathBuf]) -> Vec<WatchTarget> {
    let mut targets = Vec::new();
    let mut path = path.to_path_buf();
    for _ in 0..MAX_LINKS {
        let Some((directory, name)) = nearest(&path) else { break };
        let is_whole = directory.join(&name) == path;
        targets.push(WatchTarget { path: directory.clone(), names: NameFilter::One(name) });
        match path.read_link() {
            Ok(target) if is_whole => path = directory.join(target),
            _ => break,
        }
    }
    if path.exists() {
        targets.push(device(path, busy));
    }
    targets
}

/// The deepest existing directory above `path`, and the name to wait for in it.
fn nearest(path: &Path) -> Option<(PathBuf, OsString)> {
    let mut child = path;
    loop {
        let parent = child.parent()?;
        let directory = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        if directory.is_dir() {
            return Some((directory.into(), child.file_name()?.into()));
        }
        child = parent;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn one(path: &Path, name: &str) -> WatchTarget {
        WatchTarget { path: path.into(), names: NameFilter::One(name.into()) }
    }

    #[test]
    fn only_ports_matter_in_dev() {
        for (name, matters) in [("vport0p1", true), ("virtio-ports", true), ("vda", false), ("tty1", false)] {
            assert_eq!(NameFilter::Ports.contain(OsStr::new(name)), matters, "{name}");
        }
    }

    #[test]
    fn each_link_on_the_way_is_watched_where_it_lies() {
        let root = tempfile::tempdir().unwrap();
        let (links, nodes) = (root.path().join("links"), root.path().join("nodes"));
        std::fs::create_dir(&links).unwrap();
        std::fs::create_dir(&nodes).unwrap();
        symlink(nodes.join("7"), links.join("agent")).unwrap();
        assert_eq!(for_path(&links.join("agent"), &[]), [one(&links, "agent"), one(&nodes, "7")]);
    }

    #[test]
    fn a_device_is_watched_for_its_closing_only_while_another_program_holds_it() {
        let root = tempfile::tempdir().unwrap();
        let node = root.path().join("vport0p1");
        std::fs::write(&node, "").unwrap();
        let link = root.path().join("agent");
        symlink("vport0p1", &link).unwrap();
        for (busy, closing) in [(vec![], false), (vec![link.clone()], true)] {
            let itself = WatchTarget { path: node.clone(), names: NameFilter::Itself { closing } };
            assert_eq!(for_detection(root.path(), &busy).last(), Some(&itself));
            assert_eq!(for_path(&link, &busy).last(), Some(&itself));
        }
    }

    #[test]
    fn a_missing_directory_is_waited_for_in_the_one_above() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(for_path(&root.path().join("a/b/c"), &[]), [one(root.path(), "a")]);
    }

    #[test]
    fn a_circle_of_links_ends() {
        let root = tempfile::tempdir().unwrap();
        symlink("b", root.path().join("a")).unwrap();
        symlink("a", root.path().join("b")).unwrap();
        assert_eq!(for_path(&root.path().join("a"), &[]).len(), MAX_LINKS);
    }
}
