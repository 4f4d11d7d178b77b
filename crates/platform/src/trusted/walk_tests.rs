//! The walk in directories of the test's own, as root would be protected. What belongs to others takes root to be made.

use super::*;
use rustix::fs::{Gid, Uid};
use std::fs::{self, Permissions};
use std::io::Read as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;

fn text(path: &Path) -> Result<String, String> {
    match open_walking(path, rustix::process::geteuid().is_root().then_some(0)) {
        Ok((mut file, _)) => {
            let mut text = String::new();
            file.read_to_string(&mut text).map_err(|e| e.to_string())?;
            Ok(text)
        }
        Err(NotOpened::Missing) => Err("missing".into()),
        Err(NotOpened::Refused(problem)) => Err(problem),
    }
}

fn place() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().canonicalize().unwrap();
    fs::create_dir(path.join("etc")).unwrap();
    fs::write(path.join("etc/real.toml"), "real").unwrap();
    fs::set_permissions(path.join("etc/real.toml"), Permissions::from_mode(0o600)).unwrap();
    (directory, path)
}

fn give_away(path: &Path) {
    let his = (Some(Uid::from_raw(4001)), Some(Gid::from_raw(4001)));
    rustix::fs::chownat(CWD, path, his.0, his.1, AtFlags::SYMLINK_NOFOLLOW).unwrap();
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[test]
fn links_dots_and_relative_ways_lead_to_the_file() {
    let (_directory, path) = place();
    symlink("etc/real.toml", path.join("relative")).unwrap();
    symlink(path.join("relative"), path.join("absolute")).unwrap();
    for name in ["etc/real.toml", "etc/../etc/./real.toml", "relative", "absolute"] {
        assert_eq!(text(&path.join(name)), Ok("real".to_owned()), "{name}");
    }
    assert_eq!(text(&path.join("etc/none")), Err("missing".to_owned()));
    symlink("nowhere", path.join("broken")).unwrap();
    assert_eq!(text(&path.join("broken")), Err("missing".to_owned()));
    symlink("loop", path.join("loop")).unwrap();
    assert!(text(&path.join("loop")).unwrap_err().contains("symbolic links"));
}

#[test]
fn only_regular_files_are_opened_and_none_is_waited_for() {
    let (_directory, path) = place();
    rustix::fs::mknodat(CWD, path.join("fifo"), FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
    for name in [path.join("fifo"), path.join("etc"), "/dev/null".into(), "/dev/zero".into()] {
        assert_eq!(text(&name), Err("is not a regular file".to_owned()), "{}", name.display());
    }
}

#[test]
fn a_link_to_a_file_of_the_kernel_that_waits_for_messages_holds_nobody_up() {
    let (_directory, path) = place();
    symlink("/proc/kmsg", path.join("kmsg")).unwrap();
    let Ok((mut file, _)) = open_walking(&path.join("kmsg"), None) else { return };
    let mut bytes = [0; 4096];
    // Until nothing is left, which without O_NONBLOCK would never be known.
    while file.read(&mut bytes).is_ok_and(|count| count > 0) {}
}

#[test]
fn what_another_user_could_exchange_on_the_way_is_refused() {
    if !is_root() {
        return;
    }
    let (_directory, path) = place();
    symlink(path.join("etc/real.toml"), path.join("his")).unwrap();
    give_away(&path.join("his"));
    assert!(text(&path.join("his")).unwrap_err().contains("a link on its path"));
    fs::create_dir(path.join("home")).unwrap();
    symlink(path.join("etc/real.toml"), path.join("home/link")).unwrap();
    give_away(&path.join("home"));
    assert!(
        text(&path.join("home/link")).unwrap_err().contains("its directory"),
        "though the file itself is root's"
    );
    fs::create_dir(path.join("open")).unwrap();
    fs::set_permissions(path.join("open"), Permissions::from_mode(0o777)).unwrap();
    assert!(text(&path.join("open/../etc/real.toml")).unwrap_err().contains("its directory"));
    give_away(&path.join("etc/real.toml"));
    assert!(text(&path.join("etc/real.toml")).unwrap_err().contains("belongs to uid 4001"));
}

#[test]
fn code_that_others_could_change_or_replace_is_refused() {
    let (_directory, path) = place();
    let program = path.join("etc/check");
    fs::write(&program, "#!/bin/sh\n").unwrap();
    let opened = |mode| {
        fs::set_permissions(&program, Permissions::from_mode(mode)).unwrap();
        TrustedFile::open_code(&program).map(|found| found.is_some_and(|code| code.is_executable()))
    };
    assert_eq!((opened(0o755), opened(0o644)), (Ok(true), Ok(false)));
    assert!(opened(0o757).unwrap_err().contains("lets others write to it"));
    assert!(TrustedFile::open_code(&path.join("etc/none")).unwrap().is_none());
    fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(path.join("etc"), Permissions::from_mode(0o777)).unwrap();
    let why = TrustedFile::open_code(&program).unwrap_err();
    assert!(why.contains("its directory"), "{why}");
}
