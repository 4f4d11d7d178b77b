//! Who is there: hubs and machines as they stand in the engine's buckets, put together. No clock, no engine.
//!
//! A machine that moves from host to host is one machine: its old hub has lost it, its new hub has it, and whoever has had it
//! for the shorter time counts. Where two hubs have it at one time, both are told.

use infiniservice_engine::Entry;
use infiniservice_fleet::subject::parse_vm_key;
use infiniservice_fleet::name::unescape;
use infiniservice_fleet::{HubPresence, VmPresence};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a hub counts as there after it was heard. It says so every ten seconds.
const HUB_KEPT: Duration = Duration::from_secs(30);
/// A machine's state where its hub is not heard.
const UNHEARD: &str = "unheard";

/// Hubs and machines.
#[derive(Debug, Default)]
pub(crate) struct Board {
    /// Each with when it was heard, by our clock.
    hubs: BTreeMap<String, (HubPresence, Duration)>,
    /// By name, then by hub.
    vms: BTreeMap<String, BTreeMap<String, VmPresence>>,
    unreadable: u64,
}

/// A machine as it is seen over all hubs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen<'a> {
    /// What its hub says.
    pub vm: &'a VmPresence,
    /// Its state, or `unheard` where its hub is not heard.
    pub state: &'a str,
    /// The hub that had it before.
    pub moved_from: Option<&'a str>,
    /// Another hub that has it, too.
    pub claimed_by: Option<&'a str>,
}

impl Board {
    /// Takes an entry of the bucket of hubs, which was heard now.
    pub(crate) fn take_hub(&mut self, entry: &Entry, now: Duration) {
        let Some(name) = unescape(&entry.key) else { return self.unreadable += 1 };
        let Some(value) = &entry.value else { return drop(self.hubs.remove(&name)) };
        match serde_json::from_slice::<HubPresence>(value) {
            // A hub speaks for itself only.
            Ok(hub) if hub.hub == name => drop(self.hubs.insert(name, (hub, now))),
            _ => self.unreadable += 1,
        }
    }

    /// Takes an entry of the bucket of machines. Its name, where it was one.
    pub(crate) fn take_vm(&mut self, entry: &Entry) -> Option<String> {
        let (hub, vm) = parse_vm_key(&entry.key)?;
        let Some(value) = &entry.value else {
            let hubs = self.vms.get_mut(&vm)?;
            hubs.remove(&hub);
            if hubs.is_empty() {
                self.vms.remove(&vm);
            }
            return Some(vm);
        };
        match serde_json::from_slice::<VmPresence>(value) {
            Ok(presence) if presence.hub == hub && presence.vm == vm => {
                self.vms.entry(vm.clone()).or_default().insert(hub, presence);
                Some(vm)
            }
            _ => {
                self.unreadable += 1;
                None
            }
        }
    }

    /// The hubs, each with how long ago it was heard, and whether it still counts as there.
    pub(crate) fn hubs(&self, now: Duration) -> impl Iterator<Item = (&HubPresence, Duration, bool)> {
        self.hubs.values().map(move |(hub, heard)| {
            let silence = now.saturating_sub(*heard);
            (hub, silence, silence <= HUB_KEPT)
        })
    }

    /// Machines that a hub of that name has.
    pub(crate) fn of_hub<'a>(&'a self, hub: &'a str, now: Duration) -> impl Iterator<Item = Seen<'a>> {
        self.seen(now).filter(move |seen| seen.vm.hub == hub)
    }

    /// All machines, by name.
    pub(crate) fn seen(&self, now: Duration) -> impl Iterator<Item = Seen<'_>> {
        self.vms.values().filter_map(move |hubs| self.one(hubs, now))
    }

    /// One machine.
    pub(crate) fn find(&self, vm: &str, now: Duration) -> Option<Seen<'_>> {
        self.one(self.vms.get(vm)?, now)
    }

    /// Entries that nobody could read, or that stood in another's place.
    pub(crate) const fn unreadable(&self) -> u64 {
        self.unreadable
    }

    fn is_heard(&self, hub: &str, now: Duration) -> bool {
        self.hubs.get(hub).is_some_and(|(_, heard)| now.saturating_sub(*heard) <= HUB_KEPT)
    }

    fn one<'a>(&'a self, hubs: &'a BTreeMap<String, VmPresence>, now: Duration) -> Option<Seen<'a>> {
        let rank = |vm: &&VmPresence| (self.is_heard(&vm.hub, now), is_there(vm), vm.since_ms);
        let vm = hubs.values().max_by_key(rank)?;
        let others = || hubs.values().filter(|other| other.hub != vm.hub);
        let claims = |other: &&VmPresence| is_there(vm) && is_there(other) && self.is_heard(&other.hub, now);
        let claimed_by = others().find(claims).map(|other| other.hub.as_str());
        let before = others().filter(|other| other.since_ms <= vm.since_ms).max_by_key(|other| other.since_ms);
        let moved_from = before.filter(|_| claimed_by.is_none()).map(|other| other.hub.as_str());
        let state = if self.is_heard(&vm.hub, now) { vm.state.as_str() } else { UNHEARD };
        Some(Seen { vm, state, moved_from, claimed_by })
    }
}

/// Whether its hub has a connection to it.
fn is_there(vm: &VmPresence) -> bool {
    vm.state != "down"
}

impl Seen<'_> {
    /// As a document for programs.
    pub(crate) fn document(&self) -> Value {
        // Infallible: all keys are texts.
        let mut document = serde_json::to_value(self.vm).unwrap_or_default();
        document["state"] = json!(self.state);
        for (name, hub) in [("moved_from", self.moved_from), ("claimed_by", self.claimed_by)] {
            if let Some(hub) = hub {
                document[name] = json!(hub);
            }
        }
        document
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use infiniservice_fleet::subject::{hub_key, vm_key};

    fn entry(key: String, value: Option<Value>) -> Entry {
        Entry { key, value: value.map(|it| it.to_string().into_bytes()), revision: 1, pending: 0 }
    }

    fn hub(name: &str) -> Entry {
        let value = json!({"hub": name, "since_ms": 1, "version": "0.1.0", "vms": 1, "connected": 1, "at_ms": 1, "role": "hub"});
        entry(hub_key(name), Some(value))
    }

    fn vm(hub: &str, name: &str, since: u64, state: &str) -> Entry {
        let value = json!({"hub": hub, "vm": name, "since_ms": since, "state": state, "at_ms": since});
        entry(vm_key(hub, name), Some(value))
    }

    fn board(entries: &[Entry]) -> Board {
        let mut board = Board::default();
        for name in ["host-1", "host_2"] {
            board.take_hub(&hub(name), Duration::ZERO);
        }
        entries.iter().for_each(|entry| assert!(board.take_vm(entry).is_some()));
        board
    }

    #[test]
    fn a_machine_that_moves_is_seen_once_and_as_moved() {
        let board = board(&[vm("host-1", "web", 1, "down"), vm("host_2", "web", 2, "up")]);
        let all: Vec<_> = board.seen(Duration::ZERO).collect();
        assert_eq!(all.len(), 1);
        assert_eq!((all[0].vm.hub.as_str(), all[0].state), ("host_2", "up"));
        assert_eq!((all[0].moved_from, all[0].claimed_by), (Some("host-1"), None));
        assert_eq!(all[0].document()["moved_from"], "host-1");
    }

    #[test]
    fn a_machine_that_two_hubs_have_is_told_and_the_later_one_counts() {
        let board = board(&[vm("host-1", "web", 1, "up"), vm("host_2", "web", 2, "up")]);
        let seen = board.find("web", Duration::ZERO).unwrap();
        assert_eq!((seen.vm.hub.as_str(), seen.claimed_by, seen.moved_from), ("host_2", Some("host-1"), None));
    }

    #[test]
    fn machines_of_a_hub_that_is_not_heard_are_unheard_and_come_back_with_it() {
        let mut board = board(&[vm("host-1", "web", 1, "up")]);
        let late = HUB_KEPT + Duration::from_secs(1);
        assert_eq!(board.find("web", HUB_KEPT).unwrap().state, "up");
        assert_eq!(board.find("web", late).unwrap().state, "unheard");
        board.take_hub(&hub("host-1"), late);
        assert_eq!(board.find("web", late).unwrap().state, "up");
        assert_eq!(board.hubs(late).filter(|(.., there)| *there).count(), 1);
        assert_eq!(board.of_hub("host-1", late).count(), 1);
    }

    #[test]
    fn what_is_deleted_is_gone() {
        let mut board = board(&[vm("host-1", "web", 1, "up"), vm("host_2", "web", 2, "up")]);
        assert_eq!(board.take_vm(&entry(vm_key("host_2", "web"), None)).as_deref(), Some("web"));
        assert_eq!(board.find("web", Duration::ZERO).unwrap().vm.hub, "host-1");
        board.take_vm(&entry(vm_key("host-1", "web"), None));
        board.take_hub(&entry(hub_key("host-1"), None), Duration::ZERO);
        assert!(board.find("web", Duration::ZERO).is_none());
        assert_eq!(board.hubs(Duration::ZERO).count(), 1);
    }

    #[test]
    fn a_hub_that_speaks_for_another_is_not_believed() {
        let mut board = Board::default();
        let lie = Entry { key: vm_key("host-1", "web"), ..vm("host_2", "web", 9, "up") };
        assert!(board.take_vm(&lie).is_none());
        board.take_hub(&Entry { key: hub_key("host-1"), ..hub("host_2") }, Duration::ZERO);
        assert_eq!((board.unreadable(), board.seen(Duration::ZERO).count()), (2, 0));
    }
}
