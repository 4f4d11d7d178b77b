//! Devices: finding them, watching them, and moving bytes without ever blocking.

pub mod candidates;
#[cfg(target_os = "linux")]
pub mod linux;
mod no_transport;
pub(crate) mod outcome;
pub mod role;
pub(crate) mod vsock;
#[cfg_attr(
    not(target_os = "windows"),
    allow(dead_code, reason = "compiled and tested everywhere, used on Windows")
)]
pub(crate) mod win32;
#[cfg(target_os = "windows")]
pub(crate) mod windows;

#[cfg(target_os = "linux")]
pub use linux::SystemTransport;
pub use no_transport::NoTransport;
#[cfg(target_os = "windows")]
pub use windows::SystemTransport;

use infiniservice_link::OpenFailure;
use role::Search;
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};

/// A family of devices: finds, opens and watches. Injected into `service::run`.
pub trait Transport {
    /// An open device.
    type Port: Port;

    /// Finds the best candidate of this moment and opens it; busy ones are skipped and named in the log once.
    fn open(&mut self) -> Result<Self::Port, OpenFailure>;

    /// Resolves when a device may have come or gone; stays pending for ever where nothing is watched. Cancel safe.
    fn changed(&mut self) -> impl Future<Output = ()>;
}

/// What a readiness event says; all false is a spurious wake-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ready {
    /// Try to read until `WouldBlock`.
    pub readable: bool,
    /// Try to write.
    pub writable: bool,
    /// Whether a host is connected now; `None` where the device cannot tell. What a host wrote before it went can still
    /// be read: read to the end before acting on `Some(false)`.
    pub host: Option<bool>,
}

/// Outcome of a read.
#[derive(Debug)]
pub enum ReadOutcome {
    /// This many bytes, at least one.
    Data(usize),
    /// Nothing more until the next `ready`.
    WouldBlock,
    /// The host closed its end; the port stays open.
    HostAway,
    /// The device is gone: close.
    Gone,
    /// Failed otherwise.
    Failed(io::Error),
}

/// Outcome of a write.
#[derive(Debug)]
pub enum WriteOutcome {
    /// The device took this many bytes.
    Wrote(usize),
    /// No room, or no host; the next `ready` tells.
    WouldBlock,
    /// The device is gone: close.
    Gone,
    /// Failed otherwise.
    Failed(io::Error),
}

/// An open device. Dropping closes it.
pub trait Port {
    /// Where it was opened.
    fn path(&self) -> &Path;

    /// Whether a host is connected at this moment, where the device can tell.
    fn host(&self) -> Option<bool>;

    /// Waits for the next edge: data, room, host come or gone, device gone. Cancel safe; no wake-up without an event.
    fn ready(&mut self) -> impl Future<Output = io::Result<Ready>>;

    /// Reads without blocking.
    fn try_read(&mut self, buffer: &mut [u8]) -> ReadOutcome;

    /// Writes without blocking; short counts are normal.
    fn try_write(&mut self, bytes: &[u8]) -> WriteOutcome;
}

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
