//! The agent's own files: where they are (Filesystem Hierarchy Standard), and new ones that only their owner may open.

pub use infiniservice_platform::trusted::TrustedFile;

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// The file that is read when none is named; it may be missing.
pub fn default_file() -> PathBuf {
    "/etc/infiniservice/config.toml".into()
}

/// Where a service logs that has no standard error; here every one has.
pub fn service_log() -> Option<PathBuf> {
    None
}

/// Creates a file that only its owner may open; there must be none of this name.
pub fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}
