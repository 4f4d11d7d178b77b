//! `infiniservice-qga`, the package in the place of `qemu-guest-agent`: its relations, its drop-in, and its scripts with the real
//! dpkg in a root made up for the purpose. dpkg needs root; where the tests run as somebody else its part is left out.

use crate::support::{read, top};
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

const UNIT: &str = "usr/lib/systemd/system/qemu-guest-agent.service";

/// A root whose /lib is a link to /usr/lib, as Debian's is, with an empty database of dpkg's.
struct Root {
    directory: TempDir,
}

impl Root {
    /// None where dpkg cannot be tried.
    fn new() -> Option<Self> {
        let is_root = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
        if !is_root || !Path::new("/usr/bin/dpkg-deb").exists() {
            return None;
        }
        let root = Self { directory: tempfile::tempdir().expect("a directory") };
        for part in ["usr/lib/systemd/system", "var/lib/dpkg/info", "var/lib/dpkg/updates"] {
            fs::create_dir_all(root.path(part)).expect("made");
        }
        symlink("usr/lib", root.path("lib")).expect("linked");
        fs::write(root.path("var/lib/dpkg/status"), "").expect("written");
        Some(root)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join("root").join(name)
    }

    /// Builds a package with these relations, files and scripts.
    fn package(&self, name: &str, relations: &str, files: &[&str], scripts: &Path) -> PathBuf {
        let tree = self.directory.path().join(name);
        fs::create_dir_all(tree.join("DEBIAN")).expect("made");
        let control = format!(
            "Package: {name}\nVersion: {}-1\nArchitecture: all\nMaintainer: x <x@localhost>\nDescription: x\n{relations}",
            env!("CARGO_PKG_VERSION")
        );
        fs::write(tree.join("DEBIAN/control"), control).expect("written");
        for file in files {
            let path = tree.join(file);
            fs::create_dir_all(path.parent().expect("a directory")).expect("made");
            fs::write(path, name).expect("written");
        }
        for script in fs::read_dir(scripts).into_iter().flatten() {
            let script = script.expect("readable").path();
            let to = tree.join("DEBIAN").join(script.file_name().expect("a name"));
            fs::copy(&script, &to).expect("copied");
            fs::set_permissions(to, fs::Permissions::from_mode(0o755)).expect("set");
        }
        let path = self.directory.path().join(format!("{name}.deb"));
        let mut dpkg_deb = Command::new("/usr/bin/dpkg-deb");
        let built =
            dpkg_deb.args(["--root-owner-group", "--build"]).arg(&tree).arg(&path).output().expect("runs");
        assert!(built.status.success(), "{built:?}");
        path
    }

    fn dpkg(&self, arguments: &[&str], what: &Path) -> Output {
        let mut dpkg = Command::new("/usr/bin/dpkg");
        dpkg.arg(format!("--root={}", self.path("").display()));
        dpkg.args(["--force-script-chrootless", "--log=/dev/null"]).args(arguments);
        dpkg.arg(what).output().expect("runs")
    }

    fn install(&self, package: &Path) {
        let done = self.dpkg(&["--install"], package);
        assert!(done.status.success(), "{done:?}");
    }

    /// The three packages: the agent's, the other one's, and ours, which is not installed yet.
    fn furnished(&self) -> PathBuf {
        let none = Path::new("/nonexistent");
        self.install(&self.package(
            "infiniservice",
            "",
            &["usr/lib/systemd/system/infiniservice.service"],
            none,
        ));
        self.install(&self.package(
            "qemu-guest-agent",
            "",
            &["lib/systemd/system/qemu-guest-agent.service"],
            none,
        ));
        let drop_in = ["usr/lib/systemd/system/infiniservice.service.d/50-qga.conf"];
        self.package("infiniservice-qga", &relations(), &drop_in, &top().join("packaging/qga/deb"))
    }

    fn link(&self) -> Option<PathBuf> {
        fs::read_link(self.path(UNIT)).ok()
    }
}

fn manifest() -> String {
    read(&top().join("crates/agent/Cargo.toml"))
}

/// Of the .deb, as its manifest has them.
fn relations() -> String {
    let text = manifest();
    let own = text.split("[package.metadata.deb.variants.qga]\n").nth(1).expect("the variant");
    let lines = own.lines().take_while(|line| !line.starts_with('['));
    let pairs = lines.filter_map(|line| line.split_once(" = "));
    let wanted = pairs.filter(|(key, _)| ["depends", "conflicts", "replaces", "provides"].contains(key));
    let lines: Vec<String> =
        wanted.map(|(key, value)| format!("{key}: {}", value.trim_matches('"'))).collect();
    lines.join("\n") + "\n"
}

#[test]
fn the_packages_need_the_agent_of_their_own_version() {
    let version = env!("CARGO_PKG_VERSION");
    for line in [
        format!("depends = \"infiniservice (= {version}-1)\""),
        format!("requires = {{ infiniservice = \"= {version}-1\" }}"),
    ] {
        assert!(manifest().lines().any(|own| own == line), "crates/agent/Cargo.toml: {line}");
    }
}

#[test]
fn the_drop_in_turns_the_channel_on_whatever_the_file_says() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("config.toml");
    fs::write(&file, "qga = \"false\"\n").expect("written");
    let mut agent = Command::new(env!("CARGO_BIN_EXE_infiniservice"));
    agent.args(["--print-config", "--config"]).arg(&file).env_clear();
    let text = read(&top().join("packaging/qga/50-qga.conf"));
    let variables = text.lines().filter_map(|line| line.strip_prefix("Environment=")?.split_once('='));
    let shown = agent.envs(variables).output().expect("runs");
    let shown = String::from_utf8(shown.stdout).expect("text");
    assert!(shown.lines().any(|line| line.starts_with("qga = \"true\"")), "{shown}");
}

#[test]
fn the_other_package_goes_and_its_name_is_the_agents_until_ours_goes() {
    let Some(root) = Root::new() else { return };
    let ours = root.furnished();
    assert!(root.path(UNIT).exists() && root.link().is_none(), "the other package's unit");
    root.install(&ours);
    assert_eq!(root.link().as_deref(), Some(Path::new("infiniservice.service")));
    let other = root.dpkg(&["--status"], Path::new("qemu-guest-agent"));
    assert!(!String::from_utf8_lossy(&other.stdout).contains("ok installed"), "{other:?}");
    // Once more, as an upgrade does it.
    root.install(&ours);
    assert_eq!(root.link().as_deref(), Some(Path::new("infiniservice.service")));
    let removed = root.dpkg(&["--remove"], Path::new("infiniservice-qga"));
    assert!(removed.status.success(), "{removed:?}");
    assert_eq!((root.link(), root.path(UNIT).exists()), (None, false));
    assert!(!root.path("usr/lib/systemd/system/infiniservice.service.d").exists());
    assert!(root.path("usr/lib/systemd/system/infiniservice.service").exists(), "the agent stays");
}

#[test]
fn a_unit_of_that_name_that_somebody_else_wrote_is_left_alone() {
    let Some(root) = Root::new() else { return };
    let ours = root.furnished();
    let gone = root.dpkg(&["--purge"], Path::new("qemu-guest-agent"));
    assert!(gone.status.success(), "{gone:?}");
    fs::write(root.path(UNIT), "an operator's").expect("written");
    let done = root.dpkg(&["--install"], &ours);
    assert!(String::from_utf8_lossy(&done.stderr).contains("was left alone"), "{done:?}");
    assert!(root.dpkg(&["--purge"], Path::new("infiniservice-qga")).status.success());
    assert_eq!(read(&root.path(UNIT)), "an operator's");
}

#[test]
fn beside_an_agent_of_another_version_it_is_not_configured() {
    let Some(root) = Root::new() else { return };
    let ours = root.furnished();
    let other = relations().replace(env!("CARGO_PKG_VERSION"), "99.0.0");
    let other = root.package("infiniservice-qga", &other, &[], &top().join("packaging/qga/deb"));
    let refused = root.dpkg(&["--install"], &other);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(
        !refused.status.success() && said.contains("depends on infiniservice (= 99.0.0-1)"),
        "{refused:?}"
    );
    assert_eq!(root.link(), None, "{}", ours.display());
}
