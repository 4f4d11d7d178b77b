//! Somebody swaps directories for links while the walk runs.

use super::beneath;
use super::in_use::InUse;
use super::remove::put_back;
use super::walk::Walk;
use crate::cleanup::StopFlag;
use crate::cleanup::logs::Logrotate;
use crate::cleanup::rule::{Names, Rule};
use crate::cleanup::tally::Tally;
use infiniservice_protocol::data::CleanedTarget;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use std::fs;
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

/// Swaps that have to succeed before the test ends.
const SWAPS: u32 = 5_000;

/// Puts a filled directory and a link into the place, then swaps directory and link on two levels, as fast as it can. Writes
/// only where no link can lead it outside: what it moves in was filled elsewhere.
fn attack(tmp: &Path, outside: &Path, stage: &Path, done: &AtomicBool) -> u32 {
    let (dir, link) = (tmp.join("dir"), tmp.join("link"));
    let mut swaps = 0;
    while swaps < SWAPS {
        // Whatever the walk has taken away meanwhile is made anew; what is there still may fail.
        fill(stage, outside);
        let _ = fs::remove_file(&dir);
        let _ = fs::rename(stage, &dir);
        let _ = symlink(outside, &link);
        for _ in 0..10 {
            let swapped = |a: &Path, b: &Path| renameat_with(CWD, a, CWD, b, RenameFlags::EXCHANGE).is_ok();
            swaps +=
                u32::from(swapped(&dir, &link)) + u32::from(swapped(&dir.join("sub"), &dir.join("inner")));
        }
    }
    done.store(true, Ordering::Relaxed);
    swaps
}

/// The same names as outside, so that following a link removes those.
fn fill(stage: &Path, outside: &Path) {
    let _ = fs::create_dir_all(stage.join("sub"));
    for name in ["precious", "sub/precious"] {
        let _ = fs::write(stage.join(name), "bait");
    }
    let _ = symlink(outside.join("sub"), stage.join("inner"));
}

fn walk(tmp: &fs::File, in_use: &mut InUse, tally: &mut Tally, about: &mut dyn FnMut(&Path)) {
    let place = beneath::across_mounts(tmp, "tmp").unwrap();
    let rule = Rule { min_age: Duration::ZERO, names: Names::All, whole: false };
    let (now, stop) = (SystemTime::now(), &StopFlag::default());
    let (at, gone) = ("/tmp".into(), &mut |_: &std::ffi::CStr| {});
    let logrotate = &Logrotate::default();
    Walk { rule, dry_run: false, now, stop, in_use, tally, at, gone, about, logrotate }.run(&place).unwrap();
}

/// A walk during which `swap` is run as the last thing before the entry of this name is acted on.
fn walk_with_swap(root: &Path, entry: &str, swap: impl Fn()) -> CleanedTarget {
    let nobody = tempfile::tempdir().unwrap();
    let (mut in_use, mut tally) = (InUse::look(nobody.path()), Tally::default());
    let base = fs::File::open(root).unwrap();
    walk(&base, &mut in_use, &mut tally, &mut |path| {
        if path.ends_with(entry) {
            swap();
        }
    });
    tally.finish("temp")
}

fn reasons(cleaned: &CleanedTarget) -> Vec<(&str, u64)> {
    cleaned.left.iter().map(|left| (left.reason.as_str(), left.count)).collect()
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_fresh_file_that_got_the_name_of_the_judged_one_stays_under_its_name() {
    let root = tempfile::tempdir().unwrap();
    let tmp = root.path().join("tmp");
    fs::create_dir(&tmp).unwrap();
    fs::write(tmp.join("session"), "old").unwrap();
    let cleaned = walk_with_swap(root.path(), "session", || {
        fs::rename(tmp.join("session"), root.path().join("away")).unwrap();
        fs::write(tmp.join("session"), "another's").unwrap();
    });
    assert_eq!(fs::read_to_string(tmp.join("session")).unwrap(), "another's");
    assert_eq!((cleaned.files_deleted, reasons(&cleaned)), (0, vec![("changed", 1)]));
    assert_eq!(names(&tmp), ["session"]);
}

#[test]
fn a_directory_that_got_the_name_of_the_judged_one_stays_under_its_name() {
    let root = tempfile::tempdir().unwrap();
    let tmp = root.path().join("tmp");
    fs::create_dir_all(tmp.join("app-cache")).unwrap();
    let inode = std::cell::Cell::new(0);
    let cleaned = walk_with_swap(root.path(), "app-cache", || {
        fs::rename(tmp.join("app-cache"), root.path().join("away")).unwrap();
        fs::create_dir(tmp.join("app-cache")).unwrap();
        inode.set(tmp.join("app-cache").metadata().unwrap().ino());
    });
    assert_eq!(tmp.join("app-cache").metadata().unwrap().ino(), inode.get());
    assert_eq!((reasons(&cleaned), names(&tmp)), (vec![("changed", 1)], vec!["app-cache".to_owned()]));
}

#[test]
fn a_file_that_was_opened_or_written_after_the_look_stays() {
    let root = tempfile::tempdir().unwrap();
    let tmp = root.path().join("tmp");
    fs::create_dir(&tmp).unwrap();
    fs::write(tmp.join("opened"), "x").unwrap();
    fs::write(tmp.join("written"), "x").unwrap();
    let held = std::cell::RefCell::new(None);
    let cleaned = walk_with_swap(root.path(), "opened", || {
        *held.borrow_mut() = fs::File::open(tmp.join("opened")).ok();
    });
    assert_eq!((cleaned.files_deleted, reasons(&cleaned)), (1, vec![("in_use", 1)]));
    assert_eq!(names(&tmp), ["opened"]);
    drop(held);
    fs::write(tmp.join("written"), "x").unwrap();
    let cleaned = walk_with_swap(root.path(), "written", || fs::write(tmp.join("written"), "more").unwrap());
    assert_eq!((cleaned.files_deleted, reasons(&cleaned)), (1, vec![("changed", 1)]));
    assert_eq!(names(&tmp), ["written"]);
}

#[test]
fn who_had_a_name_first_has_it_again_also_where_it_was_taken_meanwhile() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("aside"), "first").unwrap();
    fs::write(root.path().join("name"), "second").unwrap();
    let directory = fs::File::open(root.path()).unwrap();
    let told = put_back(directory.as_fd(), b"aside", c"name").unwrap_err();
    assert!(told.contains("aside"), "{told}");
    let read = |name: &str| fs::read_to_string(root.path().join(name)).unwrap();
    assert_eq!((read("name"), read("aside")), ("first".to_owned(), "second".to_owned()));
}

#[test]
fn what_lies_outside_survives_thousands_of_swaps_of_directories_for_links() {
    let root = tempfile::tempdir().unwrap();
    let [tmp, outside, stage] = ["tmp", "outside", "stage"].map(|name| root.path().join(name));
    fs::create_dir(&tmp).unwrap();
    fs::create_dir_all(outside.join("sub")).unwrap();
    for name in ["precious", "sub/precious"] {
        fs::write(outside.join(name), "canary").unwrap();
    }
    // No process is looked at: the race is to be as tight as it can be.
    let nobody = tempfile::tempdir().unwrap();
    let (mut in_use, mut tally) = (InUse::look(nobody.path()), Tally::default());
    let done = AtomicBool::new(false);
    let base = fs::File::open(root.path()).unwrap();
    let swaps = std::thread::scope(|scope| {
        let attacker = scope.spawn(|| attack(&tmp, &outside, &stage, &done));
        while !done.load(Ordering::Relaxed) {
            walk(&base, &mut in_use, &mut tally, &mut |_| {});
        }
        attacker.join().unwrap()
    });
    let removed = tally.finish("temp").files_deleted;
    assert!(swaps >= SWAPS && removed > 100, "{swaps} swaps, {removed} removed");
    for name in ["precious", "sub/precious"] {
        let survived = fs::read_to_string(outside.join(name));
        assert_eq!(survived.ok().as_deref(), Some("canary"), "{name}, after {swaps} swaps");
    }
}
