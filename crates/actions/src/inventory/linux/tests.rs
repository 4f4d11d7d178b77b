//! Made-up trees of files.

use super::*;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

const IMAGE: &[u8] = b"\x7fELF\x02\x01\x01\0AI\x02rest";

/// However slow the machine that runs the tests is.
const AMPLE: Times = Times { home: Duration::from_secs(3600), all: Duration::from_secs(3600) };

struct Tree(tempfile::TempDir);

impl Tree {
    fn new() -> Self {
        let this = Self(tempfile::tempdir().unwrap());
        let uid = rustix::process::geteuid().as_raw();
        this.file("etc/passwd", format!("u:x:{uid}:1::/home/u:/bin/sh\n").as_bytes());
        this
    }

    fn file(&self, path: &str, contents: &[u8]) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, contents).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn names(&self) -> Vec<(String, String)> {
        let mut selection = Selection::new(None, None, 4 << 20);
        let entries = files_within(AMPLE, self.0.path(), &mut selection, &StopFlag::default()).unwrap();
        let data = selection.finish();
        assert_eq!(data.incomplete, [""; 0]);
        let mut all: Vec<_> =
            entries.into_iter().chain(data.applications).map(|a| (a.source, a.name)).collect();
        all.sort();
        all
    }
}

fn entry_of(name: &str) -> Vec<u8> {
    format!("[Desktop Entry]\nType=Application\nName={name}\nExec=/tmp/marker\n").into_bytes()
}

#[test]
fn entries_and_images_of_system_and_homes_are_found() {
    let tree = Tree::new();
    tree.file("usr/share/applications/a.desktop", &entry_of("System"));
    tree.file("home/u/.local/share/applications/b.desktop", &entry_of("Own"));
    tree.file("home/u/Applications/Tool-1.0.AppImage", IMAGE);
    tree.file("opt/Other.AppImage", IMAGE);
    tree.file("opt/fake.AppImage", b"#!/bin/sh\n");
    let all = tree.names();
    let told: Vec<_> = all.iter().map(|(source, name)| format!("{source} {name}")).collect();
    assert_eq!(told, ["appimage Other", "appimage Tool", "desktop Own", "desktop System"]);
}

#[test]
fn links_pipes_and_huge_files_in_homes_are_left_alone() {
    let tree = Tree::new();
    let applications = "home/u/.local/share/applications";
    tree.file("secret.desktop", &entry_of("Secret"));
    tree.file(&format!("{applications}/huge.desktop"), &entry_of(&"x".repeat(300 << 10)));
    let directory = tree.0.path().join(applications);
    symlink(tree.0.path().join("secret.desktop"), directory.join("link.desktop")).unwrap();
    assert!(Command::new("mkfifo").arg(directory.join("pipe.desktop")).status().unwrap().success());
    symlink(tree.0.path().join("opt"), tree.0.path().join("home/u/Applications")).unwrap();
    assert_eq!(tree.names(), []);
}

#[test]
fn entries_of_packages_are_not_told_twice() {
    let at = |path: &str| Application { install_location: Some(path.into()), ..Application::default() };
    let left = without_owned(vec![at("/a"), at("/b")], &HashSet::from(["/a".to_owned()]));
    assert_eq!(left, [at("/b")]);
}

#[test]
fn a_file_with_thousands_of_names_is_read_once_and_told_once() {
    let tree = Tree::new();
    let applications = "home/u/.local/share/applications";
    tree.file(&format!("{applications}/0.desktop"), &[entry_of("One"), vec![b'\n'; 250 << 10]].concat());
    let directory = tree.0.path().join(applications);
    for n in 1..2_000 {
        fs::hard_link(directory.join("0.desktop"), directory.join(format!("{n}.desktop"))).unwrap();
    }
    // Were each name read, the home's budget of bytes would be spent long before.
    assert_eq!(tree.names(), [("desktop".to_owned(), "One".to_owned())]);
}

#[test]
fn what_a_home_has_beyond_its_budget_is_left_out_and_said_and_costs_others_nothing() {
    let tree = Tree::new();
    let uid = rustix::process::geteuid().as_raw();
    let users = format!("u:x:{uid}:1::/home/u:/bin/sh\nv:x:{uid}:1::/home/v:/bin/sh\n");
    tree.file("etc/passwd", users.as_bytes());
    for n in 0..40 {
        let large = [entry_of(&format!("Large {n}")), vec![b'\n'; 255 << 10]].concat();
        tree.file(&format!("home/u/.local/share/applications/{n}.desktop"), &large);
    }
    tree.file("home/v/.local/share/applications/small.desktop", &entry_of("Small"));
    let mut selection = Selection::new(None, None, 4 << 20);
    files_within(AMPLE, tree.0.path(), &mut selection, &StopFlag::default()).unwrap();
    let data = selection.finish();
    assert_eq!(data.incomplete, ["/home/u: not all files were examined: its files are too large"]);
    assert!(data.applications.iter().any(|found| found.name == "Small") && data.count < 40, "{}", data.count);
}

#[test]
fn a_walk_that_is_stopped_reads_nothing_more_and_says_so() {
    let tree = Tree::new();
    tree.file("home/u/.local/share/applications/b.desktop", &entry_of("Own"));
    let (mut selection, stop) = (Selection::new(None, None, 4 << 20), StopFlag::default());
    stop.set();
    files_within(AMPLE, tree.0.path(), &mut selection, &stop).unwrap();
    let data = selection.finish();
    assert!(data.count == 0 && data.incomplete.concat().contains("stopped"), "{data:?}");
}

#[test]
fn a_home_whose_time_is_over_is_left_out_and_said_and_costs_others_nothing() {
    let tree = Tree::new();
    tree.file("home/u/.local/share/applications/b.desktop", &entry_of("Own"));
    tree.file("usr/share/applications/a.desktop", &entry_of("System"));
    let mut selection = Selection::new(None, None, 4 << 20);
    let times = Times { home: Duration::ZERO, ..AMPLE };
    let entries = files_within(times, tree.0.path(), &mut selection, &StopFlag::default()).unwrap();
    let data = selection.finish();
    assert_eq!((entries.len(), data.count), (1, 0));
    assert_eq!(data.incomplete, ["/home/u: not all files were examined: it took too long"]);
}

#[test]
fn a_snap_is_where_the_distribution_mounts_it() {
    let snaps = || {
        ["hello", "absent"].map(|name| Application {
            name: name.into(),
            source: "snap".into(),
            ..Application::default()
        })
    };
    let place = |below: &str| {
        let tree = Tree::new();
        tree.file(&format!("{below}/hello/42/meta"), b"");
        symlink("42", tree.0.path().join(below).join("hello/current")).unwrap();
        let mut all = snaps();
        place_snaps(tree.0.path(), &mut all);
        all.map(|snap| snap.install_location)
    };
    assert_eq!(place("snap"), [Some("/snap/hello/current".into()), None]);
    assert_eq!(place("var/lib/snapd/snap"), [Some("/var/lib/snapd/snap/hello/current".into()), None]);
}
