//! The model of the port and of QEMU behind it: two bounded pipes, and what a disconnect does to them.
//!
//! After field notes on `virtio_console.c` and QEMU's chardev: a write that returned is queued, not delivered; what is queued when
//! the host disconnects is discarded; what the guest had not read when it closes is discarded; what the host sends while the
//! guest is closed waits; with the host closed or the queue full a write would block.

use super::super::OpenFailure;

/// Why the next opens fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Somebody else holds it.
    Busy,
    /// No access.
    Denied,
    /// Anything else.
    Other,
}

/// The port as the guest and the host see it.
#[derive(Debug)]
pub struct Device {
    /// Plugged in.
    pub present: bool,
    /// Opened by the guest.
    pub open: bool,
    /// What the guest has open was unplugged, whatever is plugged in now.
    pub dead: bool,
    /// Why opens fail, while they do.
    pub refusal: Option<Refusal>,
    /// Whether the guest is told of the host's coming and going (a terminal tells nothing).
    pub tells_host: bool,
    /// Whether a host has its end open.
    pub host: bool,
    /// Reads and writes of the guest fail.
    pub broken: bool,
    /// Writes take a few bytes at a time.
    pub slow: bool,
    /// Writes stop one byte short of the line's end, and then there is no room.
    pub tight: bool,
    held: bool,
    to_host: Vec<u8>,
    to_guest: Vec<u8>,
    to_host_capacity: usize,
    to_guest_capacity: usize,
}

impl Device {
    /// Plugged in, with nobody at either end.
    pub fn new(tells_host: bool, to_host_capacity: usize) -> Self {
        Self {
            present: true,
            open: false,
            dead: false,
            refusal: None,
            tells_host,
            host: false,
            broken: false,
            slow: false,
            tight: false,
            held: false,
            to_host: Vec::new(),
            to_guest: Vec::new(),
            to_host_capacity,
            to_guest_capacity: 256 * 1024,
        }
    }

    /// The guest opens it; tells whether a host is there.
    pub fn open(&mut self) -> Result<Option<bool>, OpenFailure> {
        if !self.present {
            return Err(OpenFailure::Absent);
        }
        match self.refusal {
            Some(Refusal::Busy) => Err(OpenFailure::Busy("another agent".into())),
            Some(Refusal::Denied) => Err(OpenFailure::Denied("root only".into())),
            Some(Refusal::Other) => Err(OpenFailure::Other("EIO".into())),
            None => {
                self.open = true;
                Ok(self.tells_host.then_some(self.host))
            }
        }
    }

    /// The guest closes it: some of the input was in the guest already, and is lost.
    pub fn close(&mut self, rng: &mut fastrand::Rng) {
        self.open = false;
        self.dead = false;
        self.held = false;
        let lost = rng.usize(..=self.to_guest.len());
        self.to_guest.drain(..lost);
    }

    /// The host closes its end.
    pub fn host_leaves(&mut self, rng: &mut fastrand::Rng) {
        self.host = false;
        if self.tells_host {
            self.to_host.clear();
        }
        let kept = rng.usize(..=self.to_guest.len());
        self.to_guest.truncate(kept);
    }

    /// Unplugged: nothing of either way survives.
    pub fn unplug(&mut self) {
        self.present = false;
        self.dead = self.open;
        self.to_host.clear();
        self.to_guest.clear();
    }

    /// The guest writes; 0 is `EAGAIN`.
    pub fn write(&mut self, bytes: &[u8], rng: &mut fastrand::Rng) -> usize {
        let away = self.tells_host && !self.host;
        let room = if away { 0 } else { self.to_host_capacity - self.to_host.len() };
        let wanted = if self.slow { rng.usize(1..=7) } else { 32 * 1024 };
        let wanted = if self.tight { wanted.min(self.all_but_one(bytes.len())) } else { wanted };
        let count = wanted.min(room).min(bytes.len());
        self.to_host.extend_from_slice(&bytes[..count]);
        count
    }

    fn all_but_one(&mut self, len: usize) -> usize {
        let was_held = self.held;
        self.held |= len > 1;
        if was_held { 0 } else { len.saturating_sub(1).max(1) }
    }

    /// There is room again for what was held back.
    pub fn loosen(&mut self) {
        self.tight = false;
        self.held = false;
    }

    /// Whether the host finds something.
    pub fn has_output(&self) -> bool {
        !self.to_host.is_empty()
    }

    /// The host reads all there is.
    pub fn host_reads(&mut self, out: &mut Vec<u8>) {
        out.append(&mut self.to_host);
    }

    /// The host writes a line, or `false` when the pipe is full.
    pub fn host_writes(&mut self, bytes: &[u8]) -> bool {
        let fits = self.host && self.present && self.to_guest.len() + bytes.len() <= self.to_guest_capacity;
        if fits {
            self.to_guest.extend_from_slice(bytes);
        }
        fits
    }

    /// Whether the guest finds something.
    pub fn has_input(&self) -> bool {
        !self.to_guest.is_empty()
    }

    /// The guest reads up to `max` bytes.
    pub fn guest_reads(&mut self, max: usize, out: &mut Vec<u8>) {
        let count = max.min(self.to_guest.len());
        out.clear();
        out.extend(self.to_guest.drain(..count));
    }
}
