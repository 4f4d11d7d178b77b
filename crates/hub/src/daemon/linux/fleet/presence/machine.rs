//! One machine as the fleet knows it, and whether there is news of it.

use infiniservice_fleet::VmPresence;
use infiniservice_hub_core::fleet::Entry;
use infiniservice_hub_core::machine::figures::Figures;
use infiniservice_hub_core::{Sample, State};
use infiniservice_protocol::clock::Now;
use infiniservice_protocol::tags::Tags;
use std::time::Duration;

/// The shortest time between two entries of a machine whose state is the same.
const EVERY: Duration = Duration::from_secs(30);
/// When an entry is written although nothing has changed: long before the engine forgets it.
const AT_LEAST_EVERY: Duration = Duration::from_secs(24 * 3600);
/// Figures are told in steps: what moves within one is no news.
const LOAD_STEP: f64 = 0.5;
const MEMORY_STEP: f64 = 5.0;
const DISK_STEP: f64 = 1.0;

/// What was told of a machine, and when it was looked at.
#[derive(Debug, Default)]
pub(super) struct Known {
    told: Option<VmPresence>,
    told_at: Option<Duration>,
    looked_at: Option<Duration>,
    state: State,
    /// Whether its agent had said who it is.
    is_introduced: bool,
    /// The tags that the host gives it.
    tags: Tags,
}

impl Known {
    /// By an earlier run of this hub.
    pub(super) fn told_before(told: VmPresence) -> Self {
        Self { told: Some(told), ..Self::default() }
    }

    /// Since when this hub has it.
    pub(super) fn since(&self, now: Now) -> u64 {
        self.told.as_ref().map_or_else(|| now.wall_ms(), |told| told.since_ms)
    }

    /// Whether it is worth a look: what a guest may change as often as it likes waits for its time.
    pub(super) fn due(&self, now: Now, entry: &Entry) -> bool {
        let is_time = self.looked_at.is_none_or(|at| now.mono.saturating_sub(at) >= EVERY);
        let is_introduced = entry.machine.hello().is_some();
        let is_other = self.state != entry.machine.state() || self.tags != entry.tags;
        is_time || is_other || self.is_introduced != is_introduced
    }

    /// Whether this is other than what was told last.
    pub(super) fn is_news(&mut self, now: Now, entry: &Entry, new: &VmPresence) -> bool {
        self.looked_at = Some(now.mono);
        self.state = entry.machine.state();
        self.is_introduced = entry.machine.hello().is_some();
        self.tags.clone_from(&entry.tags);
        let is_old = self.told_at.is_some_and(|at| now.mono.saturating_sub(at) >= AT_LEAST_EVERY);
        is_old
            || self.told.as_ref().is_none_or(|told| VmPresence { at_ms: new.at_ms, ..told.clone() } != *new)
    }

    /// It could not be told, and is looked at again.
    pub(super) fn failed(&mut self) {
        self.looked_at = None;
    }

    /// It was told.
    pub(super) fn tell(&mut self, now: Now, told: VmPresence) {
        self.told = Some(told);
        self.told_at = Some(now.mono);
    }
}

/// A machine as its hub tells it.
pub(super) fn presence(hub: &str, vm: &str, entry: &Entry, now: Now, since_ms: u64) -> VmPresence {
    let machine = &entry.machine;
    let sample = machine.sample();
    let host = |of: fn(&Sample) -> &str| sample.map(of).filter(|text| !text.is_empty()).map(str::to_owned);
    let figures = machine.system().map(Figures::of);
    let percent = |share: f32, step| rounded(f64::from(share) * 100.0, step);
    VmPresence {
        hub: hub.to_owned(),
        vm: vm.to_owned(),
        since_ms,
        state: machine.state().name().to_owned(),
        os: host(|sample| &sample.system.host.os_name),
        os_version: host(|sample| &sample.system.host.os_version),
        agent_version: machine.hello().map(|hello| hello.agent_version.clone()),
        address: sample.and_then(Sample::address).map(str::to_owned),
        tags: entry.all_tags().into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
        load5: figures.and_then(|it| it.load).map(|[_, load, _]| rounded(f64::from(load), LOAD_STEP)),
        memory_used_percent: figures.map(|it| percent(it.memory, MEMORY_STEP)),
        fullest_disk_percent: figures.map(|it| percent(it.disk, DISK_STEP)),
        at_ms: now.wall_ms(),
    }
}

fn rounded(figure: f64, step: f64) -> f64 {
    (figure / step).round() * step
}

#[cfg(test)]
mod tests {
    use super::*;
    use infiniservice_hub_core::Fleet;
    use infiniservice_hub_core::tags::{Assigned, Written};
    use std::time::UNIX_EPOCH;

    fn at(seconds: u64) -> Now {
        let mono = Duration::from_secs(seconds);
        Now { mono, wall: UNIX_EPOCH + mono }
    }

    #[test]
    fn a_change_of_state_is_news_at_once_and_figures_at_most_twice_a_minute() {
        let mut fleet = Fleet::default();
        fleet.claim(at(0), "web", "/web").unwrap();
        let mut known = Known::default();
        let mut look = |fleet: &Fleet, now: Now| {
            let entry = fleet.get("web").unwrap();
            if !known.due(now, entry) {
                return false;
            }
            let told = presence("h", "web", entry, now, known.since(now));
            let is_news = known.is_news(now, entry, &told);
            if is_news {
                known.tell(now, told);
            }
            is_news
        };
        assert!(look(&fleet, at(1)) && !look(&fleet, at(2)) && !look(&fleet, at(31)));
        fleet.with(at(32), "web", |machine| (machine.connected(at(32)), vec![]));
        assert!(look(&fleet, at(32)) && !look(&fleet, at(33)));
        assert!(!look(&fleet, at(80_000)) && look(&fleet, at(90_000)));
    }

    const HELLO: &str = r#"{"type":"hello","agent_version":"1","protocol_version":1,"platform":"linux","os":"x",
        "tags":{"role":"db"},"capabilities":[],"limits":{}}"#;

    #[test]
    fn a_change_of_the_hosts_tags_is_news_at_once_and_of_the_guests_at_most_twice_a_minute() {
        let mut fleet = Fleet::default();
        fleet.claim(at(0), "web", "/web").unwrap();
        let mut known = Known::default();
        let mut look = |fleet: &Fleet, now: Now| -> Option<Vec<String>> {
            let entry = fleet.get("web").unwrap();
            let told = known.due(now, entry).then(|| presence("h", "web", entry, now, known.since(now)))?;
            let is_news = known.is_news(now, entry, &told);
            known.tell(now, told.clone());
            is_news.then(|| told.tags.into_iter().map(|(name, value)| format!("{name}={value}")).collect())
        };
        let say = |fleet: &mut Fleet, now: Now, line: &str| {
            fleet.with(now, "web", |machine| (machine.line(now, line), vec![])).unwrap();
        };
        let assign = |fleet: &mut Fleet, value: &str| {
            let set = [("env".to_owned(), value.to_owned())].into();
            fleet.assign(Assigned::new(&[Written { vms: "web".into(), set }]).unwrap());
        };
        let news = |tags: &[&str]| Some(tags.iter().map(|&tag| tag.to_owned()).collect());
        assert_eq!(look(&fleet, at(1)), news(&[]));
        say(&mut fleet, at(2), HELLO);
        assert_eq!(look(&fleet, at(2)), news(&["role=db"]), "who it is has become known");
        assign(&mut fleet, "prod");
        assert_eq!(look(&fleet, at(4)), news(&["env=prod", "role=db"]));
        assert_eq!(look(&fleet, at(6)), None);
        say(&mut fleet, at(6), &HELLO.replace("db", "web"));
        assert_eq!(look(&fleet, at(8)), None);
        assert_eq!(look(&fleet, at(34)), news(&["env=prod", "role=web"]));
        assign(&mut fleet, "test");
        assert_eq!(look(&fleet, at(36)), news(&["env=test", "role=web"]));
    }

    #[test]
    fn figures_move_in_steps() {
        assert!(
            (rounded(4.7, LOAD_STEP) - 4.5).abs() < 1e-9 && (rounded(88.0, MEMORY_STEP) - 90.0).abs() < 1e-9
        );
    }
}
