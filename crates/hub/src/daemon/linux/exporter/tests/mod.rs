//! The exporter's table with simulated time: hubs that tell, move, fall silent and lie.

mod bounds;
mod moves;
mod silence;

use super::table::{Bounds, Table};
use infiniservice_engine::Entry;
use infiniservice_engine::live::Encoder;
use infiniservice_fleet::message::text;
use infiniservice_fleet::{HubPresence, VmPresence, subject};
use infiniservice_hub_core::Exposition;
use infiniservice_hub_core::exporter::{Hearing, Reason};
use infiniservice_protocol::clock::Now;
use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

const METRICS: &str = include_str!("../../../../../../protocol/golden/system_metrics.jsonl");

pub fn at(seconds: u64) -> Now {
    let mono = Duration::from_secs(seconds);
    Now { mono, wall: UNIX_EPOCH + Duration::from_secs(1_795_415_400) + mono }
}

/// A fleet, as its engine would tell of it.
pub struct World {
    pub table: Table,
    encoders: BTreeMap<(String, String), Encoder>,
}

impl World {
    pub fn new() -> Self {
        Self::bounded(Bounds::default())
    }

    pub fn bounded(bounds: Bounds) -> Self {
        let mut table = Table::new(bounds);
        table.engine(at(0), true);
        Self { table, encoders: BTreeMap::new() }
    }

    /// With these hubs, which tell figures.
    pub fn of(hubs: &[&str]) -> Self {
        let mut world = Self::new();
        for hub in hubs {
            world.present(0, hub, true);
        }
        world
    }

    /// A hub writes its entry.
    pub fn present(&mut self, second: u64, hub: &str, live: bool) {
        let presence = HubPresence {
            hub: hub.to_owned(),
            since_ms: 0,
            version: "1".to_owned(),
            vms: 1,
            connected: 1,
            at_ms: 0,
            role: "hub".to_owned(),
            live,
        };
        self.table.hub(at(second), &entry(&subject::hub_key(hub), Some(text(&presence))));
    }

    /// A hub writes the entry of a machine.
    pub fn word(&mut self, second: u64, hub: &str, vm: &str, state: &str) {
        let presence = VmPresence {
            hub: hub.to_owned(),
            vm: vm.to_owned(),
            since_ms: second,
            state: state.to_owned(),
            ..VmPresence::default()
        };
        self.table.vm(at(second), &entry(&subject::vm_key(hub, vm), Some(text(&presence))));
    }

    /// A hub deletes the entry of a machine.
    pub fn gone(&mut self, second: u64, hub: &str, vm: &str) {
        self.table.vm(at(second), &entry(&subject::vm_key(hub, vm), None));
    }

    /// The next message of a machine.
    pub fn encoded(&mut self, hub: &str, vm: &str, line: &str) -> Vec<u8> {
        let encoder = self.encoders.entry((hub.to_owned(), vm.to_owned())).or_default();
        encoder.encode(line).unwrap()
    }

    /// A machine says its figures.
    pub fn line(&mut self, second: u64, hub: &str, vm: &str) {
        self.says(second, hub, vm, &golden());
    }

    pub fn says(&mut self, second: u64, hub: &str, vm: &str, line: &str) {
        let message = self.encoded(hub, vm, line);
        self.table.message(at(second), &subject::metrics(hub, vm), &message);
    }

    /// A hub does as it was asked to.
    pub fn begin_anew(&mut self) {
        self.encoders.values_mut().for_each(Encoder::begin_anew);
    }

    /// Each hub is heard, and time passes, second by second.
    pub fn pass(&mut self, seconds: std::ops::Range<u64>, hubs: &[&str]) -> Vec<(String, Hearing)> {
        let mut news = Vec::new();
        for second in seconds {
            if second % 10 == 0 {
                for hub in hubs {
                    self.present(second, hub, true);
                }
            }
            news.extend(self.tick(second));
        }
        news
    }

    pub fn tick(&mut self, second: u64) -> Vec<(String, Hearing)> {
        self.table.tick(at(second)).into_iter().map(|(hub, hearing)| (hub.to_string(), hearing)).collect()
    }

    /// The text of a scrape.
    pub fn scrape(&self, second: u64) -> String {
        let now = at(second);
        let own = self.table.own(now);
        let (told, mut text) = (self.table.told(now, None), Exposition::default());
        text.exporter(told, &own, now, infiniservice_hub_core::exposition::Options::default()).to_owned()
    }

    /// The series of a metric, without its name.
    pub fn series(&self, second: u64, name: &str) -> Vec<String> {
        let text = self.scrape(second);
        let lines = text.lines().filter_map(|line| line.strip_prefix(name));
        lines.filter(|rest| rest.starts_with(['{', ' '])).map(str::to_owned).collect()
    }

    /// Which machines are up, where, and which are not.
    pub fn up(&self, second: u64) -> Vec<String> {
        self.series(second, "infini_vm_up")
    }

    /// How many machines have figures.
    pub fn with_figures(&self, second: u64) -> usize {
        self.series(second, "infini_guest_load1").len()
    }

    pub fn dropped(&self, reason: Reason) -> u64 {
        self.table.own(at(0)).dropped[reason as usize]
    }
}

pub fn golden() -> String {
    METRICS.lines().next().unwrap().to_owned()
}

fn entry(key: &str, value: Option<String>) -> Entry {
    Entry { key: key.to_owned(), value: value.map(String::into_bytes), revision: 1, pending: 0 }
}

#[test]
fn machines_of_all_hubs_are_told_each_with_its_hub() {
    let mut world = World::of(&["h1", "h.2"]);
    world.line(1, "h1", "web");
    world.line(1, "h.2", "db \"x\"");
    assert_eq!(world.up(2), [r#"{vm="db \"x\"",hub="h.2"} 1"#, r#"{vm="web",hub="h1"} 1"#]);
    let total = world.series(2, "infini_guest_memory_total_bytes");
    assert_eq!(total[1], r#"{vm="web",hub="h1"} 2063339520"#);
    let os = world.series(2, "infini_vm_info");
    assert!(os[1].starts_with(r#"{vm="web",hub="h1",os_name="Debian GNU/Linux""#), "{os:?}");
    assert_eq!(world.series(2, "infini_exporter_messages_total"), [" 2"]);
    assert_eq!(world.series(2, "infini_exporter_vms"), [r#"{state="up"} 2"#, r#"{state="down"} 0"#]);
    assert_eq!(world.series(2, "infini_exporter_engine_connected"), [" 1"]);
    assert!(world.scrape(2).contains(r#"infini_exporter_hub{hub="h1",state="telling"} 1"#));
}

#[test]
fn who_begins_late_asks_each_hub_once_for_whole_lines_and_then_has_all_machines() {
    let mut world = World::new();
    for vm in ["a", "b"] {
        world.encoded("h1", vm, &golden());
    }
    world.present(0, "h1", true);
    world.word(0, "h1", "a", "up");
    // One that is there asks at once; what comes until then counts as up by the hub's word.
    assert_eq!(world.table.wishes(at(1)), ["h1".into()]);
    world.line(2, "h1", "a");
    world.line(2, "h1", "b");
    assert_eq!((world.dropped(Reason::Gap), world.with_figures(2)), (2, 0));
    assert_eq!(world.up(2), [r#"{vm="a",hub="h1"} 1"#]);
    assert!(world.table.wishes(at(20)).is_empty());
    assert_eq!(world.table.wishes(at(31)), ["h1".into()]);
    world.begin_anew();
    world.line(32, "h1", "a");
    world.line(32, "h1", "b");
    assert_eq!((world.with_figures(32), world.up(32).len()), (2, 2));
    assert!(world.table.wishes(at(100)).is_empty());
}

#[test]
fn a_message_that_is_lost_costs_figures_until_the_next_whole_line() {
    let mut world = World::of(&["h1"]);
    world.table.wishes(at(0));
    world.line(1, "h1", "web");
    world.encoded("h1", "web", &golden());
    world.line(2, "h1", "web");
    assert_eq!(world.dropped(Reason::Gap), 1);
    assert_eq!(world.table.wishes(at(40)), ["h1".into()]);
    for second in 3..30 {
        world.line(second, "h1", "web");
    }
    // Without an answer to that the twentieth is whole.
    assert_eq!(world.dropped(Reason::Gap), 18);
}
