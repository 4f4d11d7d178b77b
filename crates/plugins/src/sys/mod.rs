//! What plugins need of the operating system: users to run as, and directories with files of figures.

#[cfg(target_os = "linux")]
#[path = "linux.rs"]
mod imp;
#[cfg(target_os = "windows")]
#[path = "windows.rs"]
mod imp;

pub(crate) use imp::{Directory, is_program, start_directory, user};

use infiniservice_exec::Identity;
use std::ffi::OsString;
use std::fs::File;
use std::time::SystemTime;

/// As whom a plugin runs, and the variables that tell it so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct User {
    /// The agent's own user when absent.
    pub(crate) identity: Option<Identity>,
    /// `HOME`, `USER` and the like.
    pub(crate) environment: Vec<(OsString, OsString)>,
}

/// A file of figures, open for reading.
#[derive(Debug)]
pub(crate) struct Opened {
    /// To read from.
    pub(crate) file: File,
    /// When it was last written.
    pub(crate) modified: SystemTime,
}
