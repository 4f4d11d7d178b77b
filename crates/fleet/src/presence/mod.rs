//! Who is there, for whoever watches: hubs and machines from the engine's buckets, merged.
//!
//! A machine that vanishes from one hub and appears at another has moved; one that two hubs say they have for longer than a move
//! takes is claimed twice. The machines of a hub that is not heard are `silent`: they are still where they were.

mod change;
#[cfg(test)]
mod tests;

pub use change::Change;

use crate::message::{HubPresence, Order, VmPresence};
use crate::planner::View;
use crate::{MAX_TARGETS, name};
use infiniservice_hub_core::{Fleet, Which};
use infiniservice_protocol::clock::Now;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, UNIX_EPOCH};

/// How long a machine may be at two hubs, or at none, while it moves.
pub const MOVE: Duration = Duration::from_secs(30);
/// The state of the machines of a hub that is not heard.
pub const SILENT: &str = "silent";

/// A machine at one hub.
#[derive(Clone, Debug)]
struct Seat {
    presence: VmPresence,
    /// Since when it is gone from there, where it is.
    gone: Option<Duration>,
}

/// A machine at all hubs that say they have it, or had it a moment ago.
#[derive(Clone, Debug, Default)]
struct Entry {
    seats: Vec<Seat>,
    /// Since when more than one hub has it.
    twice: Option<Duration>,
    /// Whether that was told.
    told: bool,
}

/// A machine, as it is shown.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// What its hub says.
    pub presence: &'a VmPresence,
    /// Its state: its hub's word, or [`SILENT`] where that is not heard.
    pub state: &'a str,
    /// Whether another hub says that it has it, too, for longer than a move takes.
    pub claimed_twice: bool,
}

/// All hubs and machines.
#[derive(Debug, Default)]
pub struct Table {
    hubs: BTreeMap<String, (HubPresence, bool)>,
    vms: BTreeMap<String, Entry>,
    by_hub: BTreeMap<String, BTreeSet<String>>,
    /// Those of which something is to be looked at when time has passed.
    unsettled: BTreeSet<String>,
    changes: Vec<Change>,
    /// Entries that were not taken: names that are too long, or too many machines.
    pub dropped: u64,
}

impl Table {
    /// A hub's entry was written.
    pub fn hub(&mut self, presence: HubPresence) {
        if !name::is_hub(&presence.hub) {
            self.dropped += 1;
            return;
        }
        let hub = presence.hub.clone();
        let before = self.hubs.insert(hub.clone(), (presence, true));
        if before.is_none_or(|(_, there)| !there) {
            self.changes.push(Change::HubBack { hub });
        }
    }

    /// A hub's entry has vanished: it was not heard for as long as the entry lives.
    pub fn hub_gone(&mut self, now: Now, hub: &str) {
        let Some((_, there)) = self.hubs.get_mut(hub).filter(|(_, there)| *there) else { return };
        *there = false;
        self.changes.push(Change::HubGone { hub: hub.to_owned() });
        // What moved away from it need not wait for its word.
        for vm in self.by_hub.get(hub).cloned().unwrap_or_default() {
            self.settle(now, &vm);
        }
    }

    /// A machine's entry was written.
    pub fn vm(&mut self, now: Now, presence: VmPresence) {
        let (hub, vm) = (presence.hub.clone(), presence.vm.clone());
        let is_new = !self.vms.contains_key(&vm);
        if !name::is_vm(&vm) || !name::is_hub(&hub) || is_new && self.vms.len() >= MAX_TARGETS {
            self.dropped += 1;
            return;
        }
        let entry = self.vms.entry(vm.clone()).or_default();
        self.by_hub.entry(hub.clone()).or_default().insert(vm.clone());
        match entry.seats.iter_mut().find(|seat| seat.presence.hub == hub) {
            Some(seat) if seat.gone.is_none() => {
                seat.presence = presence;
                return;
            }
            Some(seat) => *seat = Seat { presence, gone: None },
            None => entry.seats.push(Seat { presence, gone: None }),
        }
        if is_new {
            self.changes.push(Change::VmNew { hub, vm: vm.clone() });
        }
        self.settle(now, &vm);
    }

    /// A machine's entry was deleted: its hub does not have it any more.
    pub fn vm_gone(&mut self, now: Now, hub: &str, vm: &str) {
        let Some(entry) = self.vms.get_mut(vm) else { return };
        let seat = entry.seats.iter_mut().find(|seat| seat.presence.hub == hub && seat.gone.is_none());
        if let Some(seat) = seat {
            seat.gone = Some(now.mono);
            self.settle(now, vm);
        }
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Now) {
        for vm in self.unsettled.clone() {
            self.settle(now, &vm);
        }
    }

    /// What has changed. It is taken away with this.
    pub fn take(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    fn settle(&mut self, now: Now, vm: &str) {
        let Some(entry) = self.vms.get_mut(vm) else { return };
        let hubs = &self.hubs;
        let is_heard = |hub: &str| hubs.get(hub).is_some_and(|(_, there)| *there);
        let left = entry.settle(now, vm, &is_heard, &mut self.changes);
        for hub in left {
            if let Some(vms) = self.by_hub.get_mut(&hub) {
                vms.remove(vm);
            }
        }
        if entry.is_settled() {
            self.unsettled.remove(vm);
        } else {
            self.unsettled.insert(vm.to_owned());
        }
        if entry.seats.is_empty() {
            self.vms.remove(vm);
        }
    }

    /// All hubs, and whether they are heard.
    pub fn hubs(&self) -> impl Iterator<Item = (&HubPresence, bool)> {
        self.hubs.values().map(|(presence, there)| (presence, *there))
    }

    /// All machines, by their names.
    pub fn vms(&self) -> impl Iterator<Item = Seen<'_>> {
        self.vms.values().filter_map(|entry| self.seen(entry))
    }

    /// One machine.
    pub fn get(&self, vm: &str) -> Option<Seen<'_>> {
        self.seen(self.vms.get(vm)?)
    }

    fn seen<'a>(&'a self, entry: &'a Entry) -> Option<Seen<'a>> {
        let presence = &entry.newest()?.presence;
        let is_heard = self.hubs.get(&presence.hub).is_some_and(|(_, there)| *there);
        let state = if is_heard { presence.state.as_str() } else { SILENT };
        Some(Seen { presence, state, claimed_twice: entry.told })
    }
}

impl Entry {
    /// Where it is: at the hub that has it for the shortest time.
    fn newest(&self) -> Option<&Seat> {
        let key = |seat: &&Seat| (seat.gone.is_none(), seat.presence.since_ms);
        self.seats.iter().max_by_key(key)
    }

    fn is_settled(&self) -> bool {
        self.seats.iter().all(|seat| seat.gone.is_none()) && (self.twice.is_none() || self.told)
    }

    /// Looks at where it is; the hubs that it has left.
    fn settle(
        &mut self,
        now: Now,
        vm: &str,
        is_heard: &dyn Fn(&str) -> bool,
        changes: &mut Vec<Change>,
    ) -> Vec<String> {
        let Some(at) = self.newest().map(|seat| seat.presence.hub.clone()) else { return Vec::new() };
        let is_here = self.newest().is_some_and(|seat| seat.gone.is_none());
        let mut left = Vec::new();
        self.seats.retain(|seat| {
            let hub = &seat.presence.hub;
            // A hub that is not heard cannot say that it has lost a machine that is elsewhere since.
            let moved = is_here && *hub != at && (seat.gone.is_some() || !is_heard(hub));
            let over = seat.gone.is_some_and(|gone| now.mono >= gone + MOVE);
            if moved {
                changes.push(Change::VmMoved { vm: vm.to_owned(), from: hub.clone(), to: at.clone() });
            } else if over {
                changes.push(Change::VmGone { vm: vm.to_owned(), hub: hub.clone() });
            }
            if moved || over {
                left.push(hub.clone());
            }
            !(moved || over)
        });
        self.claims(now, vm, changes);
        left
    }

    fn claims(&mut self, now: Now, vm: &str, changes: &mut Vec<Change>) {
        let hubs = self.seats.iter().filter(|seat| seat.gone.is_none());
        let hubs: Vec<String> = hubs.map(|seat| seat.presence.hub.clone()).collect();
        if hubs.len() < 2 {
            (self.twice, self.told) = (None, false);
            return;
        }
        let since = *self.twice.get_or_insert(now.mono);
        if now.mono >= since + MOVE && !self.told {
            self.told = true;
            changes.push(Change::ClaimedTwice { vm: vm.to_owned(), hubs });
        }
    }
}

impl View for Table {
    fn hubs_away(&self) -> Vec<String> {
        let here = |hub: &str| self.hubs.get(hub).is_some_and(|(_, there)| *there);
        let away = self.by_hub.iter().filter(|(hub, vms)| !vms.is_empty() && !here(hub));
        away.map(|(hub, _)| hub.clone()).collect()
    }

    /// By their names: what else they were when their hub was last heard may be otherwise now.
    fn known(&self, order: &Order, hub: &str) -> Vec<String> {
        let (Ok(which), Some(vms)) = (Which::parse(&order.vms), self.by_hub.get(hub)) else {
            return Vec::new();
        };
        let now = Now { mono: Duration::ZERO, wall: UNIX_EPOCH };
        let mut fleet = Fleet::default();
        for vm in vms {
            // Each name is claimed once: they come from a set.
            let _ = fleet.claim(now, vm, vm);
        }
        which.select(&fleet, now).into_iter().filter(|vm| vms.contains(vm)).collect()
    }
}
