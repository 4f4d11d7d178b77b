//! Who may do what with the agent's files: the service is the system itself, so nobody else may write what it reads or is.

use super::access_unsafe;
use crate::config::place;
use std::fs;
use std::io;
use std::path::Path;

/// SYSTEM and Administrators, by what Windows calls them in every language; the directory's files as well.
const OURS: &str = "O:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)";
/// The same, and users may read and run.
const READABLE: &str = "O:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1200a9;;;BU)";
/// What may lie in the directory of the configuration from earlier on, made by whomever.
const FILES: [&str; 3] = ["config.toml", "infiniservice.log", "infiniservice.old"];

/// Makes the directory of configuration and log, and closes it and what is in it to ordinary users, who could make one
/// of this name in `C:\ProgramData` before.
pub(super) fn configuration() -> Result<(), String> {
    let file = place::default_file();
    let Some(directory) = file.parent() else { return Ok(()) };
    fs::create_dir_all(directory).map_err(|error| told(directory, &error))?;
    close(directory, OURS)?;
    for path in FILES.map(|name| directory.join(name)).iter().filter(|path| path.exists()) {
        close(path, &OURS.replace("OICI", ""))?;
    }
    Ok(())
}

/// Closes the program's directory against writing, where it is the one that the installer makes; any other is its
/// owner's affair. Whether it was.
pub(super) fn program(program: &Path) -> Result<bool, String> {
    let Some(directory) = program.parent().filter(|directory| is_ours(directory)) else { return Ok(false) };
    close(directory, READABLE)?;
    close(program, &READABLE.replace("OICI", ""))?;
    Ok(true)
}

fn is_ours(directory: &Path) -> bool {
    place::program_files().is_some_and(|files| files.join("Infinibay") == directory)
}

/// A link could lead to a file of somebody else's.
fn close(path: &Path, sddl: &str) -> Result<(), String> {
    let found = fs::symlink_metadata(path).map_err(|error| told(path, &error))?;
    if found.file_type().is_symlink() {
        return Err(format!("{} is a link: remove it first", path.display()));
    }
    access_unsafe::set(path, sddl).map_err(|error| told(path, &error))
}

fn told(path: &Path, error: &io::Error) -> String {
    format!("{} cannot be protected: {error}", path.display())
}
