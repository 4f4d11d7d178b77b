//! `--diagnose`: why the channel works or does not, and what to do.
//!
//! Facts are gathered per platform; what follows from them, and how it is shown, is the same everywhere.

pub(crate) mod facts;
mod finding;
mod findings;
#[cfg(target_os = "linux")]
mod linux;
pub mod printable;
mod report;
pub mod service_state;
#[cfg_attr(
    not(target_os = "windows"),
    allow(dead_code, reason = "compiled and tested everywhere, used on Windows")
)]
pub mod win;
#[cfg(target_os = "windows")]
mod windows;

pub use finding::Finding;
#[cfg(target_os = "linux")]
pub use linux::run;
pub use report::Report;
#[cfg(target_os = "windows")]
pub use windows::run;

use crate::transport::DeviceOptions;
use std::path::PathBuf;

/// Where to look.
#[derive(Clone, Debug)]
pub struct DiagnoseOptions {
    /// The devices, as the agent itself would look for them.
    pub device: DeviceOptions,
    /// What the settings say of the QEMU guest agent's port.
    pub guest_agent: GuestAgentOptions,
    /// The root of `/proc`, `/run`, `/etc` and `/lib`: `/`, or a made-up tree, in which no program is asked.
    pub root: PathBuf,
}

/// The QEMU guest agent's port as the agent would look for it.
#[derive(Clone, Debug, Default)]
pub struct GuestAgentOptions {
    /// The port that is configured, if one is.
    pub port: Option<PathBuf>,
    /// Why the agent leaves it alone; `None`: it is to serve it.
    pub left: Option<String>,
}

impl DiagnoseOptions {
    /// This machine, with the device that is configured, if one is.
    pub fn new(device_path: Option<PathBuf>) -> Self {
        let guest_agent = GuestAgentOptions::default();
        Self { device: DeviceOptions::new(device_path, false), guest_agent, root: "/".into() }
    }

    /// A made-up tree.
    pub fn under(root: PathBuf, device_path: Option<PathBuf>) -> Self {
        let device = DeviceOptions {
            dev: root.join("dev"),
            sys: root.join("sys"),
            ..DeviceOptions::new(device_path, false)
        };
        Self { device, guest_agent: GuestAgentOptions::default(), root }
    }
}

#[cfg(test)]
mod report_tests;
#[cfg(test)]
mod test_facts;
