//! `packaging/install-linux.sh`, run against an image's root made up for the purpose.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// An unpacked archive, and an empty image to install into.
struct World {
    directory: TempDir,
}

fn world() -> World {
    let world = World { directory: tempfile::tempdir().expect("a directory") };
    let packaging = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging");
    fs::create_dir(world.archive()).expect("made");
    fs::create_dir(world.root()).expect("made");
    for name in [
        "install-linux.sh",
        "infiniservice.service",
        "infiniservice-readonly.service",
        "infiniservice.sysusers",
        "60-infiniservice.rules",
        "61-infiniservice-readonly.rules",
        "80-infiniservice.preset",
        "config.toml",
    ] {
        fs::copy(packaging.join(name), world.archive().join(name)).expect("copied");
    }
    fs::write(world.archive().join("infiniservice"), "#!/bin/sh\necho new\n").expect("written");
    world
}

impl World {
    fn archive(&self) -> PathBuf {
        self.directory.path().join("archive")
    }

    fn root(&self) -> PathBuf {
        self.directory.path().join("root")
    }

    fn installed(&self, path: &str) -> PathBuf {
        self.root().join(path)
    }

    fn run(&self, umask: &str, arguments: &[&str]) -> Output {
        let script = self.archive().join("install-linux.sh");
        let mut command = Command::new("/bin/sh");
        command.args(["-c", &format!("umask {umask}; exec /bin/sh \"$@\""), "sh"]).arg(script);
        command.arg("--root").arg(self.root()).args(arguments);
        command.output().expect("sh starts")
    }

    fn install(&self, arguments: &[&str]) {
        let out = self.run("0022", arguments);
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    }
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap_or_else(|e| panic!("{}: {e}", path.display())).permissions().mode()
        & 0o7777
}

const PROGRAM: &str = "opt/infiniservice/infiniservice";
const CONFIG: &str = "etc/infiniservice/config.toml";
const UNIT: &str = "etc/systemd/system/infiniservice.service";
const READ_ONLY_UNIT: &str = "etc/systemd/system/infiniservice-readonly.service";
const RULE: &str = "etc/udev/rules.d/60-infiniservice.rules";
const READ_ONLY_RULE: &str = "etc/udev/rules.d/61-infiniservice-readonly.rules";
const USER: &str = "etc/sysusers.d/infiniservice.conf";
const READ_ONLY_ENABLED: &str = "etc/systemd/system/multi-user.target.wants/infiniservice-readonly.service";
const DROP_IN: &str = "etc/systemd/system/infiniservice.service.d/10-vm-id.conf";
const ENABLED: &str = "etc/systemd/system/multi-user.target.wants/infiniservice.service";

/// What systemd does with all units at the first boot of an image (systemd.preset(5)).
#[test]
fn the_first_boot_of_an_image_enables_no_second_service() {
    for (mode, enabled, other) in
        [("full", ENABLED, READ_ONLY_ENABLED), ("read-only", READ_ONLY_ENABLED, ENABLED)]
    {
        let world = world();
        world.install(&[mode]);
        let mut systemctl = Command::new("systemctl");
        systemctl.arg("--root").arg(world.root()).args(["preset-all", "--preset-mode=enable-only"]);
        let done = systemctl.output().expect("systemctl starts");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let is_link = |path: &str| world.installed(path).symlink_metadata().is_ok();
        assert!(is_link(enabled) && !is_link(other), "{mode}: {done:?}");
    }
}

#[test]
fn files_have_their_modes_under_any_umask() {
    for umask in ["0000", "0022", "0077", "0777"] {
        let world = world();
        let out = world.run(umask, &["--vm-id", "vm-1"]);
        assert!(out.status.success(), "{umask}: {}", String::from_utf8_lossy(&out.stderr));
        let modes = [PROGRAM, CONFIG, UNIT, DROP_IN, RULE, "opt/infiniservice", "etc/infiniservice"];
        let modes = modes.map(|path| mode(&world.installed(path)));
        assert_eq!(modes, [0o755, 0o600, 0o644, 0o644, 0o644, 0o755, 0o755], "umask {umask}");
        assert!(fs::metadata(world.installed(ENABLED)).is_ok(), "the link leads to the unit");
    }
}

#[test]
fn installing_again_upgrades_and_keeps_the_configuration() {
    let world = world();
    world.install(&["--vm-id", "vm-1"]);
    fs::write(world.installed(CONFIG), "max_ports = 7\n").expect("written");
    fs::write(world.archive().join("infiniservice"), "#!/bin/sh\necho newer\n").expect("written");
    world.install(&[]);
    let read = |path| fs::read_to_string(world.installed(path)).expect("readable");
    assert_eq!(
        (read(PROGRAM).as_str(), read(CONFIG).as_str()),
        ("#!/bin/sh\necho newer\n", "max_ports = 7\n")
    );
    assert_eq!(read(DROP_IN), "[Service]\nEnvironment=INFINISERVICE_VM_ID=vm-1\n");
    let left: Vec<_> = fs::read_dir(world.installed("opt/infiniservice")).expect("there").collect();
    assert_eq!(left.len(), 1, "no temporary file is left");
}

#[test]
fn the_mode_comes_first_and_the_name_second() {
    let world = world();
    world.install(&["full", "vm-7"]);
    let drop_in = fs::read_to_string(world.installed(DROP_IN)).expect("readable");
    assert_eq!(drop_in, "[Service]\nEnvironment=INFINISERVICE_VM_ID=vm-7\n");
}

#[test]
fn the_read_only_mode_is_kept_until_the_other_is_asked_for() {
    let world = world();
    let there =
        || [ENABLED, READ_ONLY_ENABLED, READ_ONLY_RULE, USER].map(|path| world.installed(path).exists());
    world.install(&["read-only"]);
    assert_eq!(there(), [false, true, true, true]);
    world.install(&[]);
    assert_eq!(there(), [false, true, true, true], "an upgrade keeps it");
    world.install(&["normal"]);
    assert_eq!(there(), [true, false, false, true], "the user goes with the agent only");
    world.install(&["--uninstall"]);
    assert_eq!(there(), [false; 4]);
}

#[test]
fn what_a_package_installed_is_left_to_the_package() {
    let world = world();
    let unit = world.installed("usr/lib/systemd/system/infiniservice.service");
    fs::create_dir_all(unit.parent().expect("below the root")).expect("made");
    fs::write(&unit, "").expect("written");
    assert_eq!(world.run("0022", &[]).status.code(), Some(1));
    assert!(!world.installed("opt").exists());
}

#[test]
fn nothing_is_written_through_a_symbolic_link() {
    let world = world();
    let victim = world.directory.path().join("victim");
    fs::write(&victim, "untouched").expect("written");
    for path in [PROGRAM, UNIT] {
        fs::create_dir_all(world.installed(path).parent().expect("below the root")).expect("made");
        symlink(&victim, world.installed(path)).expect("linked");
    }
    world.install(&[]);
    assert_eq!(fs::read_to_string(&victim).expect("readable"), "untouched");
    assert!(fs::symlink_metadata(world.installed(PROGRAM)).expect("there").is_file());
}

#[test]
fn a_directory_that_is_a_link_is_refused() {
    for linked in ["opt/infiniservice", "opt", "etc/infiniservice"] {
        let world = world();
        let victim = world.directory.path().join("victim");
        fs::create_dir(&victim).expect("made");
        fs::create_dir_all(world.installed(linked).parent().expect("below the root")).expect("made");
        symlink(&victim, world.installed(linked)).expect("linked");
        assert_eq!(world.run("0022", &[]).status.code(), Some(1), "{linked}");
        assert_eq!(fs::read_dir(&victim).expect("there").count(), 0, "{linked}");
    }
}

/// Every path below a directory.
fn all(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).expect("readable").map(|entry| entry.expect("readable").path());
    let below = |path: PathBuf| {
        let is_directory = fs::symlink_metadata(&path).expect("there").is_dir();
        let inside = if is_directory { all(&path) } else { Vec::new() };
        std::iter::once(path).chain(inside)
    };
    entries.flat_map(below).collect()
}

/// Only root can make files of others; where the tests run as somebody else there is nothing to try.
#[test]
fn what_a_user_made_before_is_roots_alone_afterwards_and_so_is_all_that_is_installed() {
    let world = world();
    let (victim, directory) = (world.directory.path().join("victim"), world.installed("opt/infiniservice"));
    fs::write(&victim, "untouched").expect("written");
    fs::create_dir_all(&directory).expect("made");
    fs::write(world.installed(PROGRAM), "the user's").expect("written");
    symlink(&victim, directory.join("infiniservice.new")).expect("linked");
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o777)).expect("set");
    if chown(world.installed(PROGRAM), Some(4001), Some(4001)).is_err() {
        return;
    }
    chown(&directory, Some(4001), Some(4001)).expect("set");
    let out = world.run("0000", &[]);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    assert_eq!(fs::read_to_string(&victim).expect("readable"), "untouched");
    assert_eq!(fs::read_to_string(world.installed(PROGRAM)).expect("readable"), "#!/bin/sh\necho new\n");
    let found = all(&world.root());
    assert!(found.len() > 10, "{found:?}");
    for path in found {
        let of = fs::symlink_metadata(&path).expect("there");
        let is_closed = of.is_symlink() || of.permissions().mode() & 0o022 == 0;
        assert!((of.uid(), of.gid()) == (0, 0) && is_closed, "{}: {of:?}", path.display());
    }
}

#[test]
fn removing_leaves_the_configuration_unless_it_is_purged() {
    let world = world();
    world.install(&["--vm-id", "vm-1"]);
    world.install(&["--uninstall"]);
    let gone = [PROGRAM, UNIT, READ_ONLY_UNIT, DROP_IN, RULE, ENABLED, "opt/infiniservice"];
    for gone in gone.into_iter().chain(["usr/local/sbin/infiniservice"]) {
        assert!(fs::symlink_metadata(world.installed(gone)).is_err(), "{gone}");
    }
    assert!(world.installed(CONFIG).exists());
    world.install(&["--uninstall", "--purge"]);
    assert!(!world.installed("etc/infiniservice").exists());
}

#[test]
fn an_incomplete_or_damaged_archive_changes_nothing() {
    let incomplete = world();
    fs::remove_file(incomplete.archive().join("config.toml")).expect("removed");
    assert_eq!(incomplete.run("0022", &[]).status.code(), Some(1));
    let damaged = world();
    fs::write(damaged.archive().join("SHA256SUMS"), format!("{:064}  infiniservice\n", 0)).expect("written");
    assert_eq!(damaged.run("0022", &[]).status.code(), Some(1));
    assert_eq!(fs::read_dir(incomplete.root()).expect("there").count(), 0);
    assert_eq!(fs::read_dir(damaged.root()).expect("there").count(), 0);
}

#[test]
fn a_name_that_would_mean_something_in_a_unit_file_is_refused() {
    for name in ["a b", "a\nExecStartPre=/bin/false", "%h", "a\"", "$(id)", ""] {
        assert_eq!(world().run("0022", &["--vm-id", name]).status.code(), Some(2), "{name:?}");
    }
}

#[test]
fn wrong_arguments_have_the_exit_code_2() {
    let wrong =
        [&["--colour"][..], &["--purge"], &["--vm-id"], &["half"], &["full", "vm", "more"], &["full", ""]];
    for arguments in wrong.into_iter().chain([&["--uninstall", "full"][..]]) {
        assert_eq!(world().run("0022", arguments).status.code(), Some(2), "{arguments:?}");
    }
}

/// What the script has copies of, for a directory with nothing but the program beside it.
const EMBEDDED: [&str; 7] = [
    "infiniservice.service",
    "infiniservice-readonly.service",
    "infiniservice.sysusers",
    "60-infiniservice.rules",
    "61-infiniservice-readonly.rules",
    "80-infiniservice.preset",
    "config.toml",
];

#[test]
fn the_script_has_a_copy_of_each_file_that_it_installs() {
    let packaging = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging");
    let script = packaging.join("install-linux.sh");
    let text = fs::read_to_string(&script).expect("readable");
    let (head, rest) = text.split_once("own_file() {\n").expect("the function");
    let (_, tail) = rest.split_once("# End of what is generated.\n").expect("its end");
    let mut cases = String::new();
    for name in EMBEDDED {
        let file = fs::read_to_string(packaging.join(name)).expect(name);
        for part in ["        ", name, ") cat <<'END_OF_FILE'\n", &file, "END_OF_FILE\n            ;;\n"] {
            cases.push_str(part);
        }
    }
    let wanted = format!(
        "{head}own_file() {{\n    case $1 in\n{cases}    esac\n}}\n# End of what is generated.\n{tail}"
    );
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        fs::write(&script, &wanted).expect("written");
    } else {
        assert!(text == wanted, "UPDATE_GENERATED=1 cargo test -p infiniservice --test it install_script");
    }
}

/// A world as Infinibay's host makes it: the program and the script, and nothing else.
fn bare() -> World {
    let world = world();
    for name in EMBEDDED {
        fs::remove_file(world.archive().join(name)).expect("removed");
    }
    world
}

impl World {
    fn install_as_the_host(&self, secret: Option<&str>) -> Output {
        let script = self.archive().join("install-linux.sh");
        let mut command = Command::new("/bin/sh");
        command.arg(script).arg("--root").arg(self.root()).args(["normal", "8c1f-22"]);
        command.env_remove("INFINISERVICE_SHARED_SECRET");
        command.envs(secret.map(|secret| ("INFINISERVICE_SHARED_SECRET", secret)));
        command.output().expect("sh starts")
    }
}

const PROFILE: &str = "etc/systemd/system/infiniservice.service.d/20-infinibay.conf";
const SECRET: &str = "etc/infiniservice/shared_secret";

#[test]
fn with_nothing_but_the_program_beside_it_the_script_installs_the_same_files() {
    let (bare, full) = (bare(), world());
    assert!(bare.install_as_the_host(None).status.success());
    full.install(&["normal", "8c1f-22"]);
    for path in [PROGRAM, CONFIG, UNIT, READ_ONLY_UNIT, RULE, DROP_IN, PROFILE] {
        let read = |world: &World| fs::read_to_string(world.installed(path)).expect(path);
        assert_eq!(read(&bare), read(&full), "{path}");
        assert_eq!(mode(&bare.installed(path)), mode(&full.installed(path)), "{path}");
    }
    assert!(bare.install_as_the_host(None).status.success(), "again at the first boot");
}

#[test]
fn the_hosts_secret_is_kept_where_only_root_reads_it_and_is_gone_with_the_next_installation_without_one() {
    let world = bare();
    let secret = "0f".repeat(32);
    let out = world.install_as_the_host(Some(&secret));
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let read = |path| fs::read_to_string(world.installed(path)).expect("readable");
    assert_eq!((read(SECRET).trim_end(), mode(&world.installed(SECRET))), (secret.as_str(), 0o600));
    assert!(
        read(PROFILE).contains("INFINISERVICE_WIRE_PROFILE=infinibay") && !read(PROFILE).contains(&secret)
    );
    assert!(read(PROFILE).contains("INFINISERVICE_SHARED_SECRET_FILE=/etc/infiniservice/shared_secret"));
    world.install(&[]);
    assert!(world.installed(SECRET).exists(), "an upgrade by hand keeps both");
    assert!(world.install_as_the_host(None).status.success());
    assert!(!world.installed(SECRET).exists() && !read(PROFILE).contains("SECRET"), "{}", read(PROFILE));
    for bad in ["short", "with a space in it, long enough"] {
        assert!(!world.install_as_the_host(Some(bad)).status.success(), "{bad}");
    }
    world.install(&["full"]);
    assert!(!world.installed(PROFILE).exists());
}
