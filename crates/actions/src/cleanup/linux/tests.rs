//! Cleaning made-up trees.

use crate::cleanup::{Job, StopFlag, Target, clean, days};
use infiniservice_protocol::data::{CleanedTarget, DiskCleanupData};
use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;
use tempfile::TempDir;

/// A machine with one user, whoever runs the tests, and something outside of every target.
pub(super) struct Tree {
    root: TempDir,
}

impl Tree {
    pub fn new() -> Self {
        let this = Self { root: tempfile::tempdir().unwrap() };
        let uid = rustix::process::geteuid().as_raw();
        this.file("etc/passwd", &format!("u:x:{uid}:1::/home/u:/bin/sh\n"));
        this.file("precious/file", "must survive");
        fs::create_dir_all(this.path("tmp")).unwrap();
        this
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    pub fn file(&self, path: &str, contents: &str) {
        fs::create_dir_all(self.path(path).parent().unwrap()).unwrap();
        fs::write(self.path(path), contents).unwrap();
    }

    pub fn has(&self, path: &str) -> bool {
        self.path(path).symlink_metadata().is_ok()
    }

    pub fn job(&self, target: Target) -> Job {
        Job {
            root: self.root.path().to_path_buf(),
            targets: vec![target],
            older_than: None,
            dry_run: false,
            // The change time of a file cannot be set back, so the clock is set forward.
            now: SystemTime::now() + days(100),
            stop: StopFlag::default(),
        }
    }

    pub fn clean(&self, target: Target) -> CleanedTarget {
        only(clean(&self.job(target)))
    }

    fn assert_precious(&self) {
        assert_eq!(fs::read_to_string(self.path("precious/file")).unwrap(), "must survive");
    }
}

pub(super) fn only(data: DiskCleanupData) -> CleanedTarget {
    let [target] = <[CleanedTarget; 1]>::try_from(data.targets).unwrap();
    target
}

fn is_root(what: &str) -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        eprintln!("left out: {what} takes root");
    }
    root
}

#[test]
fn a_dry_run_tells_what_the_real_one_then_removes() {
    let tree = Tree::new();
    tree.file("tmp/a/b/large", &"x".repeat(100_000));
    tree.file("tmp/a/small", "x");
    fs::hard_link(tree.path("tmp/a/b/large"), tree.path("tmp/second-name")).unwrap();
    symlink("a/small", tree.path("tmp/link")).unwrap();
    let dry = clean(&Job { dry_run: true, ..tree.job(Target::Temp) });
    assert!(tree.has("tmp/a/b/large") && tree.has("tmp/link"));
    let real = clean(&tree.job(Target::Temp));
    assert_eq!((dry.dry_run, real.dry_run), (true, false));
    assert_eq!((dry.files_deleted, &dry.targets), (4, &real.targets));
    assert!(real.space_cleared_mb > 0.1 && real.space_cleared_mb < 0.15, "{real:?}");
    assert!(tree.has("tmp") && fs::read_dir(tree.path("tmp")).unwrap().next().is_none());
}

#[test]
fn what_is_younger_than_asked_stays_with_its_directory() {
    let tree = Tree::new();
    tree.file("tmp/a/file", "x");
    let job = Job { older_than: Some(days(101)), ..tree.job(Target::Temp) };
    assert_eq!(clean(&job).files_deleted, 0);
    let defaults = Job { now: SystemTime::now() + days(9), ..tree.job(Target::Temp) };
    assert_eq!(clean(&defaults).files_deleted, 0);
    assert!(tree.has("tmp/a/file"));
    let any = Job { older_than: Some(days(0)), now: SystemTime::now(), ..tree.job(Target::Temp) };
    assert_eq!(clean(&any).files_deleted, 1);
    assert!(!tree.has("tmp/a"));
}

#[test]
fn links_are_removed_and_never_followed() {
    let tree = Tree::new();
    symlink(tree.path("precious"), tree.path("tmp/absolute")).unwrap();
    symlink("../precious", tree.path("tmp/relative")).unwrap();
    symlink("../precious/file", tree.path("tmp/file")).unwrap();
    assert_eq!(tree.clean(Target::Temp).files_deleted, 3);
    tree.assert_precious();
}

#[test]
fn a_place_that_is_a_link_is_left_and_told() {
    let tree = Tree::new();
    fs::remove_dir(tree.path("tmp")).unwrap();
    symlink("precious", tree.path("tmp")).unwrap();
    let cleaned = tree.clean(Target::Temp);
    assert!(cleaned.errors[0].contains("symbolic link"), "{cleaned:?}");
    assert_eq!(cleaned.files_deleted, 0);
    tree.assert_precious();
}

#[test]
fn a_hard_link_loses_its_name_here_only_and_frees_nothing() {
    let tree = Tree::new();
    fs::hard_link(tree.path("precious/file"), tree.path("tmp/file")).unwrap();
    let cleaned = tree.clean(Target::Temp);
    assert_eq!((cleaned.files_deleted, cleaned.space_cleared_mb), (1, 0.0));
    tree.assert_precious();
}

#[test]
fn open_files_sockets_and_pipes_stay_and_so_do_their_directories() {
    let tree = Tree::new();
    tree.file("tmp/d/open", "x");
    tree.file("tmp/d/closed", "x");
    let open = fs::File::open(tree.path("tmp/d/open")).unwrap();
    let listener = UnixListener::bind(tree.path("tmp/socket")).unwrap();
    drop(listener);
    assert!(Command::new("mkfifo").arg(tree.path("tmp/pipe")).status().unwrap().success());
    assert_eq!(tree.clean(Target::Temp).files_deleted, 1);
    assert!(tree.has("tmp/d/open") && tree.has("tmp/socket") && tree.has("tmp/pipe"));
    assert!(!tree.has("tmp/d/closed"));
    drop(open);
    assert_eq!(tree.clean(Target::Temp).files_deleted, 1);
}

#[test]
fn a_directory_that_somebody_works_in_stays_whole() {
    let tree = Tree::new();
    tree.file("tmp/work/file", "x");
    let mut sleeper = Command::new("sleep").arg("1000").current_dir(tree.path("tmp/work")).spawn().unwrap();
    let held = tree.clean(Target::Temp);
    sleeper.kill().unwrap();
    sleeper.wait().unwrap();
    assert_eq!((held.files_deleted, tree.clean(Target::Temp).files_deleted), (0, 1));
}

#[test]
fn private_directories_of_services_stay() {
    let tree = Tree::new();
    tree.file("tmp/systemd-private-1-ntpd.service-2/tmp/file", "x");
    tree.file("tmp/.X0-lock", "7");
    tree.file("var/tmp/systemd-private-1-ntpd.service-2/tmp/file", "x");
    assert_eq!(tree.clean(Target::Temp).files_deleted, 0);
}

#[test]
fn package_caches_lose_their_packages_and_keep_their_locks() {
    let tree = Tree::new();
    for name in
        ["apt/archives/a.deb", "apt/archives/partial/b.deb", "dnf/x/packages/c.rpm", "apt/pkgcache.bin"]
    {
        tree.file(&format!("var/cache/{name}"), "x");
    }
    tree.file("var/cache/apt/archives/lock", "");
    tree.file("var/cache/dnf/metadata_lock.pid", "7");
    assert_eq!(tree.clean(Target::PackageCache).files_deleted, 3);
    assert!(tree.has("var/cache/apt/archives/lock") && tree.has("var/cache/apt/pkgcache.bin"));
    assert!(tree.has("var/cache/apt/archives/partial") && tree.has("var/cache/dnf/metadata_lock.pid"));
}

#[test]
fn crash_dumps_go_after_a_week() {
    let tree = Tree::new();
    tree.file("var/crash/_usr_bin_x.1000.crash", "x");
    tree.file("var/lib/systemd/coredump/core.x.zst", "x");
    let early = Job { now: SystemTime::now() + days(6), ..tree.job(Target::CrashDumps) };
    assert_eq!(clean(&early).files_deleted, 0);
    assert_eq!(tree.clean(Target::CrashDumps).files_deleted, 2);
}

#[test]
fn thrown_away_things_go_with_their_notes() {
    let tree = Tree::new();
    let trash = "home/u/.local/share/Trash";
    tree.file(&format!("{trash}/files/project/src/main.c"), "x");
    tree.file(&format!("{trash}/info/project.trashinfo"), "[Trash Info]");
    let dry = only(clean(&Job { dry_run: true, ..tree.job(Target::Trash) }));
    assert!(tree.has(&format!("{trash}/info/project.trashinfo")));
    assert_eq!(tree.clean(Target::Trash), dry);
    assert_eq!(dry.files_deleted, 1);
    assert!(!tree.has(&format!("{trash}/files/project")));
    assert!(!tree.has(&format!("{trash}/info/project.trashinfo")));
}

#[test]
fn a_home_that_leads_elsewhere_is_not_followed() {
    let tree = Tree::new();
    fs::create_dir_all(tree.path("home/u/.cache")).unwrap();
    symlink(tree.path("precious"), tree.path("home/u/.cache/thumbnails")).unwrap();
    symlink(tree.path("precious"), tree.path("home/u/.local")).unwrap();
    tree.file("precious/share/Trash/files/kept", "x");
    assert_eq!(tree.clean(Target::Thumbnails).files_deleted + tree.clean(Target::Trash).files_deleted, 0);
    tree.assert_precious();
}

#[test]
fn thumbnails_of_a_home_that_belongs_to_somebody_else_stay() {
    if !is_root("a directory of another user") {
        return;
    }
    let tree = Tree::new();
    tree.file("home/u/.cache/thumbnails/large/a.png", "x");
    chown(tree.path("home/u"), Some(1000), None).unwrap();
    assert_eq!(tree.clean(Target::Thumbnails).files_deleted, 0);
    chown(tree.path("home/u"), Some(0), None).unwrap();
    assert_eq!(tree.clean(Target::Thumbnails).files_deleted, 1);
}

#[test]
fn nobody_gets_others_files_removed_by_putting_their_directory_into_his_own() {
    if !is_root("a directory of another user") {
        return;
    }
    let tree = Tree::new();
    tree.file("tmp/mine/theirs/file", "x");
    tree.file("tmp/mine/own", "x");
    chown(tree.path("tmp/mine"), Some(1000), None).unwrap();
    assert_eq!(tree.clean(Target::Temp).files_deleted, 1);
    assert!(tree.has("tmp/mine/theirs/file"));
}

#[test]
fn a_tree_of_any_depth_is_survived_and_told() {
    let tree = Tree::new();
    let deep = ["d"; 150].join("/");
    tree.file(&format!("tmp/{deep}/file"), "x");
    let cleaned = tree.clean(Target::Temp);
    assert_eq!((cleaned.files_deleted, cleaned.errors.len()), (0, 1));
    assert!(cleaned.errors[0].ends_with("too deep, skipped"), "{cleaned:?}");
}

#[test]
fn names_that_are_no_text_are_removed_all_the_same() {
    let tree = Tree::new();
    let name = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"\xff\n\x1b[31m");
    fs::write(tree.path("tmp").join(name), "x").unwrap();
    assert_eq!(tree.clean(Target::Temp).files_deleted, 1);
}

#[test]
fn a_walk_that_is_told_to_end_removes_nothing_more() {
    let tree = Tree::new();
    tree.file("tmp/file", "x");
    let job = tree.job(Target::Temp);
    job.stop.set();
    assert_eq!(clean(&job).files_deleted, 0);
    assert!(tree.has("tmp/file"));
}

const INSIDE: &str = "CLEANUP_TEST_INSIDE_NAMESPACE";

#[test]
fn nested_mounts_are_left() {
    if std::env::var_os(INSIDE).is_some() {
        return with_nested_mounts();
    }
    if !is_root("a mount") {
        return;
    }
    let name = "cleanup::linux::tests::nested_mounts_are_left";
    let mut inside = Command::new("unshare");
    inside.arg("--mount").arg(std::env::current_exe().unwrap()).args([name, "--exact"]).env(INSIDE, "1");
    let output = inside.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

/// A file system of its own, and a directory of the same one mounted a second time.
fn with_nested_mounts() {
    let tree = Tree::new();
    for name in ["other", "same"] {
        fs::create_dir(tree.path("tmp").join(name)).unwrap();
    }
    mount(&["-t", "tmpfs", "none"], &tree.path("tmp/other"));
    mount(&["--bind", tree.path("precious").to_str().unwrap()], &tree.path("tmp/same"));
    on_an_overlay();
    tree.file("tmp/other/file", "x");
    tree.file("tmp/file", "x");
    assert_eq!(tree.clean(Target::Temp).files_deleted, 1);
    assert!(tree.has("tmp/other/file"));
    tree.assert_precious();
}

/// Where the numbers in `/proc/PID/maps` are of another device than the file's own.
fn on_an_overlay() {
    let (tree, layers) = (Tree::new(), tempfile::tempdir().unwrap());
    mount(&["-t", "tmpfs", "none"], layers.path());
    let [upper, work] = ["upper", "work"].map(|name| layers.path().join(name));
    for layer in [&upper, &work] {
        fs::create_dir(layer).unwrap();
    }
    let options = format!("lowerdir=/bin,upperdir={},workdir={}", upper.display(), work.display());
    mount(&["-t", "overlay", "overlay", "-o", &options], &tree.path("tmp"));
    fs::copy("/bin/sleep", tree.path("tmp/sleep-of-test")).unwrap();
    let mut running = Command::new(tree.path("tmp/sleep-of-test")).arg("1000").spawn().unwrap();
    let job = Job { dry_run: true, ..tree.job(Target::Temp) };
    let held = only(clean(&job));
    running.kill().unwrap();
    running.wait().unwrap();
    assert_eq!(only(clean(&job)).files_deleted, held.files_deleted + 1);
}

fn mount(what: &[&str], at: &Path) {
    assert!(Command::new("mount").args(what).arg(at).status().unwrap().success());
}
