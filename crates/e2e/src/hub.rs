//! The real `infinihub`, started by a test.

use crate::Running;
use crate::binary::tested;
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// The setting for guests whose sockets are `NAME.guest` in a directory.
pub fn guests_in(directory: &Path) -> String {
    format!("sources = [\"{}/{{vm}}.guest\"]\n", directory.display())
}

/// Starts the hub. Its own files are in `directory`; `more` is the rest of its settings.
///
/// # Errors
/// The settings cannot be written, or there is no such program.
pub fn start(directory: &Path, more: &str) -> Result<Running> {
    let (root, path) = (directory.display(), directory.join("config.toml"));
    let config = format!(
        "api_socket = \"{root}/api.sock\"\nwire_socket = \"{root}/wire.sock\"\n\
         secrets_dir = \"{root}/secrets\"\nstate_dir = \"{root}/state\"\n{more}"
    );
    fs::write(&path, config)?;
    let mut command = Command::new(tested("infinihub")?);
    command.arg("--config").arg(&path).stdout(Stdio::null()).stderr(Stdio::null());
    Ok(Running(command.spawn().context("infinihub cannot be started")?))
}
