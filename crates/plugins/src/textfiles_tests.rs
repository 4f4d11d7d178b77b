//! Files of figures: whose they may be, and what of them is told.

use super::*;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use std::fs::{self, File, hard_link};
use std::os::unix::fs::{chown, symlink};
use std::time::Duration;
use tempfile::TempDir;

fn directory(files: &[(&str, &str)]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(directory.path().join(name), text).unwrap();
    }
    directory
}

fn error(files: &Files, name: &str) -> String {
    let (plugin, _) = &files.files[name];
    assert!(!plugin.ok && plugin.series.is_empty(), "{plugin:?}");
    plugin.error.clone().unwrap()
}

#[test]
fn files_are_told_by_their_names_with_their_age_and_one_that_is_torn_costs_itself() {
    let place = directory(&[
        ("apt.prom", "# TYPE apt_upgrades gauge\napt_upgrades 3\n"),
        ("torn.prom", "apt_upgrades 3\napt_upgr"),
        ("apt.prom.1234", "apt_upgrades 3\n"),
        (".apt.prom", "apt_upgrades 3\n"),
        ("notes.txt", "x"),
    ]);
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_415_400);
    let written = now - Duration::from_secs(90);
    File::options().write(true).open(place.path().join("apt.prom")).unwrap().set_modified(written).unwrap();
    let files = read(place.path(), now);
    assert_eq!(files.files.keys().collect::<Vec<_>>(), ["apt.prom", "torn.prom"]);
    let (apt, total) = &files.files["apt.prom"];
    assert_eq!((apt.ok, apt.age_ms, *total, apt.duration_ms), (true, 90_000, 1, None));
    assert_eq!(apt.modified_at.as_deref(), Some("2026-11-23T06:28:30.000Z"));
    assert!(error(&files, "torn.prom").contains("line 2 does not end with a newline"));
    assert_eq!(files.problem, None);
}

#[test]
fn no_link_pipe_or_other_name_of_a_file_elsewhere_is_read_or_waited_for() {
    let place = directory(&[("real.prom", "a 1\n")]);
    let path = |name: &str| place.path().join(name);
    symlink("real.prom", path("link.prom")).unwrap();
    hard_link(path("real.prom"), path("second.prom")).unwrap();
    mknodat(CWD, path("pipe.prom"), FileType::Fifo, Mode::from_raw_mode(0o644), 0).unwrap();
    fs::create_dir(path("directory.prom")).unwrap();
    fs::write(path("long.prom"), "a".repeat(300 << 10)).unwrap();
    fs::write(path("binary.prom"), b"a\xff 1\n").unwrap();
    let files = read(place.path(), SystemTime::now());
    for (name, why) in [
        ("link.prom", "symbolic link"),
        ("second.prom", "several names"),
        ("real.prom", "several names"),
        ("pipe.prom", "not a regular file"),
        ("directory.prom", "not a regular file"),
        ("long.prom", "longer than 262144 bytes"),
        ("binary.prom", "is not UTF-8 at byte 1"),
    ] {
        assert!(error(&files, name).contains(why), "{name}: {}", error(&files, name));
    }
}

#[test]
fn a_file_that_another_user_put_there_is_refused() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let place = directory(&[("own.prom", "a 1\n"), ("roots.prom", "b 1\n"), ("planted.prom", "c 1\n")]);
    chown(place.path(), Some(4001), None).unwrap();
    chown(place.path().join("own.prom"), Some(4001), None).unwrap();
    chown(place.path().join("planted.prom"), Some(4002), None).unwrap();
    let files = read(place.path(), SystemTime::now());
    assert!(files.files["own.prom"].0.ok && files.files["roots.prom"].0.ok);
    assert!(error(&files, "planted.prom").contains("it belongs to uid 4002"));
}

#[test]
fn a_directory_that_is_not_there_is_told_and_too_many_files_are_bounded() {
    let place = directory(&[]);
    let none = read(&place.path().join("none"), SystemTime::now());
    assert!(none.files.is_empty() && none.problem.unwrap().ends_with("none does not exist"));
    for n in 0..70 {
        fs::write(place.path().join(format!("f{n:02}.prom")), "a 1\n").unwrap();
    }
    let many = read(place.path(), SystemTime::now());
    assert_eq!(many.files.len(), MAX_FILES);
    assert!(many.problem.unwrap().ends_with("has 70 files .prom; the first 64 are read"));
    let series: Vec<String> = (0..1200).map(|n| format!("a{{n=\"{n}\"}} 1\n")).collect();
    let place = directory(&[("many.prom", &series.concat())]);
    let (many, total) = &read(place.path(), SystemTime::now()).files["many.prom"];
    assert_eq!((many.series.len(), *total), (MAX_SERIES, 1200));
}
