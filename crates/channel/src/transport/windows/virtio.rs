//! A port of vioserial: who is at its other end, by notifications where the system has them, else by looking.

use super::super::Ready;
use super::super::win32::virtio_state::VirtioState;
use crate::transport::win32::virtio_state::{PortInfo, parse};
use infiniservice_platform::win32::device_watch_unsafe::Watch;
use infiniservice_platform::win32::devices_unsafe;
use std::future::pending;
use std::os::windows::io::AsRawHandle;
use std::time::Duration;
use tokio::time::Instant;

/// What a port of vioserial has besides its bytes.
#[derive(Debug)]
pub(super) struct Virtio {
    state: VirtioState,
    start: Instant,
    watch: Option<Watch>,
}

impl Virtio {
    pub(super) fn new(device: &impl AsRawHandle, info: &PortInfo) -> Self {
        let state = VirtioState::new(info, Duration::ZERO);
        Self { state, start: Instant::now(), watch: Watch::device(device) }
    }

    pub(super) fn host(&self) -> bool {
        self.state.host()
    }

    /// The same, asked of the driver at this moment.
    pub(super) fn host_now(&self, device: &impl AsRawHandle) -> bool {
        information(device).map_or_else(|| self.host(), |info| info.host_connected)
    }

    /// Whether the device is about to be taken away.
    pub(super) fn must_close(&self) -> bool {
        self.watch.as_ref().is_some_and(Watch::must_close)
    }

    /// Resolves when the driver should be asked again. Cancel safe.
    pub(super) async fn time_to_look(&self) {
        tokio::select! {
            () = changed(self.watch.as_ref()) => {}
            () = until(self.state.look_at().map(|at| self.start + at)) => {}
        }
    }

    pub(super) fn look(&mut self, device: &impl AsRawHandle) -> Ready {
        let ready = self.state.looked(self.start.elapsed(), information(device).as_ref());
        Ready { readable: ready.readable || self.must_close(), ..ready }
    }

    /// Whether the host is away, after a read hung up.
    pub(super) fn hung_up(&mut self, device: &impl AsRawHandle) -> bool {
        self.state.hung_up(self.start.elapsed(), information(device).as_ref())
    }

    pub(super) fn may_write(&mut self, device: &impl AsRawHandle) -> bool {
        self.state.may_write(self.start.elapsed(), information(device).as_ref())
    }
}

/// What the driver tells of a port; `None`: it is none of vioserial.
pub(super) fn information(device: &impl AsRawHandle) -> Option<PortInfo> {
    parse(&devices_unsafe::information(device)?)
}

async fn changed(watch: Option<&Watch>) {
    match watch {
        Some(watch) => watch.changed().await,
        None => pending().await,
    }
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => pending().await,
    }
}
