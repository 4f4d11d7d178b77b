//! All machines of the host.

use crate::counts::Counts;
use crate::event::{Allowance, Event, Events, Kind};
use crate::machine::{Machine, Reaction, Write};
use crate::own::Own;
use crate::router::Done;
use crate::served::Served;
use crate::session::State;
use crate::tags::Assigned;
use infiniservice_protocol::clock::Now;
use infiniservice_protocol::tags::Tags;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

/// Machines that are kept.
pub const MAX_MACHINES: usize = 20_000;
/// How long a machine whose socket has vanished is remembered.
const REMEMBERED: Duration = Duration::from_secs(3600);

/// One machine's place in the table.
#[derive(Debug)]
pub struct Entry {
    /// The path of its socket.
    pub path: String,
    /// The machine.
    pub machine: Machine,
    /// Since when the path is not there any more, by the monotonic clock.
    pub vanished: Option<Duration>,
    /// The tags that the host gives it.
    pub tags: Tags,
    /// What QEMU's command line says of it, where the kernel names QEMU as the socket's other end.
    pub qemu: Option<Qemu>,
    /// The last thing that went wrong with it.
    pub failure: Option<Event>,
    /// How much of it is told.
    allowance: Allowance,
}

/// The machine's own words for itself on the host: the command line of its QEMU.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Qemu {
    /// The process.
    pub pid: i32,
    /// Its `-name guest=…`.
    pub name: Option<String>,
    /// Its `-uuid`.
    pub uuid: Option<String>,
}

impl Entry {
    /// A tag's value: the host's, or else the guest's own.
    pub fn tag(&self, name: &str) -> Option<&str> {
        self.tags.get(name).or_else(|| self.own_tags()?.get(name))
    }

    /// All tags, by name.
    pub fn all_tags(&self) -> BTreeMap<&str, &str> {
        let own = self.own_tags().into_iter().flat_map(Tags::iter);
        own.chain(self.tags.iter()).collect()
    }

    fn own_tags(&self) -> Option<&Tags> {
        self.machine.hello().map(|hello| &hello.tags)
    }

    /// Keeps what happened, and remembers it where it went wrong.
    fn note(&mut self, events: &mut Events, now: Now, name: &Arc<str>, (kind, mut text): (Kind, String)) {
        match self.allowance.take(now.mono) {
            None => return,
            Some(0) => {}
            Some(untold) => text = format!("{text} ({untold} other events of this machine were not told)"),
        }
        let event = events.push(now, name, kind, &text);
        if kind.is_failure() {
            self.failure = Some(event.clone());
        }
    }
}

/// Why a socket cannot have a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotTaken {
    /// Another socket has it.
    Claimed {
        /// The other's path.
        by: String,
    },
    /// As many are there as there may be.
    Full,
}

/// How many machines there may be.
#[derive(Clone, Copy, Debug)]
struct Room(usize);

impl Default for Room {
    fn default() -> Self {
        Self(MAX_MACHINES)
    }
}

/// The table, and what happened in it.
#[derive(Debug, Default)]
pub struct Fleet {
    machines: BTreeMap<Arc<str>, Entry>,
    assigned: Assigned,
    room: Room,
    /// What was counted of machines that are forgotten.
    forgotten: Counts,
    /// What happened.
    pub events: Events,
    /// What the hub tells of itself beside that.
    pub own: Own,
    /// What was counted of the hub's own clients.
    pub served: Served,
}

impl Fleet {
    /// One of so many machines at most, where these are not a host's.
    pub fn with_room(machines: usize) -> Self {
        Self { room: Room(machines), ..Self::default() }
    }

    /// A socket is there. The first socket of a name has it; a second one is told of and left alone.
    ///
    /// # Errors
    /// Where the name is another socket's, or there are too many machines.
    pub fn claim(&mut self, now: Now, name: &str, path: &str) -> Result<Arc<str>, NotTaken> {
        if let Some(name) = self.machines.get_key_value(name).map(|(name, _)| Arc::clone(name)) {
            return self.claim_again(now, name, path);
        }
        if !self.has_room() {
            return Err(NotTaken::Full);
        }
        let name: Arc<str> = name.into();
        let (machine, allowance) = (Machine::default(), Allowance::default());
        let (path, vanished, qemu, failure) = (path.to_owned(), None, None, None);
        let tags = self.assigned.of(&name);
        let entry = Entry { path, machine, vanished, tags, qemu, failure, allowance };
        self.machines.insert(Arc::clone(&name), entry);
        Ok(name)
    }

    fn claim_again(&mut self, now: Now, name: Arc<str>, path: &str) -> Result<Arc<str>, NotTaken> {
        let Some(entry) = self.machines.get_mut(&name) else { return Ok(name) };
        if entry.path != path && entry.vanished.is_none() {
            let by = entry.path.clone();
            let text = format!("{path} claims this name, which {by} has");
            entry.note(&mut self.events, now, &name, (Kind::ClaimedTwice, text));
            return Err(NotTaken::Claimed { by });
        }
        path.clone_into(&mut entry.path);
        entry.vanished = None;
        Ok(name)
    }

    /// The host gives its machines these tags from now on, and no others.
    pub fn assign(&mut self, assigned: Assigned) {
        self.machines.iter_mut().for_each(|(name, entry)| entry.tags = assigned.of(name));
        self.assigned = assigned;
    }

    /// Whether there is a place for one more machine.
    pub fn has_room(&self) -> bool {
        self.machines.len() < self.room.0
    }

    /// A socket's path is not there any more. The machine is remembered for an hour.
    pub fn vanished(&mut self, now: Now, name: &str) {
        if let Some(entry) = self.machines.get_mut(name) {
            entry.vanished.get_or_insert(now.mono);
        }
    }

    /// What is known of a machine's QEMU now.
    pub fn runs_in(&mut self, name: &str, qemu: Option<Qemu>) {
        if let Some(entry) = self.machines.get_mut(name) {
            entry.qemu = qemu;
        }
    }

    /// Time has passed: each machine's lines to write, and the commands of which nothing more comes.
    pub fn tick(&mut self, now: Now) -> Vec<(Arc<str>, Vec<Write>, Vec<Done>)> {
        self.forget(now);
        let mut news = Vec::new();
        for (name, entry) in &mut self.machines {
            let Reaction { write, events, done, .. } = entry.machine.tick(now);
            for event in events {
                entry.note(&mut self.events, now, name, event);
            }
            if !(write.is_empty() && done.is_empty()) {
                news.push((Arc::clone(name), write, done));
            }
        }
        news
    }

    fn forget(&mut self, now: Now) {
        let Self { machines, forgotten, .. } = self;
        machines.retain(|_, entry| {
            let keep = entry.vanished.is_none_or(|at| now.mono.saturating_sub(at) < REMEMBERED);
            if !keep {
                forgotten.add(entry.machine.counts());
            }
            keep
        });
    }

    /// A machine is gone, and is not remembered.
    pub fn remove(&mut self, name: &str) {
        if let Some(entry) = self.machines.remove(name) {
            self.forgotten.add(entry.machine.counts());
        }
    }

    /// What was counted of all machines since the hub's start, also of those that are gone.
    pub fn counts(&self) -> Counts {
        let mut counts = self.forgotten.clone();
        self.machines.values().for_each(|entry| counts.add(entry.machine.counts()));
        counts
    }

    /// Lets a machine do something, and keeps what happened.
    pub fn with<T>(
        &mut self,
        now: Now,
        name: &str,
        act: impl FnOnce(&mut Machine) -> (T, Vec<(Kind, String)>),
    ) -> Option<T> {
        let name = Arc::clone(self.machines.get_key_value(name)?.0);
        let entry = self.machines.get_mut(&name)?;
        let (result, events) = act(&mut entry.machine);
        for event in events {
            entry.note(&mut self.events, now, &name, event);
        }
        Some(result)
    }

    /// One machine.
    pub fn get(&self, name: &str) -> Option<&Entry> {
        self.machines.get(name)
    }

    /// All machines, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Entry)> {
        self.machines.iter()
    }

    /// Those whose names come after this one, by name; all of them after `None`.
    pub fn after(&self, name: Option<&str>) -> impl Iterator<Item = (&Arc<str>, &Entry)> {
        let start = name.map_or(Bound::Unbounded, Bound::Excluded);
        self.machines.range::<str, _>((start, Bound::Unbounded))
    }

    /// How many are in each state.
    pub fn by_state(&self) -> BTreeMap<State, usize> {
        let mut counts: BTreeMap<_, _> = State::ALL.iter().map(|state| (*state, 0)).collect();
        for entry in self.machines.values() {
            *counts.entry(entry.machine.state()).or_default() += 1;
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::at;

    #[test]
    fn two_sockets_of_one_name_are_told_and_the_first_keeps_it() {
        let mut fleet = Fleet::default();
        fleet.claim(at(0), "web", "/a").unwrap();
        assert!(fleet.claim(at(1), "web", "/a").is_ok());
        assert_eq!(fleet.claim(at(2), "web", "/b"), Err(NotTaken::Claimed { by: "/a".into() }));
        assert_eq!(fleet.events.after(0).map(|event| event.kind).collect::<Vec<_>>(), [Kind::ClaimedTwice]);
    }

    #[test]
    fn a_machine_that_moved_to_another_path_keeps_its_name_and_its_history() {
        let mut fleet = Fleet::default();
        fleet.claim(at(0), "web", "/a").unwrap();
        fleet.vanished(at(10), "web");
        assert!(fleet.claim(at(20), "web", "/b").is_ok());
        assert_eq!(fleet.get("web").unwrap().path, "/b");
        fleet.tick(at(100_000));
        assert!(fleet.get("web").is_some());
    }

    #[test]
    fn a_machine_that_is_gone_is_forgotten_after_an_hour() {
        let mut fleet = Fleet::default();
        fleet.claim(at(0), "web", "/a").unwrap();
        fleet.with(at(5), "web", |machine| (machine.line(at(5), "noise"), vec![]));
        fleet.vanished(at(10), "web");
        fleet.tick(at(3609));
        assert!(fleet.get("web").is_some());
        fleet.tick(at(3610));
        assert!(fleet.get("web").is_none());
        assert_eq!((fleet.counts().all_lines(), fleet.counts().bytes()), (1, 6));
    }

    #[test]
    fn there_is_room_for_as_many_as_was_said_and_one_that_is_removed_makes_room() {
        let mut fleet = Fleet::with_room(1);
        fleet.claim(at(0), "web", "/a").unwrap();
        fleet.with(at(5), "web", |machine| (machine.line(at(5), "noise"), vec![]));
        assert_eq!(fleet.claim(at(1), "db", "/b"), Err(NotTaken::Full));
        fleet.remove("web");
        assert!(fleet.claim(at(2), "db", "/b").is_ok() && fleet.get("web").is_none());
        assert_eq!(fleet.counts().all_lines(), 1);
    }

    #[test]
    fn what_happens_is_kept_with_the_machines_name() {
        let mut fleet = Fleet::default();
        fleet.claim(at(0), "web", "/a").unwrap();
        fleet.with(at(1), "web", |machine| (machine.connected(at(1)), vec![]));
        assert!(fleet.tick(at(11)).is_empty());
        let event = fleet.events.after(0).next().unwrap();
        assert_eq!((&*event.vm, event.kind), ("web", Kind::Unserved));
        assert_eq!(fleet.by_state()[&State::Unserved], 1);
    }

    #[test]
    fn a_machine_remembers_the_last_thing_that_went_wrong_and_not_what_went_well() {
        let mut fleet = Fleet::default();
        fleet.claim(at(0), "web", "/a").unwrap();
        let happens = [(Kind::Connected, "here"), (Kind::Lost, "closed"), (Kind::Connected, "here again")];
        for (second, (kind, text)) in (1..).zip(happens) {
            fleet.with(at(second), "web", |_| ((), vec![(kind, text.to_owned())]));
        }
        let failure = fleet.get("web").unwrap().failure.clone().unwrap();
        assert_eq!((failure.seq, failure.kind, failure.text.as_str()), (2, Kind::Lost, "closed"));
    }
}
