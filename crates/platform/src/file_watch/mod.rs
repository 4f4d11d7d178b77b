//! Tells when files may have changed: at once where the kernel says so, else by looking at their times.

#[cfg(any(test, not(target_os = "linux")))]
mod by_time;
#[cfg(target_os = "linux")]
mod linux;

#[cfg(not(target_os = "linux"))]
pub use by_time::FileWatch;
#[cfg(target_os = "linux")]
pub use linux::FileWatch;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// What is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    directory: PathBuf,
    /// The only entry of it that matters; all when absent.
    name: Option<OsString>,
}

impl Target {
    /// One file, which may come later. `None` where the path names none.
    pub fn file(path: &Path) -> Option<Self> {
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let directory = directory.unwrap_or_else(|| Path::new(".")).to_path_buf();
        path.file_name().map(|name| Self { directory, name: Some(name.to_owned()) })
    }

    /// Whatever lies in a directory.
    pub fn entries(directory: &Path) -> Self {
        Self { directory: directory.to_path_buf(), name: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_name_lies_where_the_agent_runs_and_a_directory_alone_is_no_file() {
        let bare = Target::file(Path::new("config.toml")).unwrap();
        assert_eq!(bare.directory, Path::new("."));
        assert_eq!(bare.name.as_deref(), Some("config.toml".as_ref()));
        assert_eq!(Target::file(Path::new("/")), None);
        assert_eq!(Target::entries(Path::new("/etc")).name, None);
    }
}
