//! `infinictl operator-key`: the keys with which people sign what they order of a fleet.

use super::error::CliError;
use super::global::Global;
use super::key_files::{random, text, write};
use super::output::Output;
use crate::sys;
use clap::Subcommand;
use infiniservice_fleet::OperatorKey;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Bytes of a key.
const KEY_BYTES: usize = 32;

/// What to do with operators' keys.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Create a key in a new file that only you may read, and print its part of the hubs' configuration
    Generate {
        /// The new file
        file: PathBuf,
    },
    /// Print a key's part of the hubs' configuration
    Show {
        /// The file
        file: PathBuf,
    },
    /// Create the key that is to follow another, and print the part for both: hubs take either until you remove the old one
    Rotate {
        /// The file with the key that you use now; it stays as it is
        file: PathBuf,
        /// The new file
        new: PathBuf,
    },
}

/// Runs it.
pub(super) fn run(global: &Global, command: &Command) -> Result<(), CliError> {
    let (out, name) = (Output::new(global.json, global.no_color), global.fleet.operator()?);
    match command {
        Command::Generate { file } => show(out, &name, &[generate(file)?]),
        Command::Show { file } => show(out, &name, &[read(file)?]),
        Command::Rotate { file, new } => {
            let old = read(file)?;
            show(out, &name, &[old, generate(new)?])
        }
    }
}

fn generate(file: &Path) -> Result<OperatorKey, CliError> {
    let key = OperatorKey::generate(random::<KEY_BYTES>()?);
    write(file, &key.to_text())?;
    Ok(key)
}

/// Reads one; nobody else may be able to.
pub(super) fn read(file: &Path) -> Result<OperatorKey, CliError> {
    let told = |problem: String| CliError::Usage(format!("the key in {}: {problem}", file.display()));
    let text = text(file)?;
    let key = OperatorKey::parse(&text).map_err(|error| told(error.to_string()))?;
    match sys::is_private(file) {
        Ok(true) => Ok(key),
        Ok(false) => Err(told("others may read it: make it yours alone (mode 0600)".to_owned())),
        Err(error) => Err(told(error.to_string())),
    }
}

fn show(out: Output, name: &str, keys: &[OperatorKey]) -> Result<(), CliError> {
    if out.json {
        return keys.iter().try_for_each(|key| {
            let public = key.public();
            let document = json!({ "name": name, "key": public.to_text(), "kid": public.kid() });
            out.document(&document.to_string())
        });
    }
    out.text(&part(name, keys))
}

/// The part of each hub's `config.toml`.
fn part(name: &str, keys: &[OperatorKey]) -> String {
    // A string of JSON without control characters is one of TOML.
    let name = json!(name);
    let one = |key: &OperatorKey| {
        let public = key.public();
        format!("# {}\n[[operator]]\nname = {name}\nkey = \"{}\"\n", public.kid(), public.to_text())
    };
    keys.iter().map(one).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use toml::de::{DeTable, DeValue};

    #[test]
    fn a_key_is_made_once_and_read_back_by_its_owner_only() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("alice.key");
        let made = generate(&file).unwrap();
        assert_eq!(read(&file).unwrap().to_text(), made.to_text());
        assert!(generate(&file).is_err(), "what is there is not replaced");
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_may_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("alice.key");
        generate(&file).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        let error = read(&file).unwrap_err().sentence();
        assert!(error.contains("alice.key") && error.contains("others may read it"), "{error}");
    }

    #[test]
    fn hubs_get_the_public_keys_of_both_while_one_follows_the_other() {
        let keys = [1, 2].map(|seed| OperatorKey::generate([seed; KEY_BYTES]));
        let text = part("alice \"ops\"", &keys);
        let table = DeTable::parse(&text).unwrap();
        let Some(DeValue::Array(operators)) = table.get_ref().get("operator").map(toml::Spanned::get_ref)
        else {
            panic!("{text}")
        };
        let read = operators.iter().map(|operator| {
            let DeValue::Table(operator) = operator.get_ref() else { panic!("{text}") };
            ["name", "key"]
                .map(|part| operator.get(part).and_then(|it| it.get_ref().as_str()).map(str::to_owned))
        });
        let wanted = keys.map(|key| ["alice \"ops\"".to_owned(), key.public().to_text()].map(Some));
        assert_eq!(read.collect::<Vec<_>>(), wanted);
    }
}
