//! The shared secret as a systemd credential (systemd.exec(5), "CREDENTIALS"): a file that only the unit sees, on memory that is
//! not swapped, in no environment and on no command line.

use super::environment::{Environment, lookup};
use super::error::ConfigError;
use super::fragment::{Fragment, Sourced, field};
use super::origin::Origin;
use super::permissions::TrustedFile;
use super::{file, load};
use std::path::{Path, PathBuf};

/// The credential's name: `LoadCredential=infiniservice.shared_secret:/etc/infiniservice/secret`.
pub const NAME: &str = "infiniservice.shared_secret";
/// Where systemd says that the credentials lie.
const DIRECTORY: &str = "CREDENTIALS_DIRECTORY";

/// What the credential says; nothing where there is none.
pub(super) fn read(environment: &Environment) -> Fragment {
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
    match (read.and_then(|text| load::secret_of(&text)), field("shared_secret")) {
        (Ok(value), Some(field)) => {
            let origin = Origin::Credential { path: path.into() };
            fragment.values.insert(field.name, Sourced { value, origin });
        }
        (Err(problem), _) => fragment.errors.push(ConfigError::File { path: path.into(), problem }),
        (_, None) => {}
    }
    fragment
}
