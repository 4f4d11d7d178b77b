//! What a template's copies must not inherit of the agent: its name, the secret that it shares with the host, and its own key for
//! sealed lines, of which each copy makes a new one. They are taken out of everything that the settings come from, and what the next start would find is looked at afterwards.

#[cfg(target_os = "linux")]
#[path = "units.rs"]
mod places;
#[cfg(not(target_os = "linux"))]
#[path = "no_units.rs"]
mod places;

use super::own_key;
use crate::config::Sources;
use crate::config::edit;
use crate::config::last_good::last_good_path;
use infiniservice_actions::OwnIdentity;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The settings that name this machine alone.
const SETTINGS: [&str; 3] = ["vm_id", "shared_secret", "shared_secret_file"];
/// The variables that set them, as the installers write them into the units of systemd.
const VARIABLES: [&str; 4] = [
    "INFINISERVICE_VM_ID",
    "INFINIBAY_VM_ID",
    "INFINISERVICE_SHARED_SECRET",
    "INFINISERVICE_SHARED_SECRET_FILE",
];

/// This agent's.
pub(super) struct Own {
    /// Where its settings come from.
    pub(super) sources: Sources,
}

/// What was taken away besides the configuration file.
#[derive(Debug, Default, PartialEq, Eq)]
struct Taken {
    /// Variables that nothing sets at the next start any more.
    variables: Vec<&'static str>,
    /// Whether a credential held the secret or the key, and does not at the next start.
    credential: bool,
    /// Files that held them.
    files: Vec<PathBuf>,
}

impl OwnIdentity for Own {
    fn forget(&self) -> Result<String, String> {
        self.forget_all(Path::new("/"))
    }
}

impl Own {
    fn forget_all(&self, root: &Path) -> Result<String, String> {
        let before = self.sources.load().map_err(|errors| errors.to_string())?;
        let mut taken = places::take(root, &VARIABLES)?;
        taken.files.extend(before.settings.shared_secret_file.clone());
        taken.files.push(own_key::path(&before.settings));
        if let Some(file) = &before.file {
            edit::write(file, &SETTINGS.map(|name| (name, None)))?;
            taken.files.push(last_good_path(file));
        }
        for file in &taken.files {
            match fs::remove_file(file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(format!("{}: {error}", file.display()));
                }
                _ => {}
            }
        }
        self.look(&taken)
    }

    /// Whether the next start would find any of it.
    fn look(&self, taken: &Taken) -> Result<String, String> {
        let mut next = self.sources.clone();
        next.environment.retain(|(name, _)| stays(name, taken));
        let loaded = next.load().map_err(|errors| errors.to_string())?;
        let left = [
            ("vm_id", loaded.settings.vm_id.is_some()),
            ("shared_secret", loaded.settings.shared_secret.is_some()),
        ];
        let key = own_key::kept(&loaded);
        match left.iter().find(|(_, is_left)| *is_left) {
            _ if key.is_some() => {
                let at = key.unwrap_or_default().display().to_string();
                Err(format!(
                    "this machine's key for sealed lines is still in {at}; it cannot be removed from there"
                ))
            }
            Some((name, _)) => {
                let origin = loaded.merged.origin(name);
                Err(format!("`{name}` is still set: {origin}; it cannot be removed from there"))
            }
            None => {
                Ok("name, secret and key are gone; a copy takes part again when it is given new ones".into())
            }
        }
    }
}

fn stays(name: &OsStr, taken: &Taken) -> bool {
    let is = |known: &str| name.to_str() == Some(known);
    !(taken.variables.iter().any(|known| is(known)) || (taken.credential && is("CREDENTIALS_DIRECTORY")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(file: &Path, environment: &[(&str, &str)]) -> Own {
        let environment = environment.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let sources =
            Sources { default_file: file.into(), config_flag: None, environment, flags: Vec::new() };
        Own { sources }
    }

    #[test]
    fn name_and_secret_leave_the_configuration_and_the_rest_stays() {
        let root = tempfile::tempdir().expect("a directory");
        let file = root.path().join("config.toml");
        let secret = "vm_id = \"vm-1\"\nshared_secret = \"0123456789abcdef\"\nmax_ports = 7\n";
        edit::write(&file, &[("vm_id", Some("x"))]).expect("private");
        fs::write(&file, secret).expect("written");
        let own = own(&file, &[("INFINISERVICE_WIRE_PROFILE", "infinibay")]);
        own.sources.load().expect("valid").keep().expect("kept");
        own.forget_all(root.path()).expect("forgotten");
        assert_eq!(fs::read_to_string(&file).expect("read"), "max_ports = 7\n");
        assert!(!last_good_path(&file).exists());
        let after = own.sources.load().expect("valid").settings;
        assert_eq!((after.vm_id, after.shared_secret), (None, None));
        assert!(own.forget_all(root.path()).is_ok(), "again");
    }

    #[test]
    fn the_key_for_sealed_lines_goes_and_those_of_the_controllers_stay() {
        let root = tempfile::tempdir().expect("a directory");
        let (file, key) = (root.path().join("config.toml"), root.path().join("sealed.key"));
        let credentials = root.path().join("credentials");
        edit::write(&file, &[("sealed_key_file", key.to_str())]).expect("private");
        fs::write(&key, "a key").expect("written");
        let own = own(&file, &[("CREDENTIALS_DIRECTORY", credentials.to_str().expect("text"))]);
        own.forget_all(root.path()).expect("forgotten");
        assert!(!key.exists() && fs::read_to_string(&file).expect("read").contains("sealed_key_file"));
        fs::create_dir(&credentials).expect("made");
        fs::write(credentials.join("infiniservice.sealed_key"), "a key").expect("written");
        let why = own.forget_all(root.path()).expect_err("the credential stays");
        assert!(why.contains("infiniservice.sealed_key"), "{why}");
    }

    #[test]
    fn what_is_set_where_it_cannot_be_removed_is_a_failure_that_names_the_place() {
        let root = tempfile::tempdir().expect("a directory");
        let own = own(&root.path().join("config.toml"), &[("INFINISERVICE_VM_ID", "vm-1")]);
        let why = own.forget_all(root.path()).expect_err("the variable stays");
        assert!(why.contains("`vm_id`") && why.contains("INFINISERVICE_VM_ID"), "{why}");
    }
}
