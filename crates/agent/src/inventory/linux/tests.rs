//! Made-up trees of files.

use super::*;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

const IMAGE: &[u8] = b"\x7fELF\x02\x01\x01\0AI\x02rest";

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
        let (entries, others) = files(self.0.path()).unwrap();
        let mut all: Vec<_> = entries.into_iter().chain(others).map(|a| (a.source, a.name)).collect();
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
