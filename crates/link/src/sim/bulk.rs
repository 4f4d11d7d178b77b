//! The bulk port in the simulated world: the model driver on it, its device, and a host that stalls, vanishes and floods.

use super::super::{BulkAction, PortEvent};
use super::bulk_bytes::{BulkBytes, plain};
use super::checker::Found;
use super::device::{Device, Refusal};
use super::host::Host;
use super::queue::{BulkHappening, Happening};
use super::world::World;
use std::time::Duration;

/// What takes nothing for ten seconds is given up; the eleventh is for what is under way.
const GIVEN_UP_WITHIN: Duration = Duration::from_secs(11);
const SLOW_EDGE: Duration = Duration::from_millis(100);

/// The port, both its ends, and what is watched of it.
#[derive(Debug)]
pub struct Side {
    device: Device,
    known_host: Option<bool>,
    edge_due: bool,
    reads_due: bool,
    /// The host does not read.
    stalled: bool,
    /// The line that the host reads.
    line: Vec<u8>,
    bytes: BulkBytes,
    /// Since when the link uses the port and it takes nothing of what waits.
    stuck_since: Option<Duration>,
}

impl Side {
    /// A port that is there, with nobody at its other end.
    pub fn new(tells_host: bool, capacity: usize) -> Self {
        Self {
            device: Device::new(tells_host, capacity),
            known_host: None,
            edge_due: false,
            reads_due: false,
            stalled: false,
            line: Vec::new(),
            bytes: BulkBytes::default(),
            stuck_since: None,
        }
    }
}

impl World {
    pub(super) fn bulk_happens(&mut self, what: BulkHappening) -> Found {
        match what {
            BulkHappening::Edge => return self.bulk_edge(),
            BulkHappening::Reads => return self.bulk_reads(),
            BulkHappening::HostComes => self.bulk_host_comes(),
            BulkHappening::HostLeaves => self.bulk_host_leaves(),
            BulkHappening::FaultEnds => self.bulk_faults_stop(),
        }
        Ok(())
    }

    /// Writes what waits for the bulk port; what that gives back goes over the other one.
    pub(super) fn bulk_turn(&mut self) -> Found {
        self.bulk_write()?;
        self.bulk_is_not_stuck()?;
        if self.subject.link().is_drained() { Ok(()) } else { self.pump() }
    }

    pub(super) fn bulk_timer(&mut self) -> Found {
        let (clock, mut actions) = (self.clock(), Vec::new());
        self.subject.bulk_timer(clock, &mut actions);
        self.bulk_act(actions)
    }

    pub(super) fn bulk_devices_changed(&mut self) -> Found {
        if self.bulk.is_some() { self.tell_bulk(PortEvent::DevicesChanged) } else { Ok(()) }
    }

    fn tell_bulk(&mut self, event: PortEvent<'_>) -> Found {
        let (clock, mut actions) = (self.clock(), Vec::new());
        self.subject.bulk_handle(clock, event, &mut actions);
        self.bulk_act(actions)
    }

    fn bulk_act(&mut self, actions: Vec<BulkAction>) -> Found {
        for action in actions {
            match action {
                BulkAction::Open => self.bulk_open()?,
                BulkAction::Close(_) => self.bulk_close(),
                BulkAction::Log(_, text) => self.watch.note(self.now, text),
            }
        }
        self.take_bulk_lines()
    }

    fn bulk_open(&mut self) -> Found {
        let Some(side) = &mut self.bulk else { return Ok(()) };
        match side.device.open() {
            Err(failure) => self.tell_bulk(PortEvent::OpenFailed(failure)),
            Ok(host) => {
                side.known_host = host;
                if host == Some(true) {
                    side.bytes.connected();
                }
                self.bulk_guest_notices();
                self.tell_bulk(PortEvent::Opened { path: "/dev/vport1p2", host })
            }
        }
    }

    fn bulk_close(&mut self) {
        let Some(side) = &mut self.bulk else { return };
        side.known_host = None;
        side.device.close(&mut self.rng);
        side.bytes.given_up(true);
    }

    fn bulk_edge(&mut self) -> Found {
        let Some(side) = &mut self.bulk else { return Ok(()) };
        side.edge_due = false;
        if !side.device.open {
            return Ok(());
        }
        if side.device.dead {
            return self.tell_bulk(PortEvent::DeviceGone);
        }
        self.bulk_tell_host()?;
        self.bulk_take_input()
    }

    fn bulk_tell_host(&mut self) -> Found {
        let Some(side) = &mut self.bulk else { return Ok(()) };
        let host = side.device.host;
        if !side.device.tells_host || side.known_host == Some(host) {
            return Ok(());
        }
        side.known_host = Some(host);
        if host {
            side.bytes.connected();
            return self.tell_bulk(PortEvent::HostConnected);
        }
        // Between two lines the link has given up none; what it gave up before counted as taken.
        let between = self.subject.bulk_pending_write(self.clock()) == b"\n";
        if let Some(side) = &mut self.bulk {
            side.bytes.given_up(between);
        }
        self.tell_bulk(PortEvent::HostDisconnected)
    }

    fn bulk_take_input(&mut self) -> Found {
        while let Some(side) = self.bulk.as_mut().filter(|side| side.device.open && side.device.has_input()) {
            if side.device.broken {
                return self.tell_bulk(PortEvent::IoFailed("EIO on read".into()));
            }
            let mut buffer = Vec::new();
            side.device.guest_reads(4096, &mut buffer);
            self.tell_bulk(PortEvent::Read(&buffer))?;
        }
        Ok(())
    }

    fn bulk_write(&mut self) -> Found {
        let clock = self.clock();
        while let Some(side) = self.bulk.as_mut().filter(|side| side.device.open) {
            let bytes = self.subject.bulk_pending_write(clock);
            let bytes = bytes.as_slice();
            if bytes.is_empty() {
                side.stuck_since = None;
                break;
            }
            if side.device.dead {
                return self.tell_bulk(PortEvent::DeviceGone);
            }
            if side.device.broken {
                return self.tell_bulk(PortEvent::IoFailed("EIO on write".into()));
            }
            let count = side.device.write(bytes, &mut self.rng);
            if count == 0 {
                side.stuck_since = side.stuck_since.or(Some(self.now));
                break;
            }
            side.stuck_since = None;
            side.bytes.accept(bytes, count)?;
            let slow = side.device.slow;
            self.bulk_host_notices();
            self.tell_bulk(PortEvent::Wrote(count))?;
            if slow {
                self.later(SLOW_EDGE, Happening::Bulk(BulkHappening::Edge));
                break;
            }
        }
        Ok(())
    }

    fn take_bulk_lines(&mut self) -> Found {
        let Some(side) = &mut self.bulk else { return Ok(()) };
        for line in std::mem::take(&mut side.bytes.whole) {
            let (kind, _) = plain(&line)?.ok_or("a torn line on the bulk port")?;
            self.checker.bulk_line(&kind)?;
        }
        Ok(())
    }

    fn bulk_is_not_stuck(&mut self) -> Found {
        let used = self.subject.link().uses_bulk();
        let (now, thaws) = (self.now, self.frozen_until);
        let Some(side) = &mut self.bulk else { return Ok(()) };
        side.stuck_since = side.stuck_since.filter(|_| used).map(|since| since.max(thaws.min(now)));
        match side.stuck_since {
            Some(since) if now > since + GIVEN_UP_WITHIN => {
                Err("the bulk port takes nothing, and is not given up".into())
            }
            _ => Ok(()),
        }
    }

    fn bulk_reads(&mut self) -> Found {
        let Some(side) = &mut self.bulk else { return Ok(()) };
        side.reads_due = false;
        if !side.device.host || side.stalled {
            return Ok(());
        }
        let mut bytes = Vec::new();
        side.device.host_reads(&mut bytes);
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            side.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                let line = std::mem::take(&mut side.line);
                read_line(&mut self.host, line.trim_ascii())?;
            }
        }
        self.bulk_guest_notices();
        Ok(())
    }

    fn bulk_host_comes(&mut self) {
        let Some(side) = &mut self.bulk else { return };
        if side.device.host {
            return;
        }
        side.device.host = true;
        if side.device.tells_host {
            side.line.clear();
        }
        side.device.host_writes(b"\n");
        self.bulk_guest_notices();
        self.bulk_host_notices();
    }

    fn bulk_host_leaves(&mut self) {
        let Some(side) = &mut self.bulk else { return };
        if side.device.host {
            side.device.host_leaves(&mut self.rng);
            self.bulk_guest_notices();
        }
    }

    /// Something goes wrong with the bulk port, for some time.
    pub(super) fn bulk_fault(&mut self) {
        let refusal = self.rng.choice([Refusal::Busy, Refusal::Denied, Refusal::Other]);
        let kind = self.rng.u8(..10);
        let later = Duration::from_millis(self.rng.u64(..60_000));
        let soon = Duration::from_micros(self.rng.u64(..5000));
        let Some(side) = &mut self.bulk else { return };
        match kind {
            0 => side.device.broken = true,
            1 => side.device.slow = true,
            2 => side.device.tight = true,
            3 | 4 => side.stalled = true,
            5 => {
                side.device.unplug();
                self.bulk_guest_notices();
            }
            6 => side.device.refusal = refusal,
            7 => {
                side.device.host_writes("no line at all".repeat(2000).as_bytes());
                self.bulk_guest_notices();
            }
            8 => {
                // Another host, of which only its first byte tells.
                side.device.host_writes(b"\n");
                self.bulk_guest_notices();
            }
            _ => {
                self.later(soon, Happening::Bulk(BulkHappening::HostLeaves));
                self.later(soon * 2, Happening::Bulk(BulkHappening::HostComes));
            }
        }
        self.later(later, Happening::Bulk(BulkHappening::FaultEnds));
    }

    /// All is well with the bulk port again.
    pub(super) fn bulk_faults_stop(&mut self) {
        let Some(side) = &mut self.bulk else { return };
        side.device.broken = false;
        side.device.slow = false;
        side.device.refusal = None;
        side.device.loosen();
        side.stalled = false;
        if !side.device.present {
            side.device.present = true;
            self.later(Duration::ZERO, Happening::DevicesChanged);
        }
        self.later(Duration::from_millis(5), Happening::Bulk(BulkHappening::HostComes));
        self.bulk_guest_notices();
        self.bulk_host_notices();
    }

    fn bulk_guest_notices(&mut self) {
        if self.bulk.as_mut().is_some_and(|side| !std::mem::replace(&mut side.edge_due, true)) {
            let after = Duration::from_micros(self.rng.u64(..3000));
            self.later(after, Happening::Bulk(BulkHappening::Edge));
        }
    }

    fn bulk_host_notices(&mut self) {
        let notices = |side: &mut Side| !side.stalled && !std::mem::replace(&mut side.reads_due, true);
        if self.bulk.as_mut().is_some_and(notices) {
            let after = Duration::from_micros(self.rng.u64(..3000));
            self.later(after, Happening::Bulk(BulkHappening::Reads));
        }
    }

    /// Nothing wakes the guest for a port without a host.
    pub(super) fn bulk_is_at_rest(&self) -> bool {
        let away = self.bulk.as_ref().is_some_and(|side| side.device.open && side.known_host == Some(false));
        !away || self.subject.bulk_deadline().is_none()
    }
}

/// A line that is not whole is what a host before, or the port's giving up, left.
fn read_line(host: &mut Host, line: &[u8]) -> Found {
    match plain(line) {
        Ok(Some((_, within))) => host.take_bulk(&within),
        _ => Ok(()),
    }
}
