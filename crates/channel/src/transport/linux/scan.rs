//! What virtio ports there are: nodes and links in /dev, names in /sys. The roots are parameters, for made-up trees.

use super::super::candidates::{Seen, number};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How old an unnamed node must be before it counts as one that has no name: the name comes after the node, by a
/// control message of the host (`VIRTIO_CONSOLE_PORT_NAME`).
pub const NAME_GRACE: Duration = Duration::from_secs(2);

/// Every virtio port, by node.
pub fn scan(dev: &Path, sys: &Path) -> Vec<Seen> {
    // So that nodes compare with what the links resolve to.
    let dev = &dev.canonicalize().unwrap_or_else(|_| dev.into());
    let mut ports: BTreeMap<PathBuf, Seen> = BTreeMap::new();
    for node in nodes(dev) {
        let name = sysfs_name(&node, sys);
        let settled = is_settled(&node);
        ports.insert(node.clone(), Seen { node, link: None, name, settled });
    }
    for (link, target) in links(dev) {
        let name = link.file_name().map(|name| name.to_string_lossy().into_owned());
        let node = target.clone();
        let port = ports.entry(target).or_insert(Seen { node, link: None, name: None, settled: true });
        port.name = port.name.take().or(name);
        port.link = Some(link);
    }
    ports.into_values().collect()
}

/// The nodes `vportNpM` in `dev`.
fn nodes(dev: &Path) -> Vec<PathBuf> {
    entries(dev).into_iter().filter(|path| number(path).is_some()).collect()
}

/// The links of udev in `dev/virtio-ports`, each with what it leads to; a dangling one leads to itself.
fn links(dev: &Path) -> Vec<(PathBuf, PathBuf)> {
    let with_target = |link: PathBuf| {
        let target = link.canonicalize().unwrap_or_else(|_| link.clone());
        (link, target)
    };
    entries(&dev.join("virtio-ports")).into_iter().map(with_target).collect()
}

/// The name that the host gave to the port of this node; the attribute exists only where there is one.
pub fn sysfs_name(node: &Path, sys: &Path) -> Option<String> {
    let path = sys.join("class/virtio-ports").join(node.file_name()?).join("name");
    let text = fs::read_to_string(path).ok()?;
    let name = text.trim_end_matches(['\n', '\0']);
    (!name.is_empty() && name != "(null)").then(|| name.to_owned())
}

/// A time in the future counts as old: the clock was set back since.
fn is_settled(node: &Path) -> bool {
    let made = fs::metadata(node).and_then(|meta| meta.modified());
    let age = made.map(|made| SystemTime::now().duration_since(made));
    !matches!(age, Ok(Ok(age)) if age < NAME_GRACE)
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let Ok(found) = fs::read_dir(directory) else { return Vec::new() };
    found.flatten().map(|entry| entry.path()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    /// A tree like that of a machine: `dev/` and `sys/`.
    fn tree() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("dev/virtio-ports")).unwrap();
        fs::create_dir_all(root.path().join("sys/class/virtio-ports")).unwrap();
        root
    }

    fn add(root: &Path, node: &str, name: Option<&str>) {
        fs::write(root.join("dev").join(node), "").unwrap();
        let class = root.join("sys/class/virtio-ports").join(node);
        fs::create_dir(&class).unwrap();
        if let Some(name) = name {
            fs::write(class.join("name"), format!("{name}\n")).unwrap();
        }
    }

    fn scan_in(root: &Path) -> Vec<Seen> {
        scan(&root.join("dev"), &root.join("sys"))
    }

    #[test]
    fn names_come_from_sysfs_where_udev_made_no_links() {
        let root = tree();
        add(root.path(), "vport0p1", Some("org.infinibay.agent"));
        fs::write(root.path().join("dev/vda1"), "").unwrap();
        let seen = scan_in(root.path());
        assert_eq!(seen.len(), 1);
        assert_eq!(seen[0].name.as_deref(), Some("org.infinibay.agent"));
        assert_eq!(seen[0].link, None);
    }

    #[test]
    fn a_link_and_its_node_are_one_port() {
        let root = tree();
        add(root.path(), "vport0p1", Some("org.infinibay.agent"));
        let link = root.path().join("dev/virtio-ports/org.infinibay.agent");
        symlink("../vport0p1", &link).unwrap();
        let seen = scan_in(root.path());
        assert_eq!(seen.len(), 1);
        assert_eq!(seen[0].link.as_deref(), Some(link.as_path()));
    }

    #[test]
    fn links_give_the_names_where_sysfs_cannot_be_read() {
        let root = tree();
        fs::write(root.path().join("dev/vport0p1"), "").unwrap();
        symlink("../vport0p1", root.path().join("dev/virtio-ports/com.redhat.spice.0")).unwrap();
        assert_eq!(scan_in(root.path())[0].name.as_deref(), Some("com.redhat.spice.0"));
    }

    #[test]
    fn a_node_made_this_moment_has_no_settled_name() {
        let root = tree();
        add(root.path(), "vport0p1", None);
        assert!(!scan_in(root.path())[0].settled);
        let old = SystemTime::now() - Duration::from_mins(1);
        fs::File::options()
            .write(true)
            .open(root.path().join("dev/vport0p1"))
            .unwrap()
            .set_modified(old)
            .unwrap();
        assert!(scan_in(root.path())[0].settled);
    }

    #[test]
    fn empty_names_and_a_missing_tree_are_no_names_and_no_ports() {
        let root = tree();
        add(root.path(), "vport0p1", Some("(null)"));
        assert_eq!(scan_in(root.path())[0].name, None);
        assert_eq!(scan(Path::new("/nonexistent"), Path::new("/nonexistent")), []);
    }
}
