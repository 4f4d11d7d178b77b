//! Below `C:\ProgramData`.

use infiniservice_platform::win32::directories_unsafe::program_data;
use std::path::PathBuf;

/// Where it is on every system that was not moved by hand.
const PROGRAM_DATA: &str = r"C:\ProgramData";

fn directory() -> PathBuf {
    program_data().unwrap_or_else(|| PROGRAM_DATA.into()).join("InfiniService")
}

/// The file that is read when none is named; it may be missing.
pub fn default_file() -> PathBuf {
    directory().join("config.toml")
}

/// Where a service logs, as it has no standard error.
pub fn service_log() -> Option<PathBuf> {
    Some(directory().join("infiniservice.log"))
}
