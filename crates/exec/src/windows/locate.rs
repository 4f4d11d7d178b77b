//! Finds a program where only administrators can have put it.

use super::environment::system_directory;
use crate::{Program, RunError};
use std::path::PathBuf;

/// Directories below the system directory, itself first.
const BELOW: [&str; 3] = ["", "WindowsPowerShell\\v1.0", "wbem"];

/// The path of a program that may be started. Whoever names a path has seen to it who may write there.
pub(super) fn locate(program: &Program) -> Result<PathBuf, RunError> {
    match program {
        Program::Named(name) => {
            let file = format!("{name}.exe");
            let mut paths = BELOW.iter().map(|below| system_directory().join(below).join(&file));
            paths.find(|path| path.is_file()).ok_or(RunError::NotInstalled(file))
        }
        Program::At(path) if path.is_absolute() && path.is_file() => Ok(path.clone()),
        Program::At(path) => Err(RunError::NotInstalled(path.display().to_string())),
    }
}
