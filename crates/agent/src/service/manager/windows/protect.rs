//! Who may do what with the agent's files: the service is the system itself, so nobody else may write what it reads or is.

use crate::config::{last_good, own_files};
use infiniservice_platform::win32::access;
use infiniservice_platform::win32::descriptor::Descriptor;
use infiniservice_platform::win32::directories_unsafe::program_files;
use infiniservice_platform::win32::security_unsafe::{
    Account, create_directory, descriptor_of, open_itself, own_account, set,
};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use windows::Win32::Storage::FileSystem::READ_CONTROL;

/// SYSTEM and Administrators, by what Windows calls them in every language; the directory's files as well.
const OURS: &str = "O:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)";
/// The same, and users may read and run.
const READABLE: &str = "O:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1200a9;;;BU)";
/// What may lie beside the configuration from earlier on, made by whomever.
const BESIDE: [&str; 5] = ["infiniservice.log", "infiniservice.old", "config.new", "run", "scripts"];
/// A name that is taken is passed over; a user who makes the directory again and again is told, and not waited for.
const MAX_TRIES: u32 = 100;

/// Makes the directory of configuration and log, closed to ordinary users. Every user may make one of this name in
/// `C:\ProgramData`, with settings in it that the service would obey, and goes on writing through what he opened before,
/// whatever the access list says later: what is not of Administrators or SYSTEM is moved aside, and made anew.
pub(super) fn configuration() -> Result<(), String> {
    for moved in protect(&own_files::default_file(), |_, _| true)? {
        crate::logging::say(&moved);
    }
    Ok(())
}

/// The same at each start, for what was done to them since; a sentence for each that was moved aside. A list that an administrator
/// chose stays, where nobody else may write.
///
/// # Errors
/// What cannot be protected.
pub fn at_start() -> Result<Vec<String>, String> {
    at_start_of(&own_files::default_file())
}

fn at_start_of(config: &Path) -> Result<Vec<String>, String> {
    protect(config, |found, account| access::others_may_write(found, &account.sid))
}

/// `is_to_be_closed` picks among what is ours.
fn protect(
    config: &Path,
    is_to_be_closed: impl Fn(&Descriptor, &Account) -> bool,
) -> Result<Vec<String>, String> {
    let account = own_account().map_err(|error| format!("the account that runs this is unknown: {error}"))?;
    let mut guard = Guard { account, moved: Vec::new() };
    let Some(directory) = config.parent() else { return Ok(guard.moved) };
    let found = guard.own_directory(directory)?;
    if found.is_some_and(|found| is_to_be_closed(&found, &guard.account)) {
        close(directory, OURS)?;
    }
    for path in files(config, directory) {
        let found = guard.own_or_moved_aside(&path)?;
        if found.is_some_and(|found| is_to_be_closed(&found, &guard.account)) {
            let list = if path.is_dir() { OURS.to_owned() } else { OURS.replace("OICI", "") };
            close(&path, &list)?;
        }
    }
    Ok(guard.moved)
}

/// Who looks, and what he moved aside.
struct Guard {
    account: Account,
    moved: Vec<String>,
}

fn files(config: &Path, directory: &Path) -> Vec<PathBuf> {
    let mut files = vec![config.to_owned(), last_good::last_good_path(config)];
    files.extend(BESIDE.map(|name| directory.join(name)));
    files
}

impl Guard {
    /// Made with its access list, so that there is no moment in which others may write to it. What was found, where it was there.
    fn own_directory(&mut self, directory: &Path) -> Result<Option<Descriptor>, String> {
        for _ in 0..MAX_TRIES {
            match create_directory(directory, OURS) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                result => return result.map(|()| None).map_err(|error| told(directory, &error)),
            }
            if let Some(found) = self.own_or_moved_aside(directory)? {
                return Ok(Some(found));
            }
        }
        Err(format!("{} is repeatedly created by somebody else", directory.display()))
    }

    /// Its owner and list where it is there and ours.
    fn own_or_moved_aside(&mut self, path: &Path) -> Result<Option<Descriptor>, String> {
        let (is_link, found) = match look_at(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            looked => looked.map_err(|error| told(path, &error))?,
        };
        if !is_link && access::is_ours(&found, &self.account.sid) {
            return Ok(Some(found));
        }
        let aside = free_name(path)?;
        fs::rename(path, &aside).map_err(|error| told(path, &error))?;
        self.moved.push(format!(
            "{} did not belong to Administrators or SYSTEM: it was moved to {}, and nothing of it is used",
            path.display(),
            aside.display()
        ));
        Ok(None)
    }
}

/// Whether it is a link, its owner and its list, by one handle.
fn look_at(path: &Path) -> io::Result<(bool, Descriptor)> {
    let file = open_itself(path, READ_CONTROL.0)?;
    Ok((file.metadata()?.file_type().is_symlink(), descriptor_of(&file)?))
}

fn free_name(path: &Path) -> Result<PathBuf, String> {
    let named = |number: u32| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".not-ours-{number}"));
        PathBuf::from(name)
    };
    let free = (1..=MAX_TRIES).map(named).find(|aside| fs::symlink_metadata(aside).is_err());
    free.ok_or_else(|| format!("{} cannot be moved aside: there are too many earlier ones", path.display()))
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
    program_files().is_some_and(|files| files.join("Infinibay") == directory)
}

fn close(path: &Path, sddl: &str) -> Result<(), String> {
    set(path, sddl).map_err(|error| told(path, &error))
}

fn told(path: &Path, error: &io::Error) -> String {
    format!("{} cannot be protected: {error}", path.display())
}

#[cfg(test)]
#[path = "protect_tests.rs"]
mod tests;
