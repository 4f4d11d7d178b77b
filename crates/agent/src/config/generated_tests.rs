//! The files made from the table of settings are up to date. `UPDATE_GENERATED=1 cargo test -p infiniservice` rewrites them.

use super::field::{Apply, Field, Kind};
use super::load::Sources;
use super::render::toml_value;
use super::table::FIELDS;
use std::fmt::Write as _;
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
    assert_current(&path, &format!("{before}{BEGIN}{}{END}{after}", documentation_table()));
}

#[test]
fn the_example_file_has_every_setting() {
    assert_current(&in_repository("packaging/config.toml"), &example_file());
}

#[test]
fn the_example_file_changes_nothing_until_a_setting_is_taken_out_of_its_comment() {
    assert_eq!(load(&example_file()), load(""));
}

#[test]
fn the_settings_of_the_example_file_are_valid_and_are_the_defaults() {
    let is_setting =
        |line: &&str| line.starts_with('#') && line[1..].starts_with(|c: char| c.is_ascii_lowercase());
    let example = example_file();
    let all: Vec<&str> = example.lines().filter(is_setting).map(|line| &line[1..]).collect();
    assert_eq!(all.len(), FIELDS.len());
    // The examples of settings without a default say something, and the secret needs a file of its own.
    let unset = [
        "device_path",
        "bulk_port",
        "vm_id",
        "tags",
        "shared_secret",
        "controller_keys",
        "sealed_key_file",
        "scripts_dir",
        "plugins_dir",
        "plugins_textfile_dir",
        "allowed_actions",
        "blocked_actions",
        "qga_port",
        "qga_block",
        "qga_fsfreeze_hook",
    ];
    let is_of_a_file =
        |line: &str| line.starts_with("shared_secret_file") || line.starts_with("controller_keys");
    let has_default = |line: &&&str| !unset.iter().any(|name| line.starts_with(name));
    let defaults: Vec<&str> = all.iter().filter(has_default).copied().collect();
    assert_eq!(load(&defaults.join("\n")), load(""));
    let without_file: Vec<&str> = all.into_iter().filter(|line| !is_of_a_file(line)).collect();
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

/// The value that stands in the example for a setting that has no default.
fn example(field: &Field) -> &'static str {
    match (field.name, field.kind) {
        ("bulk_port", _) => "\"/dev/virtio-ports/org.infinibay.agent.bulk\"",
        ("device_path", _) => "\"/dev/virtio-ports/org.infinibay.agent\"",
        ("shared_secret_file", _) => "\"/etc/infiniservice/secret\"",
        ("controller_keys", _) => "\"/etc/infiniservice/controller-keys\"",
        ("sealed_key_file", _) => "\"/var/lib/infiniservice/sealed.key\"",
        ("scripts_dir", _) => "\"/var/lib/infiniservice/scripts\"",
        ("plugins_dir", _) => "\"/etc/infiniservice/plugins.d\"",
        ("plugins_textfile_dir", _) => "\"/var/lib/node_exporter/textfile_collector\"",
        ("blocked_actions", _) => "[\"PackageRemove\", \"DiskCleanup\"]",
        ("qga_port", _) => "\"/dev/virtio-ports/org.qemu.guest_agent.0\"",
        ("qga_fsfreeze_hook", _) => "\"/etc/qemu/fsfreeze-hook\"",
        (_, Kind::GuestCommands) => "[\"guest-suspend-disk\"]",
        (_, Kind::Tags) => "[\"env=prod\", \"tier=web\"]",
        (_, Kind::Actions) => "[\"ServiceList\", \"ProcessList\"]",
        ("shared_secret", _) => "\"at-least-16-characters\"",
        _ => "\"vm-0001\"",
    }
}

/// `packaging/config.toml`: every setting, commented out.
fn example_file() -> String {
    let mut out = String::from(
        "# InfiniService's configuration: /etc/infiniservice/config.toml\n\
         #\n\
         # Each setting is shown with its default, or with an example if it has none; remove the leading # to set\n\
         # it. `infiniservice --print-config` shows the effective values and their origins. The file must belong\n\
         # to root and be writable by root only.\n",
    );
    for field in FIELDS {
        let value = field.default.and_then(|text| field.parse(text).ok()).map(|value| toml_value(&value));
        let value = value.unwrap_or_else(|| example(field).into());
        let _ = write!(
            out,
            "\n# {}\n# {}.\n#{} = {value}\n",
            field.doc.trim(),
            capital(&field.allowed()),
            field.name
        );
    }
    out
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// The table of `docs/configuration.md`.
fn documentation_table() -> String {
    let mut out = String::from(
        "| setting | default | allowed | when a change holds | flag | what it does |\n|---|---|---|---|---|---|\n",
    );
    for field in FIELDS {
        let default = field.default.map_or("unset".into(), |text| format!("`{text}`"));
        let flag = field.flag.map_or(String::new(), |flag| format!("`{flag}`"));
        let apply = match field.apply {
            Apply::Live => "at once".to_owned(),
            Apply::Restart(reason) => format!("after a restart: {reason}"),
        };
        let (name, doc) = (field.name, field.doc.trim());
        let _ = writeln!(out, "| `{name}` | {default} | {} | {apply} | {flag} | {doc} |", field.allowed());
    }
    out
}
