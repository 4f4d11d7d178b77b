//! Finds the device of this machine and opens it.

use super::super::candidates::Role;
use super::super::outcome::{Tried, failure};
use super::super::win32::paths::AGENT_PATHS;
use super::super::{DeviceOptions, Transport};
use super::open;
use super::port::WindowsPort;
use crate::communication::link::OpenFailure;
use std::future::{Future, pending};
use std::path::PathBuf;

/// Devices of this machine. To be used inside a tokio runtime.
#[derive(Debug)]
pub struct SystemTransport {
    options: DeviceOptions,
}

impl SystemTransport {
    /// Nothing is opened yet.
    pub fn new(options: DeviceOptions) -> Self {
        Self { options }
    }

    fn candidates(&self) -> Vec<(PathBuf, Role)> {
        match &self.options.device_path {
            Some(path) => vec![(path.clone(), Role::Configured)],
            None => AGENT_PATHS.iter().map(|path| (path.into(), Role::Agent)).collect(),
        }
    }
}

impl Transport for SystemTransport {
    type Port = WindowsPort;

    fn open(&mut self) -> Result<WindowsPort, OpenFailure> {
        let mut tried = Vec::new();
        for (path, role) in self.candidates() {
            match open(&path) {
                Ok(port) => return Ok(port),
                Err(outcome) => tried.push(Tried { path, name: None, role, outcome }),
            }
        }
        Err(failure(&tried))
    }

    fn changed(&mut self) -> impl Future<Output = ()> {
        pending()
    }
}
