//! The files made from the table of settings are up to date. `UPDATE_GENERATED=1 cargo test -p infiniservice` rewrites them.

use super::load::Sources;
use super::render;
use std::fs;
use std::path::{Path, PathBuf};

const BEGIN: &str = "<!-- generated from the table of settings: begin -->\n";
const END: &str = "<!-- generated: end -->";

fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

fn assert_current(path: &Path, wanted: &str) {
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        fs::write(path, wanted).expect("written");
    }
    let found = fs::read_to_string(path).expect("readable");
    assert!(found == wanted, "{} is stale: run with UPDATE_GENERATED=1", path.display());
}

#[test]
fn the_documentation_lists_every_setting_as_it_is_declared() {
    let path = in_repository("docs/configuration.md");
    let found = fs::read_to_string(&path).expect("readable");
    let (before, rest) = found.split_once(BEGIN).expect("the mark where the table begins");
    let (_, after) = rest.split_once(END).expect("the mark where the table ends");
    assert_current(&path, &format!("{before}{BEGIN}{}{END}{after}", render::documentation_table()));
}

#[test]
fn the_example_file_has_every_setting() {
    assert_current(&in_repository("packaging/config.toml"), &render::example_file());
}

#[test]
fn the_example_file_changes_nothing_until_a_setting_is_taken_out_of_its_comment() {
    assert_eq!(load(&render::example_file()), load(""));
}

#[test]
fn the_settings_of_the_example_file_are_valid_and_are_the_defaults() {
    let is_setting =
        |line: &&str| line.starts_with('#') && line[1..].starts_with(|c: char| c.is_ascii_lowercase());
    let example = render::example_file();
    let all: Vec<&str> = example.lines().filter(is_setting).map(|line| &line[1..]).collect();
    assert_eq!(all.len(), super::FIELDS.len());
    // The examples of settings without a default say something, and the secret needs a file of its own.
    let unset = [
        "device_path",
        "vm_id",
        "shared_secret",
        "allowed_actions",
        "blocked_actions",
        "qga_port",
        "qga_block",
        "qga_fsfreeze_hook",
    ];
    let has_default = |line: &&&str| !unset.iter().any(|name| line.starts_with(name));
    let defaults: Vec<&str> = all.iter().filter(has_default).copied().collect();
    assert_eq!(load(&defaults.join("\n")), load(""));
    let without_file: Vec<&str> =
        all.into_iter().filter(|line| !line.starts_with("shared_secret_file")).collect();
    assert!(load(&without_file.join("\n")).shared_secret.is_some());
}

fn load(text: &str) -> super::Settings {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("config.toml");
    write_private(&path, text);
    let sources =
        Sources { default_file: path, config_flag: None, environment: Vec::new(), flags: Vec::new() };
    sources.load().unwrap_or_else(|errors| panic!("{errors}")).settings
}

/// Closed to other users, as a file with a secret in it has to be.
fn write_private(path: &Path, text: &str) {
    let mut file = super::own_files::create_private(path).expect("a file");
    std::io::Write::write_all(&mut file, text.as_bytes()).expect("written");
}
