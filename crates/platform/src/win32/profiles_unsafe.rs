//! Profiles of people: the keys of `ProfileList` name them, `DeleteProfileW` removes one with its files.
#![allow(unsafe_code)]

use super::codes;
use super::wide::wide;
use windows::Win32::UI::Shell::DeleteProfileW;
use windows::core::PCWSTR;
use windows_registry::LOCAL_MACHINE;

const LIST: &str = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList";
/// Accounts of machines and domains; those of services and of the system begin otherwise, and have special profiles.
const PEOPLE: &str = "S-1-5-21-";
/// More than any machine has.
const PROFILES_MAX: usize = 10_000;

/// Removes the profiles of people, each with its files; how many there were.
///
/// # Errors
/// The list cannot be read, or a profile is in use or cannot be removed; those before it are gone.
pub fn remove_all() -> Result<usize, String> {
    let key = LOCAL_MACHINE.open(LIST).map_err(|error| format!("{LIST}: {error}"))?;
    let names = key.keys().map_err(|error| format!("{LIST}: {error}"))?;
    let people: Vec<String> = names.filter(|name| name.starts_with(PEOPLE)).take(PROFILES_MAX).collect();
    for sid in &people {
        remove(sid)?;
    }
    Ok(people.len())
}

fn remove(sid: &str) -> Result<(), String> {
    let text = wide(sid);
    // SAFETY: the text ends with a zero and lives through the call; the profile's path and this machine are the defaults.
    let removed = unsafe { DeleteProfileW(PCWSTR(text.as_ptr()), PCWSTR::null(), PCWSTR::null()) };
    removed.map_err(|error| {
        let code = (error.code().0.cast_unsigned()) & 0xFFFF;
        format!("the profile of {sid} could not be removed: {}", codes::explain(code))
    })
}
