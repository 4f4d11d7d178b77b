//! Somebody swaps directories for links while the walk runs.

use super::beneath;
use super::in_use::InUse;
use super::walk::Walk;
use crate::cleanup::StopFlag;
use crate::cleanup::rule::{Names, Rule};
use crate::cleanup::tally::Tally;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use std::fs;
use std::os::unix::fs::symlink;
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

fn walk(tmp: &fs::File, in_use: &mut InUse, tally: &mut Tally) {
    let place = beneath::across_mounts(tmp, "tmp").unwrap();
    let rule = Rule { min_age: Duration::ZERO, names: Names::All, whole: false };
    let (now, stop) = (SystemTime::now(), &StopFlag::default());
    let (at, gone) = ("/tmp".into(), &mut |_: &std::ffi::CStr| {});
    Walk { rule, dry_run: false, now, stop, in_use, tally, at, gone }.run(&place).unwrap();
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
            walk(&base, &mut in_use, &mut tally);
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
