//! Who is there: hubs and machines as they stand in the engine's buckets. How they are put together is the fleet's affair; here
//! entries are read, each hub's word for itself only, and hubs that fall silent are told. No clock, no engine.

use infiniservice_engine::Entry;
use infiniservice_fleet::name::unescape;
use infiniservice_fleet::presence::{self, Change, MOVE, Table};
use infiniservice_fleet::subject::parse_vm_key;
use infiniservice_fleet::{HubPresence, VmPresence};
use infiniservice_protocol::clock::Now;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a hub counts as there after it was heard. It says so every ten seconds.
const HUB_KEPT: Duration = Duration::from_secs(30);

/// Hubs and machines.
#[derive(Debug, Default)]
pub(crate) struct Board {
    table: Table,
    /// When each hub was heard, by our clock.
    heard: BTreeMap<String, Duration>,
    /// What became of machines' places, as far as somebody looked on.
    places: BTreeMap<String, Change>,
    unreadable: u64,
}

/// A machine as it is seen over all hubs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen<'a> {
    /// What its hub says.
    pub vm: &'a VmPresence,
    /// Its state, or `silent` where its hub is not heard.
    pub state: &'a str,
    /// The hub that had it before.
    pub moved_from: Option<&'a str>,
    /// Another hub that says that it has it, too.
    pub claimed_by: Option<&'a str>,
}

impl Board {
    /// Takes an entry of the bucket of hubs, which was heard now.
    pub(crate) fn take_hub(&mut self, entry: &Entry, now: Now) {
        let Some(name) = unescape(&entry.key) else { return self.unreadable += 1 };
        let Some(value) = &entry.value else {
            self.heard.remove(&name);
            return self.table.hub_gone(now, &name);
        };
        match serde_json::from_slice::<HubPresence>(value) {
            // A hub speaks for itself only.
            Ok(hub) if hub.hub == name => {
                self.heard.insert(name, now.mono);
                self.table.hub(hub);
            }
            _ => self.unreadable += 1,
        }
    }

    /// Takes an entry of the bucket of machines. Its name, where it was one.
    pub(crate) fn take_vm(&mut self, entry: &Entry, now: Now) -> Option<String> {
        let (hub, vm) = parse_vm_key(&entry.key)?;
        let Some(value) = &entry.value else {
            self.table.vm_gone(now, &hub, &vm);
            return Some(vm);
        };
        match serde_json::from_slice::<VmPresence>(value) {
            Ok(presence) if presence.hub == hub && presence.vm == vm => {
                self.table.vm(now, presence);
                Some(vm)
            }
            _ => {
                self.unreadable += 1;
                None
            }
        }
    }

    /// Time has passed: what has changed since this was asked last.
    pub(crate) fn changes(&mut self, now: Now) -> Vec<Change> {
        let is_over = |heard: &Duration| now.mono.saturating_sub(*heard) > HUB_KEPT;
        let silent: Vec<_> =
            self.heard.iter().filter(|(_, heard)| is_over(heard)).map(|(hub, _)| hub.clone()).collect();
        for hub in silent {
            self.heard.remove(&hub);
            self.table.hub_gone(now, &hub);
        }
        self.table.tick(now);
        let changes = self.table.take();
        for change in &changes {
            let (Change::VmNew { vm, .. }
            | Change::VmMoved { vm, .. }
            | Change::VmGone { vm, .. }
            | Change::ClaimedTwice { vm, .. }) = change
            else {
                continue;
            };
            self.places.insert(vm.clone(), change.clone());
        }
        changes
    }

    /// The same, where nobody looks on later: a machine that two hubs have is told at once.
    pub(crate) fn settle(&mut self, now: Now) {
        self.changes(now);
        let later = Now { mono: now.mono + MOVE, wall: now.wall };
        self.heard.values_mut().for_each(|heard| *heard = later.mono);
        self.changes(later);
    }

    /// The hubs, and whether each is heard.
    pub(crate) fn hubs(&self) -> impl Iterator<Item = (&HubPresence, bool)> {
        self.table.hubs()
    }

    /// Machines of a hub.
    pub(crate) fn of_hub<'a>(&'a self, hub: &'a str) -> impl Iterator<Item = Seen<'a>> {
        self.seen().filter(move |seen| seen.vm.hub == hub)
    }

    /// All machines, by name.
    pub(crate) fn seen(&self) -> impl Iterator<Item = Seen<'_>> {
        self.table.vms().map(|seen| self.one(seen))
    }

    /// One machine.
    pub(crate) fn find(&self, vm: &str) -> Option<Seen<'_>> {
        self.table.get(vm).map(|seen| self.one(seen))
    }

    /// Entries that nobody could read, or that stood in another's place.
    pub(crate) const fn unreadable(&self) -> u64 {
        self.unreadable + self.table.dropped
    }

    fn one<'a>(&'a self, seen: presence::Seen<'a>) -> Seen<'a> {
        let vm = seen.presence;
        let (moved_from, claimed_by) = match self.places.get(&vm.vm) {
            Some(Change::VmMoved { from, to, .. }) if *to == vm.hub => (Some(from.as_str()), None),
            Some(Change::ClaimedTwice { hubs, .. }) if seen.claimed_twice => {
                (None, hubs.iter().find(|hub| **hub != vm.hub).map(String::as_str))
            }
            _ => (None, None),
        };
        Seen { vm, state: seen.state, moved_from, claimed_by }
    }
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
    use std::time::UNIX_EPOCH;

    fn at(secs: u64) -> Now {
        let mono = Duration::from_secs(secs);
        Now { mono, wall: UNIX_EPOCH + mono }
    }

    fn entry(key: String, value: Option<Value>) -> Entry {
        Entry { key, value: value.map(|it| it.to_string().into_bytes()), revision: 1, pending: 0 }
    }

    fn hub(name: &str) -> Entry {
        let value = json!({"hub": name, "since_ms": 1, "version": "0.1.0", "vms": 1, "connected": 1, "at_ms": 1, "role": "hub"});
        entry(hub_key(name), Some(value))
    }

    fn vm(hub: &str, since: u64) -> Entry {
        let value = json!({"hub": hub, "vm": "web", "since_ms": since, "state": "up", "at_ms": since});
        entry(vm_key(hub, "web"), Some(value))
    }

    fn board() -> Board {
        let mut board = Board::default();
        for name in ["host-1", "host_2"] {
            board.take_hub(&hub(name), at(0));
        }
        assert!(board.take_vm(&vm("host-1", 1), at(0)).is_some());
        board.changes(at(0));
        board
    }

    #[test]
    fn a_machine_that_moves_is_seen_once_and_as_moved() {
        let mut board = board();
        board.take_vm(&vm("host_2", 2), at(1));
        board.take_vm(&entry(vm_key("host-1", "web"), None), at(2));
        let moved = Change::VmMoved { vm: "web".into(), from: "host-1".into(), to: "host_2".into() };
        assert_eq!(board.changes(at(2)), [moved]);
        let all: Vec<_> = board.seen().collect();
        assert_eq!(all.len(), 1);
        assert_eq!((all[0].vm.hub.as_str(), all[0].state), ("host_2", "up"));
        assert_eq!((all[0].moved_from, all[0].claimed_by), (Some("host-1"), None));
        assert_eq!(all[0].document()["moved_from"], "host-1");
    }

    #[test]
    fn a_machine_that_two_hubs_have_is_told_and_the_later_one_counts() {
        let mut board = board();
        board.take_vm(&vm("host_2", 2), at(1));
        board.settle(at(1));
        let seen = board.find("web").unwrap();
        assert_eq!((seen.vm.hub.as_str(), seen.state), ("host_2", "up"));
        assert_eq!((seen.claimed_by, seen.moved_from), (Some("host-1"), None));
    }

    #[test]
    fn machines_of_a_hub_that_is_not_heard_are_silent_and_come_back_with_it() {
        let mut board = board();
        assert_eq!((board.changes(at(30)), board.find("web").unwrap().state), (vec![], "up"));
        assert_eq!(board.changes(at(31)).len(), 2, "both hubs");
        assert_eq!(board.find("web").unwrap().state, "silent");
        board.take_hub(&hub("host-1"), at(40));
        assert_eq!(board.find("web").unwrap().state, "up");
        assert_eq!(board.hubs().filter(|(_, there)| *there).count(), 1);
        assert_eq!(board.of_hub("host-1").count(), 1);
    }

    #[test]
    fn a_hub_that_speaks_for_another_is_not_believed() {
        let mut board = Board::default();
        let lie = Entry { key: vm_key("host-1", "web"), ..vm("host_2", 9) };
        assert!(board.take_vm(&lie, at(0)).is_none());
        board.take_hub(&Entry { key: hub_key("host-1"), ..hub("host_2") }, at(0));
        assert_eq!((board.unreadable(), board.seen().count()), (2, 0));
    }
}
