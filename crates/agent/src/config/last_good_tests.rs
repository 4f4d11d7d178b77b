//! Starts with a file that was valid once and is wrong now.

use super::last_good::last_good_path;
use super::load::Sources;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use tempfile::TempDir;

fn world(text: &str) -> (TempDir, PathBuf, Sources) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("config.toml");
    fs::write(&path, text).expect("written");
    let sources =
        Sources { default_file: path.clone(), config_flag: None, environment: Vec::new(), flags: Vec::new() };
    (directory, path, sources)
}

#[test]
fn a_file_that_became_wrong_is_passed_over_for_the_last_valid_one_and_named() {
    let (_directory, path, sources) = world("max_ports = 7\n");
    sources.load().expect("valid").keep().expect("kept");
    fs::write(&path, "max_ports = \"many\"\n").expect("written");
    let loaded = sources.load_or_last_good().expect("the last valid one");
    assert_eq!(loaded.settings.max_ports, 7);
    assert_eq!(loaded.file, Some(last_good_path(&path)));
    let problem = loaded.problem.expect("what is wrong").to_string();
    assert!(problem.contains("config.toml:1: max_ports"), "{problem}");
}

#[test]
fn the_kept_file_is_its_owners_alone_and_follows_the_valid_ones() {
    let (_directory, path, sources) = world("max_ports = 7\n");
    sources.load().expect("valid").keep().expect("kept");
    let mode = fs::metadata(last_good_path(&path)).expect("kept").permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
    fs::write(&path, "max_ports = 8\n").expect("written");
    sources.load().expect("valid").keep().expect("kept");
    assert_eq!(fs::read_to_string(last_good_path(&path)).expect("kept"), "max_ports = 8\n");
}

#[test]
fn without_a_last_valid_one_and_for_wrong_flags_the_start_fails_as_before() {
    let (_directory, path, mut sources) = world("colour = 1\n");
    assert!(sources.load_or_last_good().is_err());
    fs::write(&path, "max_ports = 7\n").expect("written");
    sources.load().expect("valid").keep().expect("kept");
    let (flag, name, text) = ("--set".into(), "max_ports".into(), "many".into());
    sources.flags = vec![super::FlagValue { flag, name, text }];
    let errors = sources.load_or_last_good().expect_err("a wrong flag");
    assert!(errors.to_string().contains("flag --set"), "{errors}");
}

#[test]
fn a_file_that_wants_lines_sealed_or_signed_is_not_passed_over_for_one_that_does_not() {
    for wrong in
        ["controller_keys = \"/nonexistent/keys\"\n", "shared_secret_file = \"/nonexistent/secret\"\n"]
    {
        let (_directory, path, sources) = world("max_ports = 7\n");
        sources.load().expect("valid").keep().expect("kept");
        fs::write(&path, wrong).expect("written");
        let errors = sources.load_or_last_good().expect_err("the start fails").to_string();
        assert!(errors.contains("does not exist"), "{errors}");
    }
}

#[test]
fn a_valid_file_is_not_passed_over() {
    let (_directory, path, sources) = world("max_ports = 7\n");
    sources.load().expect("valid").keep().expect("kept");
    fs::write(&path, "max_ports = 9\n").expect("written");
    let loaded = sources.load_or_last_good().expect("valid");
    assert_eq!((loaded.settings.max_ports, loaded.problem), (9, None));
}
