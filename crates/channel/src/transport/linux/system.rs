//! The transport of a Linux machine: detection, opening, and the watch for changes.

use super::super::candidates::{Candidate, choose};
use super::super::outcome::{Outcome, Tried, describe, failure};
use super::super::role::{Role, Search};
use super::super::vsock;
use super::super::{DeviceOptions, Transport};
use super::port::PreferredPort;
use super::vsock::VsockPort;
use super::watch_targets::{self, WatchTarget};
use super::watcher::Watcher;
use super::{LinuxPort, SystemPort, open, scan};
use infiniservice_link::OpenFailure;
use std::fs;
use std::future::pending;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// Finds, opens and watches the devices of this machine. To be used inside a tokio runtime.
#[derive(Debug)]
pub struct SystemTransport {
    options: DeviceOptions,
    watcher: Option<Watcher>,
    /// Devices that another program holds: its letting go of one counts as a change.
    busy: Vec<PathBuf>,
    said: String,
    /// Set while a substitute may be in use: to be told when the agent's own port comes.
    successor: Option<Arc<PreferredPort>>,
}

impl SystemTransport {
    /// Nothing is opened or watched yet.
    pub fn new(options: DeviceOptions) -> Self {
        Self { options, watcher: None, busy: Vec::new(), said: String::new(), successor: None }
    }

    /// Watches what is to be watched now. Directories come and go and links are replaced, so this is done again before
    /// each scan, and whenever something changed.
    fn watch(&mut self) {
        // A socket does not come and go as a device does.
        if !self.options.watch || self.vsock().is_some() {
            return;
        }
        let targets = self.targets();
        if self.watcher.is_none() {
            match Watcher::new() {
                Ok(watcher) => self.watcher = Some(watcher),
                Err(error) => {
                    log::warn!("no device monitoring, so the device is found by retries only: {error}");
                    self.options.watch = false;
                }
            }
        }
        if let Some(watcher) = &mut self.watcher {
            watcher.watch(&targets);
        }
    }

    /// The socket that is configured instead of a device.
    fn vsock(&self) -> Option<(PathBuf, vsock::Spelled)> {
        let path = self.options.device_path.clone()?;
        vsock::spelled(&path).map(|spelled| (path, spelled))
    }

    fn listen(&mut self, path: PathBuf, spelled: vsock::Spelled) -> Result<SystemPort, OpenFailure> {
        let opened = spelled.map_err(Outcome::Refused).and_then(|address| VsockPort::listen(address, &path));
        opened.map(SystemPort::Vsock).map_err(|outcome| {
            let tried = [Tried { path, name: None, role: Role::Configured, outcome }];
            failure(&tried, self.options.search)
        })
    }

    fn targets(&self) -> Vec<WatchTarget> {
        match &self.options.device_path {
            Some(path) => watch_targets::for_path(path, &self.busy),
            None => watch_targets::for_detection(&self.options.dev, &self.busy),
        }
    }

    fn try_in_order(&self, candidates: Vec<Candidate>, tried: &mut Vec<Tried>) -> Option<(LinuxPort, Role)> {
        for candidate in candidates {
            match open::open(&candidate.path, &self.options.sys) {
                Ok(port) => return Some((port, candidate.role)),
                Err(outcome) => {
                    let Candidate { path, name, role } = candidate;
                    tried.push(Tried { path, name, role, outcome });
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

    /// Makes a substitute that is in use give way to the agent's own port, once there is one.
    fn look_for_successor(&mut self) {
        let Some(successor) = &self.successor else { return };
        let seen = scan::scan(&self.options.dev, &self.options.sys);
        if choose(None, self.options.search, &seen)
            .candidates
            .first()
            .is_some_and(|first| first.role == Role::Agent)
        {
            log::info!("devices: the agent's own port has appeared; leaving the substitute");
            successor.announce();
            self.successor = None;
        }
    }

    /// A port without a name may be taken once its name had time to come.
    fn remind(&mut self, tried: &[Tried]) {
        let unsettled = tried.iter().any(|one| one.outcome == Outcome::Unsettled);
        if let (true, Some(watcher)) = (unsettled, &mut self.watcher) {
            watcher.remind(scan::NAME_GRACE);
        }
    }

    /// The failure for the link, which logs the text that it carries; only an absence carries none. Where nothing can be
    /// looked at, as without a free descriptor, that is no absence.
    fn fail(&mut self, tried: &[Tried]) -> OpenFailure {
        let failure = failure(tried, self.options.search);
        if failure != OpenFailure::Absent {
            return failure;
        }
        match fs::read_dir(&self.options.dev) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => OpenFailure::Other(format!(
                "cannot look for devices: {}: {error}",
                self.options.dev.display()
            )),
            _ => {
                self.say(tried, None);
                failure
            }
        }
    }

    /// Logs what was passed over, once for as long as it stays the same.
    fn say(&mut self, tried: &[Tried], role: Option<Role>) {
        let mut text = describe(tried);
        if role == Some(Role::GuestAgent) && self.options.search != Search::GuestAgent {
            text.push_str(
                "; using a channel meant for qemu-ga, because there is none named org.infinibay.agent",
            );
        }
        let text = text.trim_start_matches("; ").to_owned();
        if text != self.said && !text.is_empty() {
            log::info!("devices: {text}");
        }
        self.said = text;
    }
}

impl Transport for SystemTransport {
    type Port = SystemPort;

    fn open(&mut self) -> Result<SystemPort, OpenFailure> {
        if let Some((path, spelled)) = self.vsock() {
            return self.listen(path, spelled);
        }
        self.watch();
        let seen = scan::scan(&self.options.dev, &self.options.sys);
        let choice = choose(self.options.device_path.as_deref(), self.options.search, &seen);
        let mut tried = Vec::new();
        let opened = self.try_in_order(choice.candidates, &mut tried);
        tried.extend(choice.passed);
        self.watch_busy(&tried, opened.is_some());
        self.remind(&tried);
        self.successor = None;
        let Some((port, role)) = opened else { return Err(self.fail(&tried)) };
        self.say(&tried, Some(role));
        if self.options.search.wants(role) {
            return Ok(SystemPort::Device(port));
        }
        Ok(SystemPort::Device(port.until(self.successor.insert(Arc::default()))))
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
        self.look_for_successor();
    }
}
