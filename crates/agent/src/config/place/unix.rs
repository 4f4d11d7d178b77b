//! By the Filesystem Hierarchy Standard.

use std::path::PathBuf;

/// The file that is read when none is named; it may be missing.
pub fn default_file() -> PathBuf {
    "/etc/infiniservice/config.toml".into()
}

/// Where a service logs that has no standard error; here every one has.
pub fn service_log() -> Option<PathBuf> {
    None
}
