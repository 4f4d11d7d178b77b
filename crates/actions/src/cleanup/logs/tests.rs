//! Directories as they are met.

use super::*;
use crate::cleanup::tally::Left;
use std::path::Path;

const DEBIAN: &str = "weekly\nrotate 4\ncreate\ninclude /etc/logrotate.d\n";
const FEDORA: &str = "# see man\nweekly\ndateext\n/var/log/dnf.log /var/log/app/*.log {\n  missingok\n postrotate\n  nodateext\n endscript\n}\n\
    /var/log/own.log\n{\n dateformat .%Y-%m-%d-%s\n}\n/var/log/numbered.log {\n nodateext\n}\n";

fn judged(names: &[&str], name: &str) -> Verdict {
    judged_with(names, name, &Logrotate::default())
}

fn judged_with(names: &[&str], name: &str, logrotate: &Logrotate) -> Verdict {
    let mut directory = LogDirectory::default();
    names.iter().chain([&name]).for_each(|name| directory.add(name.as_bytes()));
    directory.judge(Path::new("/var/log"), name.as_bytes(), logrotate)
}

fn known(state: &[&str], configuration: &str) -> Logrotate {
    let mut this = Logrotate::default();
    let lines = state.iter().map(|log| format!("\"{log}\" 2026-11-23-0:0:0\n"));
    this.state(&format!("logrotate state -- version 2\n{}", lines.collect::<String>()));
    this.configuration(configuration, &mut logrotate::Settings::default());
    this
}

#[test]
fn a_rotation_goes_beside_its_base_and_a_row_without_one_goes_too() {
    for (names, name) in [
        (&["syslog"][..], "syslog.1"),
        (&["syslog"], "syslog.12.gz"),
        (&["syslog.2.gz"], "syslog.1"),
        (&["syslog.1", "syslog.3.gz"], "syslog.2.gz"),
        (&["Xorg.0.log"], "Xorg.0.log.old"),
        (&["php8.2-fpm.log"], "php8.2-fpm.log.1"),
        (&["log.smbd"], "log.smbd.1"),
        (&["wtmp"], "wtmp.1"),
    ] {
        assert_eq!(judged(names, name), Verdict::Rotated, "{name} beside {names:?}");
    }
}

#[test]
fn what_only_looks_like_a_rotation_is_left() {
    for (names, name) in [
        (&[][..], "syslog.1"),
        (&["data.2"], "data.1"),
        (&["dump.2.gz", "dump.3.gz"], "dump.4.gz"),
        (&["192.0.2"], "192.0.2.7"),
        (&["log.192.0.2"], "log.192.0.2.7"),
        (&["net-192.0.2"], "net-192.0.2.7.gz"),
        (&["detail"], "detail-20261001"),
        (&["detail-20261001"], "detail-20261001.1"),
        (&["20261001"], "20261001.0"),
        (&["20261001"], "20261001.1"),
        (&["mysql-bin"], "mysql-bin.000123"),
        (&["mysql-bin"], "mysql-bin.1000123"),
        (&["app.log"], "app.log.2026"),
        (&["app.log"], "app.log.007"),
        (&["app.log"], "app.log.0"),
        (&["app"], "app.gz"),
        (&["sa20261001"], "sa20261001.xz"),
        (&["log.a3"], "log.1"),
        (&[], "dnf.log-20261123.xz"),
        (&[], "gone.old"),
        (&["audit.log"], "audit.log.1"),
    ] {
        assert_eq!(judged(names, name), Verdict::Left(Left::NoBase), "{name} beside {names:?}");
    }
}

#[test]
fn what_does_not_look_like_one_is_not_even_counted() {
    for name in [
        "syslog",
        "app-2.log",
        "php8",
        "sa01",
        "00000000000000000000.log",
        "system@x.journal",
        "-20261123",
        ".1",
        "1",
    ] {
        assert_eq!(judged(&["syslog.1"], name), Verdict::NoRotation, "{name}");
    }
}

#[test]
fn where_an_index_or_a_databases_files_lie_nothing_goes() {
    for marker in [
        "20261001.index",
        "20261001.meta.xz",
        "mysql-bin.index",
        "index",
        "MANIFEST-000005",
        "PG_VERSION",
        "00000000000000000000.timeindex",
        "CommitLog-7-1.log",
        "__db.001",
        "WiredTiger",
        "swap.state",
    ] {
        assert_eq!(judged(&["syslog", marker], "syslog.1"), Verdict::Left(Left::Indexed), "{marker}");
    }
}

#[test]
fn dates_go_only_where_logrotate_made_them() {
    let fedora = known(&["/var/log/dnf.log", "/var/log/own.log", "/var/log/numbered.log"], FEDORA);
    for name in ["dnf.log-20261123", "dnf.log-20261123.xz", "own.log.2026-11-23-1795415400"] {
        assert_eq!(judged_with(&[], name, &fedora), Verdict::Rotated, "{name}");
    }
    for name in [
        "dnf.log-20261301",
        "dnf.log-2026112300",
        "other.log-20261123",
        "own.log-20261123",
        "numbered.log-20261123",
        "app.log-20261123",
    ] {
        assert_eq!(judged_with(&["app.log"], name, &fedora), Verdict::Left(Left::NoBase), "{name}");
    }
    let debian = known(&["/var/log/dnf.log"], DEBIAN);
    assert_eq!(judged_with(&[], "dnf.log-20261123", &debian), Verdict::Left(Left::NoBase));
    assert_eq!(judged_with(&[], "dnf.log.1", &debian), Verdict::Rotated);
}

#[test]
fn patterns_do_not_reach_below_a_slash() {
    let fedora = known(&["/var/log/app/x.log", "/var/log/app/sub/x.log"], FEDORA);
    assert!(fedora.dated(Path::new("/var/log/app"), b"x.log-20261123"));
    assert!(!fedora.dated(Path::new("/var/log/app/sub"), b"x.log-20261123"));
}

#[test]
fn directories_of_journals_databases_and_accounting_are_their_owners_matter() {
    for name in ["journal", "audit", "radacct", "pcp", "sa", "pg_wal", "CommitLog", "binlog", "kafka-logs"] {
        assert!(keeps_its_own(name.as_bytes()), "{name}");
    }
    assert!(!keeps_its_own(b"apt") && !keeps_its_own(b"mysql"));
}

#[test]
fn a_directory_with_too_many_files_is_left_whole() {
    let mut directory = LogDirectory::default();
    directory.add(b"x");
    (0..LogDirectory::MAX_FILES).for_each(|n| directory.add(format!("x.{n}").as_bytes()));
    let verdict = directory.judge(Path::new("/var/log"), b"x.1", &Logrotate::default());
    assert_eq!(verdict, Verdict::Left(Left::TooMany));
}
