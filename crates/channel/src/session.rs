//! What speaks on a port: one protocol's end, pure. The [driver](crate::driver) moves its bytes.
//!
//! To add a protocol: its state machine in a crate of its own, and this trait for it.

use infiniservice_link::{Event, Link, PortEvent};
use infiniservice_platform::clock::Now;
use infiniservice_qga as qga;

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
        Self::handle(self, now, Event::Port(event), actions);
    }

    fn pending_write(&mut self, now: Now) -> &[u8] {
        Self::pending_write(self, now)
    }

    fn read_room(&self) -> usize {
        Self::read_room(self)
    }
}

/// The QEMU guest agent's protocol.
impl Session for qga::Session {
    type Action = qga::Action;

    fn handle(&mut self, now: Now, event: PortEvent<'_>, actions: &mut Vec<Self::Action>) {
        Self::handle(self, now, qga::Event::Port(event), actions);
    }

    fn pending_write(&mut self, now: Now) -> &[u8] {
        Self::pending_write(self, now)
    }

    fn read_room(&self) -> usize {
        Self::read_room(self)
    }
}
