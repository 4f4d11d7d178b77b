//! What the engine's buckets say of hubs and machines, and what time alone brings.

use super::hub::Hub;
use super::seat::Word;
use super::table::Table;
use infiniservice_engine::Entry;
use infiniservice_fleet::{HubPresence, VmPresence, name, subject};
use infiniservice_hub_core::State;
use infiniservice_hub_core::exporter::Hearing;
use infiniservice_protocol::clock::Now;
use std::sync::Arc;
use std::time::Duration;

impl Table {
    /// A hub's entry was written, or is gone.
    pub(super) fn hub(&mut self, now: Now, entry: &Entry) {
        let Some(name) = name::unescape(&entry.key).filter(|name| name::is_hub(name)) else { return };
        let presence =
            entry.value.as_ref().and_then(|value| serde_json::from_slice::<HubPresence>(value).ok());
        let Some(presence) = presence.filter(|it| it.hub == name) else { return self.hub_gone(now, &name) };
        let Some(name) = self.hub_of(now.mono, &name) else { return };
        if self.hubs.get_mut(&name).is_some_and(|hub| hub.present(now.mono, &presence)) {
            self.stand_all(now, &name);
        }
    }

    fn hub_gone(&mut self, now: Now, name: &str) {
        if let Some(hub) = self.hubs.get_mut(name) {
            hub.gone(now.mono);
            self.stand_all(now, name);
        }
    }

    /// A machine's entry was written, or is gone: its hub does not have it any more.
    pub(super) fn vm(&mut self, now: Now, entry: &Entry) {
        let Some((hub, vm)) = subject::parse_vm_key(&entry.key) else { return };
        if !(name::is_hub(&hub) && name::is_vm(&vm)) {
            return;
        }
        let presence =
            entry.value.as_ref().and_then(|value| serde_json::from_slice::<VmPresence>(value).ok());
        match presence.filter(|it| it.hub == hub && it.vm == vm) {
            Some(presence) => self.word(now, &presence),
            None => self.vm_gone(&hub, &vm),
        }
    }

    fn word(&mut self, now: Now, presence: &VmPresence) {
        let Some(hub) = self.hub_of(now.mono, &presence.hub) else { return };
        let Some(vm) = self.seat_of(now, &hub, &presence.vm) else { return };
        let Some(hub) = self.hubs.get_mut(&hub) else { return };
        let Some(seat) = hub.vms.get_mut(&vm) else { return };
        let state = State::from_name(&presence.state).unwrap_or_default();
        seat.word = Some(Word { state, since_ms: presence.since_ms, at: now.mono });
        seat.stand(&mut self.fleet, now, hub.is_there);
    }

    fn vm_gone(&mut self, hub: &str, vm: &str) {
        let Some(of_hub) = self.hubs.get_mut(hub) else { return };
        let Some(seat) = of_hub.vms.remove(vm) else { return };
        of_hub.kept -= seat.kept;
        self.kept -= seat.kept;
        self.fleet.remove(&seat.key);
        if let Some(place) = self.places.get_mut(vm) {
            place.remove(hub);
            if place.hubs.is_empty() {
                self.places.remove(vm);
            }
        }
    }

    /// Time has passed: the hubs that stand otherwise than before.
    pub(super) fn tick(&mut self, now: Now) -> Vec<(Arc<str>, Hearing)> {
        // Without the engine nobody is heard, which says nothing of anybody.
        if self.counts.connected {
            let since = self.engine_since;
            let late = self.hubs.iter().filter(|(_, hub)| hub.is_there && hub.is_late(now.mono, since));
            for name in late.map(|(name, _)| Arc::clone(name)).collect::<Vec<_>>() {
                self.hub_gone(now, &name);
            }
        }
        self.forget(now.mono);
        // They are for guests, which none of them reaches from here.
        drop(self.fleet.tick(now));
        self.news(now.mono)
    }

    fn forget(&mut self, now: Duration) {
        let mut gone = Vec::new();
        for (name, hub) in &self.hubs {
            let forgotten = hub.vms.iter().filter(|(_, seat)| hub.is_over(now) || seat.is_forgotten(now));
            gone.extend(forgotten.map(|(vm, _)| (Arc::clone(name), Arc::clone(vm))));
        }
        for (hub, vm) in gone {
            self.vm_gone(&hub, &vm);
        }
        self.hubs.retain(|_, hub| !hub.is_over(now));
    }

    fn news(&mut self, now: Duration) -> Vec<(Arc<str>, Hearing)> {
        if !self.counts.connected {
            return Vec::new();
        }
        let since = self.engine_since;
        let news = |(name, hub): (&Arc<str>, &mut Hub)| {
            let hearing = hub.hearing(now, since);
            (std::mem::replace(&mut hub.told, hearing) != hearing).then(|| (Arc::clone(name), hearing))
        };
        self.hubs.iter_mut().filter_map(news).collect()
    }

    /// The hubs that are to be asked for whole lines now.
    pub(super) fn wishes(&mut self, now: Now) -> Vec<Arc<str>> {
        let asked = |(name, hub): (&Arc<str>, &mut Hub)| hub.ask(now.mono).then(|| Arc::clone(name));
        self.hubs.iter_mut().filter_map(asked).collect()
    }
}
