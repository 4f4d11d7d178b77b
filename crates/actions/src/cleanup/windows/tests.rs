//! Cleaning real directories, traps among them.

use super::*;
use crate::cleanup::{StopFlag, clean};
use std::fs;
use std::os::windows::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

const DAY: Duration = Duration::from_secs(86_400);

fn job(root: &Path, target: Target, in_days: u32, dry_run: bool) -> Job {
    Job {
        root: root.to_owned(),
        targets: vec![target],
        older_than: None,
        dry_run,
        now: SystemTime::now() + DAY * in_days,
        stop: StopFlag::default(),
    }
}

fn file(root: &Path, path: &str) -> PathBuf {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, vec![b'x'; 10_000]).unwrap();
    path
}

#[test]
fn old_files_and_the_directories_that_they_leave_empty_go_and_a_dry_run_counts_the_same() {
    let root = tempfile::tempdir().unwrap();
    let own = file(root.path(), r"Windows\Temp\a\b.tmp");
    let theirs = file(root.path(), r"Users\lab\AppData\Local\Temp\c.tmp");
    let other = file(root.path(), r"Users\lab\Documents\d.txt");
    let young = clean(&job(root.path(), Target::Temp, 9, false));
    assert_eq!((young.files_deleted, own.exists()), (0, true));
    let dry = clean(&job(root.path(), Target::Temp, 11, true));
    assert!(own.exists() && theirs.exists());
    let done = clean(&job(root.path(), Target::Temp, 11, false));
    assert_eq!((done.files_deleted, done.targets[0].errors.as_slice()), (2, &[][..]), "{done:?}");
    assert_eq!((dry.files_deleted, dry.space_cleared_mb), (done.files_deleted, done.space_cleared_mb));
    assert!(done.space_cleared_mb >= 0.02, "{done:?}");
    assert!(!own.parent().unwrap().exists() && !theirs.exists() && other.exists());
    assert!(root.path().join(r"Windows\Temp").exists());
}

#[test]
fn what_somebody_has_open_stays_and_is_no_failure() {
    let root = tempfile::tempdir().unwrap();
    let path = file(root.path(), r"Windows\Temp\open.tmp");
    let held = fs::File::options().read(true).share_mode(7).open(&path).unwrap();
    let done = clean(&job(root.path(), Target::Temp, 11, false));
    assert_eq!((done.files_deleted, done.targets[0].errors.len(), path.exists()), (0, 0, true), "{done:?}");
    drop(held);
    assert_eq!(clean(&job(root.path(), Target::Temp, 11, false)).files_deleted, 1);
}

#[test]
fn no_link_is_followed_neither_inside_a_place_nor_on_the_way_to_it() {
    let root = tempfile::tempdir().unwrap();
    let precious = file(root.path(), r"precious\kept.txt");
    let target = precious.parent().unwrap();
    fs::create_dir_all(root.path().join(r"Windows\Temp")).unwrap();
    fs::create_dir_all(root.path().join(r"Users\lab\AppData\Local")).unwrap();
    let links = [r"Windows\Temp\link", r"Users\lab\AppData\Local\Temp"].map(|link| root.path().join(link));
    for link in &links {
        let made = std::os::windows::fs::symlink_dir(target, link);
        // Wine 8 says that it made one, and makes none.
        if made.is_err() || link.symlink_metadata().is_err() {
            eprintln!("SKIPPED: no symbolic links here: {made:?}");
            return;
        }
    }
    let done = clean(&job(root.path(), Target::Temp, 11, false));
    assert_eq!((done.files_deleted, precious.exists()), (0, true), "{done:?}");
    assert!(links.iter().all(|link| link.symlink_metadata().is_ok()), "{done:?}");
}

#[test]
fn each_target_takes_its_own_and_no_more() {
    let root = tempfile::tempdir().unwrap();
    let takes = |target, goes: &[&str], stays: &[&str]| {
        let goes: Vec<_> = goes.iter().map(|path| file(root.path(), path)).collect();
        let stays: Vec<_> = stays.iter().map(|path| file(root.path(), path)).collect();
        let done = clean(&job(root.path(), target, 40, false));
        assert_eq!(done.targets[0].errors, [""; 0], "{done:?}");
        assert!(goes.iter().all(|path| !path.exists()), "{target:?}: {done:?}");
        assert!(stays.iter().all(|path| path.exists()), "{target:?}: {done:?}");
    };
    takes(
        Target::CrashDumps,
        &[r"Windows\MEMORY.DMP", r"Windows\Minidump\a.dmp", r"Users\u\AppData\Local\CrashDumps\b.dmp"],
        &[r"Windows\explorer.exe", r"Windows\System32\MEMORY.DMP", r"Windows\Minidump\readme.txt"],
    );
    takes(
        Target::Thumbnails,
        &[r"Users\u\AppData\Local\Microsoft\Windows\Explorer\thumbcache_32.db"],
        &[r"Users\u\AppData\Local\Microsoft\Windows\Explorer\other.db"],
    );
    takes(
        Target::Trash,
        &[r"$Recycle.Bin\S-1-5-21-1\$RABC\inner\x.txt", r"$Recycle.Bin\S-1-5-21-1\$IABC"],
        &[r"$Recycle.Bin\S-1-5-21-1\desktop.ini"],
    );
    takes(Target::PackageCache, &[r"Windows\SoftwareDistribution\Download\h\x.cab"], &[]);
    takes(Target::Logs, &[r"Windows\Logs\CBS\CbsPersist_1.cab"], &[r"Windows\Logs\CBS\CBS.log"]);
}
