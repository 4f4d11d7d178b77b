//! What an installation does besides the service: files closed to others, settings that the installer was given.

use super::protect;
use crate::config::{edit, own_files};

/// Where the secret is taken from: an argument could be read by every user.
const SECRET: &str = "INFINISERVICE_SHARED_SECRET";

/// Closes directories, and writes the settings.
pub(super) fn configure(vm_id: Option<&str>, save_secret: bool) -> Result<(), String> {
    protect::configuration()?;
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    if !protect::program(&program)? {
        let path = program.display();
        crate::cli::print(&format!(
            "{path}: the rights to replace it were not changed; see docs/windows.md\n"
        ));
    }
    let secret = if save_secret { Some(secret()?) } else { None };
    let given = [("vm_id", vm_id), ("shared_secret", secret.as_deref())];
    let settings: Vec<_> = given.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    if settings.is_empty() {
        return Ok(());
    }
    edit::write(&own_files::default_file(), &settings)?;
    // The file is a new one.
    protect::configuration()
}

fn secret() -> Result<String, String> {
    std::env::var(SECRET).map_err(|_| format!("--save-secret: the variable {SECRET} is not set"))
}
