//! The transport of a Linux machine: detection, opening, and the watch for changes.

use super::super::candidates::{Candidate, Role, choose};
use super::super::outcome::{Tried, describe, failure};
use super::super::{DeviceOptions, Transport};
use super::{LinuxPort, open, scan};
use crate::communication::link::OpenFailure;
use std::future::pending;

/// Finds, opens and watches the devices of this machine. To be used inside a tokio runtime.
#[derive(Debug)]
pub struct SystemTransport {
    options: DeviceOptions,
    said: String,
}

impl SystemTransport {
    /// Nothing is opened or watched yet.
    pub fn new(options: DeviceOptions) -> Self {
        Self { options, said: String::new() }
    }

    fn try_in_order(&self, candidates: Vec<Candidate>, tried: &mut Vec<Tried>) -> Option<(LinuxPort, Role)> {
        for candidate in candidates {
            match open::open(&candidate.path, &self.options.sys) {
                Ok(port) => return Some((port, candidate.role)),
                Err(outcome) => {
                    tried.push(Tried { path: candidate.path, name: candidate.name, outcome });
                }
            }
        }
        None
    }

    /// Logs what was passed over, once for as long as it stays the same.
    fn say(&mut self, tried: &[Tried], role: Option<Role>) {
        let mut text = describe(tried);
        if role == Some(Role::GuestAgent) {
            text.push_str("; using a channel meant for qemu-ga, as there is none named org.infinibay.agent");
        }
        let text = text.trim_start_matches("; ").to_owned();
        if text != self.said && !text.is_empty() {
            log::info!("devices: {text}");
        }
        self.said = text;
    }
}

impl Transport for SystemTransport {
    type Port = LinuxPort;

    fn open(&mut self) -> Result<LinuxPort, OpenFailure> {
        let seen = scan::scan(&self.options.dev, &self.options.sys);
        let choice = choose(self.options.device_path.as_deref(), &seen);
        let mut tried = Vec::new();
        let opened = self.try_in_order(choice.candidates, &mut tried);
        tried.extend(choice.passed);
        self.say(&tried, opened.as_ref().map(|(_, role)| *role));
        opened.map(|(port, _)| port).ok_or_else(|| failure(&tried))
    }

    async fn changed(&mut self) {
        pending::<()>().await;
    }
}
