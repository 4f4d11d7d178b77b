//! What the transport is told by the configuration, and the roots that tests replace.

use super::candidates::Search;
use std::path::PathBuf;

/// Where to look for the device, and whether to watch for it.
#[derive(Clone, Debug)]
pub struct DeviceOptions {
    /// The only device to use, instead of detection (`device_path`, `--device`).
    pub device_path: Option<PathBuf>,
    /// Which ports detection looks for.
    pub search: Search,
    /// Whether devices are watched as they come and go (not `disable_device_monitoring`).
    pub watch: bool,
    /// The directory of device nodes: `/dev`, or a made-up tree.
    pub dev: PathBuf,
    /// The kernel's view of devices: `/sys`, or a made-up tree.
    pub sys: PathBuf,
}

impl DeviceOptions {
    /// The machine's own devices; `device_path` as configured, `watch` unless monitoring is disabled.
    pub fn new(device_path: Option<PathBuf>, watch: bool) -> Self {
        Self { device_path, search: Search::default(), watch, dev: "/dev".into(), sys: "/sys".into() }
    }

    /// The same, looking for these ports.
    #[must_use]
    pub fn searching(mut self, search: Search) -> Self {
        self.search = search;
        self
    }
}

impl Default for DeviceOptions {
    fn default() -> Self {
        Self::new(None, true)
    }
}
