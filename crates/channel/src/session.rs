//! What speaks on a port: one protocol's end, pure. The [driver](crate::driver) moves its bytes.
//!
//! To add a protocol: its state machine in a crate of its own, and this trait for it.

use infiniservice_link::{Event, Link, OpenFailure};
use infiniservice_platform::clock::Now;

/// What the driver tells of its port.
#[derive(Debug)]
pub enum PortEvent<'a> {
    /// The set of devices changed: one may have come.
    DevicesChanged,
    /// A port is open. `host` is `None` on a device that cannot tell whether a host is connected (a terminal).
    Opened {
        /// The device's path.
        path: &'a str,
        /// Whether a host is connected.
        host: Option<bool>,
    },
    /// No port could be opened.
    OpenFailed(OpenFailure),
    /// A host opened its end.
    HostConnected,
    /// The host closed its end, and what it had sent was read; the port stays open.
    HostDisconnected,
    /// Bytes arrived.
    Read(&'a [u8]),
    /// The port took so many bytes of [`Session::pending_write`].
    Wrote(usize),
    /// Waiting, reading or writing failed; the device may still be there.
    IoFailed(String),
    /// The device is gone.
    DeviceGone,
}

/// One protocol on one port. It holds no clock and does no I/O.
pub trait Session {
    /// What it asks of whoever owns it.
    type Action;

    /// Takes note of what happened at `now`, and appends what is to be done.
    fn handle(&mut self, now: Now, event: PortEvent<'_>, actions: &mut Vec<Self::Action>);

    /// What is to be written next; empty: nothing.
    fn pending_write(&mut self, now: Now) -> &[u8];

    /// How many bytes may be read now, so that whatever they ask for can be answered. 0 holds the host up.
    fn read_room(&self) -> usize;
}

/// The agent's own protocol.
impl Session for Link {
    type Action = infiniservice_link::Action;

    fn handle(&mut self, now: Now, event: PortEvent<'_>, actions: &mut Vec<Self::Action>) {
        let event = match event {
            PortEvent::DevicesChanged => Event::DevicesChanged,
            PortEvent::Opened { path, host } => Event::Opened { path, host },
            PortEvent::OpenFailed(failure) => Event::OpenFailed(failure),
            PortEvent::HostConnected => Event::HostConnected,
            PortEvent::HostDisconnected => Event::HostDisconnected,
            PortEvent::Read(bytes) => Event::Read(bytes),
            PortEvent::Wrote(count) => Event::Wrote(count),
            PortEvent::IoFailed(error) => Event::IoFailed(error),
            PortEvent::DeviceGone => Event::DeviceGone,
        };
        Self::handle(self, now, event, actions);
    }

    fn pending_write(&mut self, now: Now) -> &[u8] {
        Self::pending_write(self, now)
    }

    fn read_room(&self) -> usize {
        Self::read_room(self)
    }
}
