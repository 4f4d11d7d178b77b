//! Where the shared secret may come from, and where it may not.

use super::environment::is_secret;
use super::{FlagValue, Loaded, Secret, Sources, own_files};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const SECRET: &str = "correct-horse-battery";
const OTHER: &str = "another-one-of-the-lab";

/// A directory with a closed file in it, and sources that read nothing yet.
fn world(file: &str, text: &str) -> (TempDir, PathBuf, Sources) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = closed(&directory.path().join(file), text);
    let default_file = directory.path().join("config.toml");
    let sources = Sources { default_file, config_flag: None, environment: Vec::new(), flags: Vec::new() };
    (directory, path, sources)
}

/// A new file of its owner's alone.
fn closed(path: &Path, text: &str) -> PathBuf {
    let mut file = own_files::create_private(path).expect("a file");
    std::io::Write::write_all(&mut file, text.as_bytes()).expect("written");
    path.to_owned()
}

fn secret(loaded: &Loaded) -> Option<&str> {
    loaded.settings.shared_secret.as_ref().map(Secret::expose)
}

fn error(sources: &Sources) -> String {
    sources.load().expect_err("refused").to_string()
}

#[test]
fn a_credential_of_systemd_is_taken_without_the_end_of_its_line() {
    let (directory, path, mut sources) = world("infiniservice.shared_secret", &format!("{SECRET}\n"));
    sources.environment.push(("CREDENTIALS_DIRECTORY".into(), directory.path().into()));
    let loaded = sources.load().expect("valid");
    assert_eq!(secret(&loaded), Some(SECRET));
    assert_eq!(loaded.merged.origin("shared_secret").to_string(), format!("credential {}", path.display()));
}

#[test]
fn a_credential_overrides_the_file_and_gives_way_to_the_variable() {
    let (directory, _, mut sources) = world("infiniservice.shared_secret", SECRET);
    closed(&sources.default_file, &format!("shared_secret = \"{OTHER}\"\n"));
    sources.environment.push(("CREDENTIALS_DIRECTORY".into(), directory.path().into()));
    assert_eq!(secret(&sources.load().expect("valid")), Some(SECRET));
    sources.environment.push(("INFINISERVICE_SHARED_SECRET".into(), OTHER.into()));
    assert_eq!(secret(&sources.load().expect("valid")), Some(OTHER));
}

#[test]
fn other_credentials_are_not_ours() {
    let (directory, _, mut sources) = world("another.secret", SECRET);
    sources.environment.push(("CREDENTIALS_DIRECTORY".into(), directory.path().into()));
    assert_eq!(secret(&sources.load().expect("valid")), None);
}

#[test]
fn a_secret_that_is_none_is_refused_wherever_it_comes_from_without_being_shown() {
    let (directory, path, mut sources) = world("infiniservice.shared_secret", "hunter2\n");
    sources.environment.push(("CREDENTIALS_DIRECTORY".into(), directory.path().into()));
    assert!(error(&sources).contains("must be 16 to 1024 printable"), "{}", error(&sources));
    sources.environment = vec![("INFINISERVICE_SHARED_SECRET_FILE".into(), path.into())];
    assert!(error(&sources).contains("must be 16 to 1024 printable"), "{}", error(&sources));
    assert!(!error(&sources).contains("hunter2"));
}

#[test]
fn a_secret_on_the_command_line_is_refused_and_not_repeated() {
    let (_directory, _, mut sources) = world("x", "");
    let (flag, name) = ("--set".to_owned(), "shared_secret".to_owned());
    sources.flags.push(FlagValue { flag, name, text: SECRET.into() });
    let told = error(&sources);
    assert!(
        told.contains("every user of the machine can read command lines") && !told.contains(SECRET),
        "{told}"
    );
}

#[test]
fn no_debug_output_of_the_settings_and_their_sources_shows_the_secret() {
    let (_directory, path, mut sources) = world("secret", SECRET);
    sources.environment.push(("INFINISERVICE_SHARED_SECRET".into(), SECRET.into()));
    assert!(is_secret(&sources.environment[0].0));
    assert!(!format!("{:?}", sources.load().expect("valid")).contains(SECRET));
    sources.environment = vec![("INFINISERVICE_SHARED_SECRET_FILE".into(), path.into())];
    assert!(!format!("{:?}", sources.load().expect("valid")).contains(SECRET));
}

/// Found by the target `config`.
#[test]
fn a_variable_whose_name_holds_control_characters_is_refused_in_one_harmless_line() {
    let (_directory, _, mut sources) = world("x", "");
    sources.environment.push(("INFINISERVICE_\u{1b}[2J\nX".into(), "1".into()));
    let told = error(&sources);
    assert!(!told.contains(char::is_control) && told.contains("unknown setting"), "{told:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_that_others_than_its_owner_may_open_is_refused_with_the_way_out() {
    use std::os::unix::fs::PermissionsExt as _;
    for mode in [0o640, 0o604, 0o660] {
        let (_directory, path, mut sources) = world("secret", SECRET);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("changed");
        sources.environment.push(("INFINISERVICE_SHARED_SECRET_FILE".into(), path.clone().into()));
        let told = error(&sources);
        assert!(told.contains(&path.display().to_string()) && told.contains("chmod"), "{told}");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o400)).expect("changed");
        assert_eq!(secret(&sources.load().expect("valid")), Some(SECRET));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_configuration_file_with_the_secret_in_it_has_to_be_closed_too() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_directory, path, sources) = world("config.toml", &format!("shared_secret = \"{SECRET}\"\n"));
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).expect("changed");
    let told = error(&sources);
    assert!(
        told.contains("mode 0644") && told.contains("run chmod 0600 on it") && !told.contains(SECRET),
        "{told}"
    );
}

#[test]
fn a_reload_that_drops_the_secret_leaves_it_in_force_until_a_restart() {
    let (_directory, path, sources) = world("config.toml", &format!("shared_secret = \"{SECRET}\"\n"));
    let mut loaded = sources.load().expect("valid");
    std::fs::write(path, "max_ports = 7\n").expect("written");
    let reloaded = loaded.reload().expect("valid");
    assert!(reloaded.names_waiting().contains(&"shared_secret"), "{reloaded:?}");
    assert_eq!(secret(&loaded), Some(SECRET));
}

#[test]
fn another_secret_from_the_same_place_is_taken_at_once_and_one_from_elsewhere_waits() {
    let (directory, path, sources) = world("config.toml", &format!("shared_secret = \"{SECRET}\"\n"));
    let mut loaded = sources.load().expect("valid");
    std::fs::write(&path, format!("shared_secret = \"{OTHER}\"\n")).expect("written");
    assert_eq!(loaded.reload().expect("valid").applied, ["shared_secret"]);
    assert_eq!(secret(&loaded), Some(OTHER));
    let elsewhere = directory.path().join("elsewhere");
    // Windows gives a copy the rights of its directory: it is closed to others as it is made.
    let mut file = own_files::create_private(&elsewhere).expect("a file");
    std::io::Write::write_all(&mut file, SECRET.as_bytes()).expect("written");
    drop(file);
    let named = format!("shared_secret_file = {:?}\n", elsewhere.display().to_string());
    std::fs::write(&path, named).expect("written");
    let reloaded = loaded.reload().expect("valid");
    assert_eq!(reloaded.names_waiting(), ["shared_secret", "shared_secret_file"]);
    assert_eq!(secret(&loaded), Some(OTHER));
}
