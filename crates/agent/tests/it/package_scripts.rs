//! The packages' own scripts, with the real dpkg in a root made up for the purpose, and in mounts of their own.
//! They need root; where the tests run as somebody else there is nothing to try.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// An ordinary user.
const USER: u32 = 4001;

fn packaging(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging").join(name)
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

fn has(program: &str) -> bool {
    ["/usr/bin", "/usr/sbin"].iter().any(|directory| Path::new(directory).join(program).exists())
}

/// A package of this name and place with the real script, and a root with an empty database of dpkg's.
struct World {
    directory: TempDir,
}

impl World {
    fn new() -> Self {
        let world = Self { directory: tempfile::tempdir().unwrap() };
        let tree = world.path("tree");
        fs::create_dir_all(tree.join("DEBIAN")).unwrap();
        fs::create_dir_all(tree.join("opt/infiniservice")).unwrap();
        fs::write(tree.join("opt/infiniservice/infiniservice"), "the package's").unwrap();
        fs::set_permissions(tree.join("opt/infiniservice"), fs::Permissions::from_mode(0o755)).unwrap();
        let control = "Package: infiniservice\nVersion: 1\nArchitecture: all\nMaintainer: x <x@localhost>\nDescription: x\n";
        fs::write(tree.join("DEBIAN/control"), control).unwrap();
        fs::copy(packaging("deb/preinst"), tree.join("DEBIAN/preinst")).unwrap();
        fs::set_permissions(tree.join("DEBIAN/preinst"), fs::Permissions::from_mode(0o755)).unwrap();
        for part in ["root/opt", "root/etc", "root/var/lib/dpkg/info", "root/var/lib/dpkg/updates"] {
            fs::create_dir_all(world.path(part)).unwrap();
        }
        fs::write(world.path("root/var/lib/dpkg/status"), "").unwrap();
        let mut build = Command::new("/usr/bin/dpkg-deb");
        build.args(["--root-owner-group", "--build"]).arg(&tree).arg(world.path("x.deb"));
        let package_built = build.output().unwrap();
        assert!(package_built.status.success(), "{package_built:?}");
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn install(&self) -> Output {
        let mut dpkg = Command::new("/usr/bin/dpkg");
        dpkg.arg(format!("--root={}", self.path("root").display()));
        dpkg.args(["--force-script-chrootless", "--force-depends", "--log=/dev/null", "--install"]);
        dpkg.arg(self.path("x.deb")).output().unwrap()
    }

    /// What the user made before: the directory, and a program in it.
    fn made_before(&self, owner: u32, mode: u32) -> PathBuf {
        let directory = self.path("root/opt/infiniservice");
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join("infiniservice"), "the user's").unwrap();
        fs::set_permissions(&directory, fs::Permissions::from_mode(mode)).unwrap();
        chown(directory.join("infiniservice"), Some(owner), Some(owner)).unwrap();
        chown(&directory, Some(owner), Some(owner)).unwrap();
        directory
    }
}

fn can_try() -> bool {
    is_root() && has("dpkg-deb")
}

#[test]
fn a_directory_that_a_user_made_before_is_moved_aside() {
    if !can_try() {
        return;
    }
    for (owner, mode) in [(USER, 0o755), (0, 0o777), (0, 0o775)] {
        let world = World::new();
        let directory = world.made_before(owner, mode);
        let done = world.install();
        assert!(done.status.success(), "{done:?}");
        let found = fs::symlink_metadata(&directory).unwrap();
        assert_eq!((found.uid(), found.mode() & 0o7777), (0, 0o755), "{owner} {mode:o}");
        assert_eq!(fs::read_to_string(directory.join("infiniservice")).unwrap(), "the package's");
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(said.contains("did not belong to root alone"), "{said}");
    }
}

#[test]
fn a_link_that_a_user_owns_leads_nowhere() {
    if !can_try() {
        return;
    }
    let world = World::new();
    let theirs = world.path("theirs");
    fs::create_dir(&theirs).unwrap();
    chown(&theirs, Some(USER), Some(USER)).unwrap();
    std::os::unix::fs::symlink(&theirs, world.path("root/opt/infiniservice")).unwrap();
    let done = world.install();
    assert!(done.status.success(), "{done:?}");
    assert!(fs::symlink_metadata(world.path("root/opt/infiniservice")).unwrap().is_dir());
    assert_eq!(fs::read_dir(&theirs).unwrap().count(), 0);
}

#[test]
fn what_is_roots_alone_is_kept_at_an_upgrade() {
    if !can_try() {
        return;
    }
    let world = World::new();
    assert!(world.install().status.success());
    fs::write(world.path("root/opt/infiniservice/kept"), "").unwrap();
    let done = world.install();
    assert!(done.status.success(), "{done:?}");
    assert!(world.path("root/opt/infiniservice/kept").exists());
}

#[test]
fn where_others_may_write_above_nothing_is_installed() {
    if !can_try() {
        return;
    }
    let world = World::new();
    fs::set_permissions(world.path("root/opt"), fs::Permissions::from_mode(0o777)).unwrap();
    let done = world.install();
    assert!(!done.status.success(), "{done:?}");
    assert!(!world.path("root/opt/infiniservice").exists());
}

/// The rpm's script knows no other root: it runs in a mount namespace whose /opt is empty.
#[test]
fn the_rpm_moves_a_users_directory_aside_as_well() {
    if !is_root() || !has("unshare") {
        return;
    }
    let script = format!(
        "mount -t tmpfs -o mode=755 none /opt && mkdir /opt/infiniservice && chown {USER}:{USER} /opt/infiniservice && \
         sh {} 1 && test ! -e /opt/infiniservice && ls -d /opt/infiniservice.not-roots.*/was",
        packaging("rpm/pre.sh").display()
    );
    let done = Command::new("/usr/bin/unshare").args(["--mount", "sh", "-c", &script]).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    if said.contains("Operation not permitted") {
        return;
    }
    assert!(done.status.success(), "{done:?}");
}

/// A program beside the system's own could be somebody else's: Debian lets the group staff write to /usr/local.
#[test]
fn every_script_searches_the_systems_own_directories_only() {
    let mut scripts: Vec<PathBuf> = ["deb", "rpm", "qga/deb", "qga/rpm"]
        .iter()
        .flat_map(|kind| fs::read_dir(packaging(kind)).unwrap())
        .map(|entry| entry.unwrap().path())
        .collect();
    scripts.push(packaging("install-linux.sh"));
    for script in scripts.iter().filter(|path| path.is_file()) {
        let text = fs::read_to_string(script).unwrap();
        let first = text.lines().find(|line| line.starts_with("PATH="));
        assert_eq!(first, Some("PATH=/usr/sbin:/usr/bin:/sbin:/bin"), "{}", script.display());
    }
}
