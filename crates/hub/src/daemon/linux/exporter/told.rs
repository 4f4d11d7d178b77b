//! What a scrape is answered with: which machines are told, and what the exporter tells of itself.

use super::hub::Hub;
use super::seat::Seat;
use super::table::Table;
use infiniservice_hub_core::State;
use infiniservice_hub_core::exporter::{Exporter, OfHub};
use infiniservice_hub_core::exposition::Named;
use infiniservice_hub_core::session::SILENT_AFTER;
use infiniservice_protocol::clock::Now;
use std::time::Duration;

impl Table {
    /// The machines of all hubs, or of one.
    pub(super) fn told<'a>(&'a self, now: Now, of: Option<&'a str>) -> impl Iterator<Item = Named<'a>> {
        let is_deaf = self.is_deaf(now);
        let hubs = self.hubs.iter().filter(move |(name, _)| !is_deaf && of.is_none_or(|of| of == &***name));
        hubs.flat_map(move |(name, hub)| {
            let told = hub.vms.iter().filter(move |(vm, seat)| self.is_told(now.mono, vm, (name, hub), seat));
            told.filter_map(move |(vm, seat)| {
                Some(Named { vm, hub: Some(name), entry: self.fleet.get(&seat.key)? })
            })
        })
    }

    /// Those of a name: more than one where several hubs tell of different ones, unless the hub is said.
    pub(super) fn of_name<'a>(&'a self, now: Now, vm: &'a str, of: Option<&'a str>) -> Vec<Named<'a>> {
        let hubs = self.places.get(vm).into_iter().flat_map(|place| &place.hubs);
        let hubs = hubs.filter(|hub| !self.is_deaf(now) && of.is_none_or(|of| of == &***hub));
        let told = hubs.filter_map(|name| {
            let hub = self.hubs.get(name)?;
            let seat = hub.vms.get(vm).filter(|seat| self.is_told(now.mono, vm, (name, hub), seat))?;
            Some(Named { vm, hub: Some(name), entry: self.fleet.get(&seat.key)? })
        });
        told.collect()
    }

    /// Whether nothing is known of any machine: without the engine, once their figures would be too old.
    fn is_deaf(&self, now: Now) -> bool {
        !self.counts.connected && now.mono.saturating_sub(self.engine_since) >= SILENT_AFTER
    }

    /// Of several hubs that tell of a machine the last one heard counts, unless these are several machines.
    fn is_told(&self, now: Duration, vm: &str, (name, hub): (&str, &Hub), seat: &Seat) -> bool {
        if !hub.tells(now, seat) {
            return false;
        }
        let Some(place) = self.places.get(vm).filter(|place| place.hubs.len() > 1) else { return true };
        if place.is_contested(now) {
            return seat.said_within(now, SILENT_AFTER);
        }
        let others = place.hubs.iter().filter(|other| &***other != name);
        let others = others.filter_map(|other| {
            let hub = self.hubs.get(other)?;
            let seat = hub.vms.get(vm).filter(|seat| hub.tells(now, seat))?;
            Some((seat.rank(hub.is_there), &**other))
        });
        others.max().is_none_or(|other| (seat.rank(hub.is_there), name) > other)
    }

    /// What the exporter tells of itself.
    pub(super) fn own(&self, now: Now) -> Exporter {
        let mut own = self.counts.clone();
        own.kept_bytes = self.kept as u64;
        for one in self.told(now, None) {
            own.machines[usize::from(one.entry.machine.state() != State::Up)] += 1;
        }
        own.claimed_twice = self.places.values().filter(|place| place.is_contested(now.mono)).count() as u64;
        let listed = self.hubs.iter().filter(|(_, hub)| hub.is_listed(now.mono));
        let hubs = listed.map(|(name, hub)| OfHub {
            name: name.clone(),
            hearing: hub.hearing(now.mono, self.engine_since),
            message_age: hub.message_at.map(|at| now.mono.saturating_sub(at)),
        });
        own.hubs = hubs.collect();
        own
    }
}
