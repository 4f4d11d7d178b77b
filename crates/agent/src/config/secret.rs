//! The shared secret: text that is never shown, from a file of its own or from a systemd credential (systemd.exec(5),
//! "CREDENTIALS"), which is a file that only the unit sees, on memory that is not swapped, in no environment and on no command
//! line.

use super::environment::{Environment, lookup};
use super::error::{ConfigError, Origin};
use super::field::Value;
use super::file;
use super::layers::{Fragment, Merged, Sourced, field};
use super::own_files::TrustedFile;
use std::path::{Path, PathBuf};

/// The credential's name: `LoadCredential=infiniservice.shared_secret:/etc/infiniservice/secret`.
pub const NAME: &str = "infiniservice.shared_secret";
/// Where systemd says that the credentials lie.
const DIRECTORY: &str = "CREDENTIALS_DIRECTORY";

/// What the credential says; nothing where there is none.
pub(super) fn from_credential(environment: &Environment) -> Fragment {
    let directory = lookup(environment, DIRECTORY).filter(|directory| !directory.is_empty());
    let path = directory.map(|directory| PathBuf::from(directory).join(NAME));
    path.map(|path| secret(&path)).unwrap_or_default()
}

fn secret(path: &Path) -> Fragment {
    let mut fragment = Fragment::default();
    // Its mode shows the reading of the unit's own user (`User=`) as a group's, so that only others are looked at.
    let opened = match TrustedFile::open(path) {
        Ok(None) => return fragment,
        Ok(Some(file)) => file.check_not_open_to_all().map(|()| file),
        Err(problem) => Err(problem),
    };
    let read = opened.and_then(|file| file::text_of(&file));
    match (read.and_then(|text| secret_of(&text)), field("shared_secret")) {
        (Ok(value), Some(field)) => {
            let origin = Origin::Credential { path: path.into() };
            fragment.values.insert(field.name, Sourced { value, origin });
        }
        (Err(problem), _) => fragment.errors.push(ConfigError::File { path: path.into(), problem }),
        (_, None) => {}
    }
    fragment
}

/// Puts the secret's text where `shared_secret_file` names a file.
pub(super) fn from_file(merged: &mut Merged) -> Option<ConfigError> {
    let Some(Value::Text(path)) = merged.get("shared_secret_file") else { return None };
    let (path, origin) = (PathBuf::from(path), merged.origin("shared_secret_file").clone());
    if merged.is_set("shared_secret") {
        return None;
    }
    match secret_in(&path) {
        Ok(secret) => merged.set("shared_secret", secret, origin),
        Err(problem) => return Some(ConfigError::File { path, problem }),
    }
    None
}

fn secret_in(path: &Path) -> Result<Value, String> {
    let opened = TrustedFile::open(path).map_err(|problem| format!("shared_secret_file {problem}"))?;
    let file = opened.ok_or("shared_secret_file does not exist")?;
    file.check_not_readable_by_others()?;
    secret_of(&file::text_of(&file)?)
}

/// The secret that is all of a file's text, but for the end of its line.
fn secret_of(text: &str) -> Result<Value, String> {
    let field = field("shared_secret").ok_or("shared_secret is not declared")?;
    match field.parse(text.trim_end_matches(['\r', '\n'])) {
        Ok(Value::Unset) => Err("contains no secret".into()),
        read => read.map_err(|problem| format!("the secret {problem}")),
    }
}
