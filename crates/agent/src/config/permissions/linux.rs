//! Files that root obeys, or that hold its secret: opened once, and judged by their descriptor. Only root is protected so: whoever
//! starts the agent as himself may trust his own files.

use super::rules::{Facts, secret_is_safe};
use super::walk::{self, NotOpened};
use std::fs::File;
use std::path::Path;

/// A regular file that is open for reading.
#[derive(Debug)]
pub struct TrustedFile {
    file: File,
    facts: Facts,
}

impl TrustedFile {
    /// Opens it; `None` where there is none. Refuses one that others than root could change or replace while the agent runs as root.
    pub fn open(path: &Path) -> Result<Option<Self>, String> {
        match walk::open(path, rustix::process::geteuid().is_root()) {
            Ok((file, facts)) => Ok(Some(Self { file, facts })),
            Err(NotOpened::Missing) => Ok(None),
            Err(NotOpened::Refused(problem)) => Err(problem),
        }
    }

    /// Refuses a file with a secret in it that others than its owner may open.
    pub fn check_not_readable_by_others(&self) -> Result<(), String> {
        secret_is_safe(&self.facts, 0o077)
    }

    /// Refuses a file with a secret in it that everybody may open; a group may.
    pub fn check_not_open_to_all(&self) -> Result<(), String> {
        secret_is_safe(&self.facts, 0o007)
    }

    /// To read from.
    pub fn reader(&self) -> &File {
        &self.file
    }
}
