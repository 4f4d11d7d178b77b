//! The transport of a Linux machine: detection, opening, and the watch for changes.

use super::super::candidates::{Candidate, Role, choose};
use super::super::outcome::{Outcome, Tried, describe, failure};
use super::super::{DeviceOptions, Transport};
use super::watch_points::{self, Names, Point};
use super::watcher::Watcher;
use super::{LinuxPort, open, scan};
use crate::communication::link::OpenFailure;
use std::future::pending;
use std::path::PathBuf;

/// Finds, opens and watches the devices of this machine. To be used inside a tokio runtime.
#[derive(Debug)]
pub struct SystemTransport {
    options: DeviceOptions,
    watcher: Option<Watcher>,
    /// Devices that another program holds: its letting go of one counts as a change.
    busy: Vec<PathBuf>,
    said: String,
}

impl SystemTransport {
    /// Nothing is opened or watched yet.
    pub fn new(options: DeviceOptions) -> Self {
        Self { options, watcher: None, busy: Vec::new(), said: String::new() }
    }

    /// Watches what is to be watched now. Directories come and go and links are replaced, so this is done again before
    /// each scan, and whenever something changed.
    fn watch(&mut self) {
        if !self.options.watch {
            return;
        }
        let points = self.points();
        if self.watcher.is_none() {
            match Watcher::new() {
                Ok(watcher) => self.watcher = Some(watcher),
                Err(error) => {
                    log::warn!("no device monitoring, the device is looked for by retries only: {error}");
                    self.options.watch = false;
                }
            }
        }
        if let Some(watcher) = &mut self.watcher {
            watcher.watch(&points);
        }
    }

    fn points(&self) -> Vec<Point> {
        let mut points = match &self.options.device_path {
            Some(path) => watch_points::for_path(path),
            None => watch_points::for_detection(&self.options.dev),
        };
        points.extend(self.busy.iter().map(|path| Point { path: path.clone(), names: Names::Closing }));
        points
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

    /// While nothing is open, a busy device that is let go is worth a try at once.
    fn watch_busy(&mut self, tried: &[Tried], opened: bool) {
        let held = tried.iter().filter(|one| one.outcome == Outcome::Busy && !opened);
        let busy: Vec<PathBuf> = held.map(|one| one.path.clone()).collect();
        if busy != self.busy {
            self.busy = busy;
            self.watch();
        }
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
        self.watch();
        let seen = scan::scan(&self.options.dev, &self.options.sys);
        let choice = choose(self.options.device_path.as_deref(), &seen);
        let mut tried = Vec::new();
        let opened = self.try_in_order(choice.candidates, &mut tried);
        tried.extend(choice.passed);
        self.watch_busy(&tried, opened.is_some());
        self.say(&tried, opened.as_ref().map(|(_, role)| *role));
        opened.map(|(port, _)| port).ok_or_else(|| failure(&tried))
    }

    async fn changed(&mut self) {
        if self.watcher.is_none() {
            self.watch();
        }
        match &mut self.watcher {
            Some(watcher) => watcher.changed().await,
            None => pending().await,
        }
        self.watch();
    }
}
