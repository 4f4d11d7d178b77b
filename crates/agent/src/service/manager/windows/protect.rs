//! Who may do what with the agent's files: the service is the system itself, so nobody else may write what it reads or is.

use super::{access_unsafe, owner_unsafe};
use crate::config::place;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// SYSTEM and Administrators, by what Windows calls them in every language; the directory's files as well.
const OURS: &str = "O:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)";
/// The same, and users may read and run.
const READABLE: &str = "O:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1200a9;;;BU)";
/// What may lie in the directory of the configuration from earlier on, made by whomever.
const FILES: [&str; 3] = ["config.toml", "infiniservice.log", "infiniservice.old"];
/// A name that is taken is passed over; a user who makes the directory again and again is told, and not waited for.
const MAX_TRIES: u32 = 100;

/// Makes the directory of configuration and log, closed to ordinary users. Every user may make one of this name in
/// `C:\ProgramData`, with settings in it that the service would obey, and goes on writing through what he opened before,
/// whatever the access list says later: what is not of Administrators or SYSTEM is moved aside, and made anew.
pub(super) fn configuration() -> Result<(), String> {
    let file = place::default_file();
    let Some(directory) = file.parent() else { return Ok(()) };
    own_directory(directory)?;
    close(directory, OURS)?;
    for path in FILES.map(|name| directory.join(name)) {
        if own_or_moved_aside(&path)? {
            close(&path, &OURS.replace("OICI", ""))?;
        }
    }
    Ok(())
}

/// Made with its access list, so that there is no moment in which others may write to it.
fn own_directory(directory: &Path) -> Result<(), String> {
    for _ in 0..MAX_TRIES {
        match access_unsafe::create_directory(directory, OURS) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            result => return result.map_err(|error| told(directory, &error)),
        }
        if own_or_moved_aside(directory)? {
            return Ok(());
        }
    }
    Err(format!("{} is made again and again by somebody else", directory.display()))
}

/// Whether it is there and ours.
fn own_or_moved_aside(path: &Path) -> Result<bool, String> {
    let is_link = match fs::symlink_metadata(path) {
        Ok(found) => found.file_type().is_symlink(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(told(path, &error)),
    };
    if !is_link && owner_unsafe::is_ours(path).map_err(|error| told(path, &error))? {
        return Ok(true);
    }
    let aside = free_name(path)?;
    fs::rename(path, &aside).map_err(|error| told(path, &error))?;
    crate::logging::say(&format!(
        "{} did not belong to Administrators or SYSTEM: moved to {}, nothing of it is used",
        path.display(),
        aside.display()
    ));
    Ok(false)
}

fn free_name(path: &Path) -> Result<PathBuf, String> {
    let named = |number: u32| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".not-ours-{number}"));
        PathBuf::from(name)
    };
    let free = (1..=MAX_TRIES).map(named).find(|aside| fs::symlink_metadata(aside).is_err());
    free.ok_or_else(|| format!("{} cannot be moved aside: too many were before", path.display()))
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
