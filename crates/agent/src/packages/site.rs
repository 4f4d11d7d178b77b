//! The package manager of one system, and the few files that tell what no program does.

use super::PackageManager;
use crate::os_detection::OsInfo;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A system's package manager with the root of the system's files.
#[derive(Debug)]
pub struct Site {
    /// What installs packages there.
    pub manager: Box<dyn PackageManager>,
    root: PathBuf,
}

impl Site {
    /// The package manager that the system below `root` has; `None` where there is none that the agent knows.
    pub fn detect(root: &Path) -> Option<Self> {
        Some(Self::new(super::of(OsInfo::detect(root).package_manager?)?, root))
    }

    /// This one, with files below `root`.
    pub fn new(manager: Box<dyn PackageManager>, root: &Path) -> Self {
        Self { manager, root: root.to_owned() }
    }

    /// Whether an absolute path is there.
    pub fn exists(&self, path: &str) -> bool {
        self.below(path).exists()
    }

    /// The newest modification time of these.
    pub fn newest(&self, paths: &[&str]) -> Option<SystemTime> {
        paths.iter().filter_map(|path| self.below(path).metadata().ok()?.modified().ok()).max()
    }

    /// The name of a process that runs.
    pub fn process_name(&self, pid: u32) -> Option<String> {
        let name = std::fs::read_to_string(self.below(&format!("/proc/{pid}/comm"))).ok()?;
        Some(super::text::quote(&name))
    }

    /// Whether the running kernel's modules are gone, though the system has kernels at all.
    pub fn modules_gone(&self) -> bool {
        let Ok(release) = std::fs::read_to_string(self.below("/proc/sys/kernel/osrelease")) else {
            return false;
        };
        let has_modules = |directory: &str| self.exists(&format!("{directory}/{}", release.trim()));
        let any = self.exists("/usr/lib/modules") || self.exists("/lib/modules");
        any && !has_modules("/usr/lib/modules") && !has_modules("/lib/modules")
    }

    fn below(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }
}
