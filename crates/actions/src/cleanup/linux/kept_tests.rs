//! What stays: data that is named like rotated logs, and what was used lately or is locked.

use super::tests::{Tree, only};
use crate::cleanup::{Job, Target, clean, days};
use std::fs;
use std::time::SystemTime;

#[test]
fn of_logs_only_rotated_ones_go_and_no_directory() {
    let tree = Tree::new();
    for name in
        ["syslog", "syslog.1", "apt/history.log.2.gz", "audit/audit.log.1", "journal/f/system@1.journal.1"]
    {
        tree.file(&format!("var/log/{name}"), "x");
    }
    tree.file("var/log/apt/history.log", "x");
    assert_eq!(tree.clean(Target::Logs).files_deleted, 2);
    assert!(tree.has("var/log/syslog") && tree.has("var/log/apt") && tree.has("var/log/audit/audit.log.1"));
    assert!(tree.has("var/log/journal/f/system@1.journal.1"));
}

#[test]
fn data_that_is_named_like_rotated_logs_stays_and_is_counted_by_its_reason() {
    let tree = Tree::new();
    let kept = [
        "freeradius/radacct/192.0.2.7/detail-20261001",
        "freeradius/192.0.2.7",
        "perf/host/20261001.0",
        "perf/host/20261001.index",
        "mysql/mysql-bin.000123",
        "dnf.log-20261123",
    ];
    for name in &kept {
        tree.file(&format!("var/log/{name}"), "x");
    }
    tree.file("var/log/app.log", "x");
    tree.file("var/log/app.log.1", "x");
    let dry = only(clean(&Job { dry_run: true, ..tree.job(Target::Logs) }));
    let cleaned = tree.clean(Target::Logs);
    assert_eq!((cleaned.files_deleted, &cleaned), (1, &dry));
    for name in &kept {
        assert!(tree.has(&format!("var/log/{name}")), "{name}");
    }
    let told: Vec<_> = cleaned.left.iter().map(|left| (left.reason.as_str(), left.count)).collect();
    assert_eq!(told, [("no_base", 3), ("indexed", 1), ("own_rules", 1)]);
}

#[test]
fn dates_go_where_logrotates_state_and_configuration_say_that_it_made_them() {
    let tree = Tree::new();
    tree.file(
        "var/lib/logrotate/logrotate.status",
        "logrotate state -- version 2\n\"/var/log/dnf.log\" 2026-11-23-0:0:0\n",
    );
    tree.file("etc/logrotate.conf", "weekly\ndateext\ninclude /etc/logrotate.d\n");
    tree.file("etc/logrotate.d/dnf", "/var/log/dnf.log {\n missingok\n}\n");
    tree.file("var/log/dnf.log-20261123.gz", "x");
    tree.file("var/log/other.log-20261123.gz", "x");
    assert_eq!(tree.clean(Target::Logs).files_deleted, 1);
    assert!(tree.has("var/log/other.log-20261123.gz"));
}

#[test]
fn what_was_read_lately_stays_and_so_does_a_directory_that_was_changed_lately() {
    let tree = Tree::new();
    tree.file("tmp/read", "x");
    tree.file("tmp/filled/file", "x");
    let (old, lately) = (SystemTime::now(), SystemTime::now() + days(95));
    let times = |accessed, modified| fs::FileTimes::new().set_accessed(accessed).set_modified(modified);
    let set = |path: &str, times| fs::File::open(tree.path(path)).unwrap().set_times(times).unwrap();
    set("tmp/read", times(lately, old));
    set("tmp/filled", times(old, lately));
    assert_eq!(tree.clean(Target::Temp).files_deleted, 1);
    assert!(tree.has("tmp/read") && tree.has("tmp/filled") && !tree.has("tmp/filled/file"));
    let later = Job { now: SystemTime::now() + days(106), ..tree.job(Target::Temp) };
    assert_eq!(only(clean(&later)).files_deleted, 1);
    assert!(!tree.has("tmp/read"));
}

#[test]
fn a_dry_run_leaves_no_trace_in_the_ages_of_directories() {
    let tree = Tree::new();
    tree.file("tmp/a/file", "x");
    let old = SystemTime::now() - days(1);
    let times = fs::FileTimes::new().set_accessed(old).set_modified(old);
    fs::File::open(tree.path("tmp/a")).unwrap().set_times(times).unwrap();
    clean(&Job { dry_run: true, ..tree.job(Target::Temp) });
    assert_eq!(tree.path("tmp/a").metadata().unwrap().accessed().unwrap(), old);
}

#[test]
fn what_somebody_has_locked_stays_as_with_systemd_tmpfiles() {
    let tree = Tree::new();
    tree.file("tmp/locked/file", "x");
    let directory = fs::File::open(tree.path("tmp/locked")).unwrap();
    rustix::fs::flock(&directory, rustix::fs::FlockOperation::LockShared).unwrap();
    let cleaned = tree.clean(Target::Temp);
    assert_eq!((cleaned.files_deleted, cleaned.left.len()), (0, 1));
    drop(directory);
    assert_eq!(tree.clean(Target::Temp).files_deleted, 1);
}
