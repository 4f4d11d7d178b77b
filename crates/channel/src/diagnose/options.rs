//! What `--diagnose` is told.

use crate::transport::DeviceOptions;
use std::path::PathBuf;

/// Where to look.
#[derive(Clone, Debug)]
pub struct DiagnoseOptions {
    /// The devices, as the agent itself would look for them.
    pub device: DeviceOptions,
    /// The root of `/proc`, `/run`, `/etc` and `/lib`: `/`, or a made-up tree, in which no program is asked.
    pub root: PathBuf,
}

impl DiagnoseOptions {
    /// This machine, with the device that is configured, if one is.
    pub fn new(device_path: Option<PathBuf>) -> Self {
        Self { device: DeviceOptions::new(device_path, false), root: "/".into() }
    }

    /// A made-up tree.
    pub fn under(root: PathBuf, device_path: Option<PathBuf>) -> Self {
        let device = DeviceOptions {
            dev: root.join("dev"),
            sys: root.join("sys"),
            ..DeviceOptions::new(device_path, false)
        };
        Self { device, root }
    }
}
