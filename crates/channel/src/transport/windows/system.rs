//! Finds the device of this machine, opens it, and hears when one comes or goes.

use super::super::outcome::{Outcome, Tried, describe, failure};
use super::super::win32::hardware::{Attempt, attempts};
use super::super::{DeviceOptions, Transport};
use super::open;
use super::port::WindowsPort;
use infiniservice_link::OpenFailure;
use infiniservice_platform::win32::device_watch_unsafe::Watch;
use infiniservice_platform::win32::devices_unsafe::{announced_ports, devices};
use std::future::pending;

/// Devices of this machine. To be used inside a tokio runtime.
#[derive(Debug)]
pub struct SystemTransport {
    options: DeviceOptions,
    watch: Option<Watch>,
    said: String,
}

impl SystemTransport {
    /// Nothing is opened yet. Where devices are watched, those of vioserial are from now on.
    pub fn new(options: DeviceOptions) -> Self {
        let watch = if options.watch { Watch::ports() } else { None };
        if options.watch && watch.is_none() {
            log::info!("no device notifications here, so the device is found by retries only");
        }
        Self { options, watch, said: String::new() }
    }

    fn attempts(&self) -> Vec<Attempt> {
        let configured = self.options.device_path.as_deref();
        let (announced, devices) =
            if configured.is_some() { Default::default() } else { (announced_ports(), devices()) };
        attempts(configured, self.options.search, &announced, &devices)
    }

    /// Logs what was passed over, once for as long as it stays the same. What is only absent is not worth a line.
    fn say(&mut self, tried: &[Tried]) {
        let worth = tried.iter().any(|one| one.outcome != Outcome::Absent);
        let text = if worth { describe(tried) } else { String::new() };
        if text != self.said && worth {
            log::info!("devices: {text}");
        }
        self.said = text;
    }
}

impl Transport for SystemTransport {
    type Port = WindowsPort;

    fn open(&mut self) -> Result<WindowsPort, OpenFailure> {
        let mut tried = Vec::new();
        for (path, role) in self.attempts() {
            match open(&path, role, self.options.search) {
                Ok(port) => {
                    self.say(&tried);
                    return Ok(port);
                }
                Err(outcome) => tried.push(Tried { path, name: None, role, outcome }),
            }
        }
        let failure = failure(&tried, self.options.search);
        if failure == OpenFailure::Absent {
            self.say(&tried);
        }
        Err(failure)
    }

    async fn changed(&mut self) {
        match &self.watch {
            Some(watch) => watch.changed().await,
            None => pending().await,
        }
    }
}
