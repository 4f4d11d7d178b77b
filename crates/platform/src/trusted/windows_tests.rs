//! Files with access lists of the test's own, as Windows or Wine keeps them.

use super::*;
use crate::win32::security_unsafe::{create_directory, set};
use std::fs;
use std::io::Read as _;
use std::path::PathBuf;

/// SYSTEM, Administrators, and more.
fn list(more: &str) -> String {
    format!("O:BAD:P(A;;FA;;;SY)(A;;FA;;;BA){more}")
}

const USERS_WRITE: &str = "(A;;FA;;;WD)";
const USERS_READ: &str = "(A;;0x1200a9;;;WD)";

fn world() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    // Made with its list: to one that is given a list later Wine adds what others may do above.
    let own = directory.path().join("InfiniService");
    create_directory(&own, &list("")).unwrap();
    let path = own.join("config.toml");
    fs::write(&path, "max_ports = 7\n").unwrap();
    set(&path, &list("")).unwrap();
    (directory, path)
}

/// Whoever is no administrator may trust his own files.
fn elevated() -> bool {
    own_account().unwrap().elevated
}

#[test]
fn a_closed_file_is_read_and_holds_a_secret() {
    let (_directory, path) = world();
    let file = TrustedFile::open(&path).unwrap().unwrap();
    let mut text = String::new();
    file.reader().read_to_string(&mut text).unwrap();
    assert_eq!(text, "max_ports = 7\n");
    assert_eq!(file.check_not_readable_by_others(), Ok(()));
    assert!(TrustedFile::open(&path.with_extension("none")).unwrap().is_none());
    assert!(TrustedFile::open(path.parent().unwrap()).unwrap_err().contains("not a regular file"));
}

#[test]
fn a_file_that_everybody_may_write_is_refused_whatever_its_name_was_checked_for_before() {
    let (_directory, path) = world();
    set(&path, &list(USERS_WRITE)).unwrap();
    let opened = TrustedFile::open(&path);
    assert_eq!(opened.is_err(), elevated(), "{opened:?}");
    if let Err(why) = opened {
        assert!(why.contains("may write to it"), "{why}");
    }
}

#[test]
fn a_secret_that_everybody_may_read_is_refused() {
    let (_directory, path) = world();
    set(&path, &list(USERS_READ)).unwrap();
    let file = TrustedFile::open(&path).unwrap().unwrap();
    assert!(file.check_not_readable_by_others().unwrap_err().contains("may read it"));
}

#[test]
fn a_file_in_a_directory_where_everybody_may_exchange_it_is_refused() {
    let (_directory, path) = world();
    set(path.parent().unwrap(), &list(USERS_WRITE)).unwrap();
    let opened = TrustedFile::open(&path);
    assert_eq!(opened.is_err(), elevated(), "{opened:?}");
    if let Err(why) = opened {
        assert!(why.contains("may replace it"), "{why}");
    }
}

#[test]
fn a_program_that_everybody_may_write_or_whose_way_everybody_may_move_is_refused() {
    let (_directory, path) = world();
    set(&path, &list(USERS_WRITE)).unwrap();
    assert_eq!(TrustedFile::open_code(&path).is_err(), elevated());
    set(&path, &list("")).unwrap();
    set(path.parent().unwrap(), &list(USERS_WRITE)).unwrap();
    assert_eq!(TrustedFile::open_code(&path).is_err(), elevated());
}
