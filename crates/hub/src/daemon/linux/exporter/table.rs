//! All machines of the fleet, as their hubs tell them. Nothing here reads a clock or a socket.
//!
//! Neither hubs nor guests are trusted: whatever comes is bounded here before anything keeps it, and what cannot be used is counted
//! and passed over.

use super::hub::Hub;
use super::place::Place;
use super::seat::Seat;
use infiniservice_engine::live::{Decoder, Unread};
use infiniservice_fleet::{MAX_NAME_BYTES, name, subject};
use infiniservice_hub_core::Fleet;
use infiniservice_hub_core::exporter::{Exporter, Reason};
use infiniservice_protocol::clock::Now;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Hubs that are kept.
const MAX_HUBS: usize = 10_000;
/// Longest message, in bytes: as long as the engine takes unless it is told otherwise.
const MAX_MESSAGE_BYTES: usize = 1 << 20;
/// Longest subject, in bytes: of two names in which each byte is escaped.
const MAX_SUBJECT_BYTES: usize = 64 + 2 * 3 * MAX_NAME_BYTES;

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Machines.
    pub(super) machines: usize,
    /// Machines of one hub: as many as a hub has at most.
    pub(super) of_hub: usize,
    /// Bytes of all machines' last lines.
    pub(super) bytes: usize,
    /// Bytes of those of one hub.
    pub(super) bytes_of_hub: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        let of_hub = infiniservice_hub_core::fleet::MAX_MACHINES;
        Self { machines: 200_000, of_hub, bytes: 2 << 30, bytes_of_hub: 512 << 20 }
    }
}

/// The table.
#[derive(Debug, Default)]
pub(super) struct Table {
    bounds: Bounds,
    /// The machines, by the key that hub and name make.
    pub(super) fleet: Fleet,
    pub(super) hubs: BTreeMap<Arc<str>, Hub>,
    /// Which hubs tell of each machine.
    pub(super) places: BTreeMap<Arc<str>, Place>,
    pub(super) counts: Exporter,
    /// Bytes of all last lines.
    pub(super) kept: usize,
    /// Since when the engine is connected, or is not.
    pub(super) engine_since: Duration,
}

impl Table {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self { bounds, fleet: Fleet::with_room(bounds.machines), ..Self::default() }
    }

    /// The engine is connected, or is not.
    pub(super) fn engine(&mut self, now: Now, connected: bool) {
        if self.counts.connected != connected {
            self.counts.connected = connected;
            self.engine_since = now.mono;
        }
    }

    /// Live metrics came.
    pub(super) fn message(&mut self, now: Now, subject: &str, payload: &[u8]) {
        self.counts.messages += 1;
        self.counts.bytes += payload.len() as u64;
        if let Err(reason) = self.read(now, subject, payload) {
            self.counts.drop(reason);
        }
    }

    fn read(&mut self, now: Now, subject: &str, payload: &[u8]) -> Result<(), Reason> {
        if payload.len() > MAX_MESSAGE_BYTES {
            return Err(Reason::TooLong);
        }
        let (hub, vm) = named(subject).ok_or(Reason::Subject)?;
        let name = self.hubs.get_key_value(&*hub).map(|(name, _)| Arc::clone(name));
        let name = name.ok_or(Reason::Stranger)?;
        let hub = self.hubs.get_mut(&name).ok_or(Reason::Stranger)?;
        if hub.budget.pause(now.mono).is_some() {
            return Err(Reason::Flood);
        }
        hub.budget.spend(now.mono, payload.len());
        let decoded = decode(hub, &vm, payload);
        hub.wants_whole |= matches!(decoded, Err(Reason::Gap));
        // What is garbage need not be the hub's.
        let fresh = decoded?;
        hub.message_at = Some(now.mono);
        if hub.heard(now.mono) {
            self.stand_all(now, &name);
        }
        let vm = self.seat_of(now, &name, &vm).ok_or(Reason::NoRoom)?;
        self.line(now, &name, &vm, fresh)
    }

    /// A machine has said a line: its decoder has it.
    fn line(&mut self, now: Now, hub: &Arc<str>, vm: &str, fresh: Option<Decoder>) -> Result<(), Reason> {
        let of_hub = self.hubs.get_mut(hub).ok_or(Reason::Stranger)?;
        let seat = of_hub.vms.get_mut(vm).ok_or(Reason::NoRoom)?;
        if let Some(decoder) = fresh {
            seat.decoder = decoder;
        }
        let bytes = seat.decoder.line().map_or(0, str::len);
        of_hub.budget.spend(now.mono, bytes);
        let (of_hub_kept, kept) = (of_hub.kept - seat.kept + bytes, self.kept - seat.kept + bytes);
        if of_hub_kept > self.bounds.bytes_of_hub || kept > self.bounds.bytes {
            seat.decoder.forget();
            return Err(Reason::NoRoom);
        }
        (of_hub.kept, self.kept, seat.kept) = (of_hub_kept, kept, bytes);
        seat.heard(now.mono);
        let (patience, line) = (seat.patience(), seat.decoder.line().unwrap_or_default());
        self.fleet.with(now, &seat.key, |machine| {
            machine.be_patient(patience);
            machine.told(now, line);
            ((), Vec::new())
        });
        if let Some(place) = self.places.get_mut(vm) {
            place.heard(now.mono, hub);
        }
        Ok(())
    }

    /// The hub of a name, which may be new; `None` where there is no room for it.
    pub(super) fn hub_of(&mut self, now: Duration, name: &str) -> Option<Arc<str>> {
        if let Some((name, _)) = self.hubs.get_key_value(name) {
            return Some(Arc::clone(name));
        }
        let name: Arc<str> = (self.hubs.len() < MAX_HUBS).then(|| name.into())?;
        self.hubs.insert(Arc::clone(&name), Hub::new(now));
        Some(name)
    }

    /// The machine of a hub, which may be new; `None` where there is no room for it.
    pub(super) fn seat_of(&mut self, now: Now, hub: &Arc<str>, vm: &str) -> Option<Arc<str>> {
        let of_hub = self.hubs.get_mut(hub)?;
        if let Some((vm, _)) = of_hub.vms.get_key_value(vm) {
            return Some(Arc::clone(vm));
        }
        if of_hub.vms.len() >= self.bounds.of_hub {
            return None;
        }
        let key = self.fleet.claim(now, &subject::vm_key(hub, vm), hub).ok()?;
        let vm = self.places.get_key_value(vm).map_or_else(|| vm.into(), |(vm, _)| Arc::clone(vm));
        of_hub.vms.insert(Arc::clone(&vm), Seat::new(key));
        self.places.entry(Arc::clone(&vm)).or_default().add(hub);
        Some(vm)
    }

    /// All machines of a hub stand as it does.
    pub(super) fn stand_all(&mut self, now: Now, hub: &str) {
        if let Some(hub) = self.hubs.get(hub) {
            hub.vms.values().for_each(|seat| seat.stand(&mut self.fleet, now, hub.is_there));
        }
    }
}

/// Hub and machine of a subject, where it names any.
fn named(subject: &str) -> Option<(String, String)> {
    let is_short = subject.len() <= MAX_SUBJECT_BYTES;
    let (hub, vm) = is_short.then(|| subject::parse_metrics(subject)).flatten()?;
    (name::is_hub(&hub) && name::is_vm(&vm)).then_some((hub, vm))
}

/// Reads a message with what is known of its machine; a decoder of its own for one that is new.
fn decode(hub: &mut Hub, vm: &str, payload: &[u8]) -> Result<Option<Decoder>, Reason> {
    let mut fresh = Decoder::default();
    let seat = hub.vms.get_mut(vm);
    let is_new = seat.is_none();
    let decoder = seat.map_or(&mut fresh, |seat| &mut seat.decoder);
    match decoder.decode(payload) {
        Ok(_) => Ok(is_new.then_some(fresh)),
        Err(Unread::Gap) => Err(Reason::Gap),
        Err(Unread::Wrong) => Err(Reason::Wrong),
    }
}
