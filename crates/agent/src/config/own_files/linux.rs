//! The agent's own files: where they are (Filesystem Hierarchy Standard), and new ones that only their owner may open.

pub use infiniservice_platform::trusted::TrustedFile;

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// The file that is read when none is named; it may be missing.
pub fn default_file() -> PathBuf {
    "/etc/infiniservice/config.toml".into()
}

/// Where a service logs that has no standard error; here every one has.
pub fn service_log() -> Option<PathBuf> {
    None
}

/// The file of this machine's own key, where none is named.
pub fn sealed_key() -> PathBuf {
    "/var/lib/infiniservice/sealed.key".into()
}

/// Creates a directory that only its owner may enter, and those above it, where there are none.
pub fn create_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Creates a file that only its owner may open; there must be none of this name.
pub fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}
