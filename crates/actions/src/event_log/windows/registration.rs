//! The source's key in the registry: where Event Viewer finds the texts. They are in the program itself.

use super::super::SOURCE;
use std::io;
use std::path::Path;
use windows_registry::LOCAL_MACHINE;

const APPLICATION: &str = r"SYSTEM\CurrentControlSet\Services\EventLog\Application";
/// Error, warning, information.
const TYPES: u32 = 7;

/// Makes the source known, with the texts of this program.
///
/// # Errors
/// The registry refuses it.
pub fn register(program: &Path) -> io::Result<()> {
    let key = LOCAL_MACHINE.create(format!(r"{APPLICATION}\{SOURCE}"))?;
    key.set_expand_string("EventMessageFile", program.to_string_lossy())?;
    Ok(key.set_u32("TypesSupported", TYPES)?)
}

/// Forgets the source; events that are there lose their texts.
///
/// # Errors
/// The registry refuses it.
pub fn deregister() -> io::Result<()> {
    let key = LOCAL_MACHINE.options().read().write().open(APPLICATION)?;
    if key.open(SOURCE).is_err() {
        return Ok(());
    }
    Ok(key.remove_tree(SOURCE)?)
}
