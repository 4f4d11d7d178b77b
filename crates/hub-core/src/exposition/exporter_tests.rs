//! What is told of machines of several hubs, and of the exporter.

use super::parser::parse;
use super::*;
use crate::at;
use crate::exporter::{Exporter, Hearing, OfHub, Reason};
use std::time::Duration;

const METRICS: &str = include_str!("../../../protocol/golden/system_metrics.jsonl");

/// A machine that has said the golden line.
fn fleet() -> Fleet {
    let mut fleet = Fleet::default();
    fleet.claim(at(0), "h1.web", "h1").unwrap();
    let line = METRICS.lines().next().unwrap();
    fleet.with(at(0), "h1.web", |machine| (machine.told(at(0), line), vec![]));
    fleet
}

#[test]
fn each_series_of_a_machine_has_its_hub_beside_its_name_and_is_otherwise_as_on_a_hub() {
    let (fleet, mut exposition) = (fleet(), Exposition::default());
    let entry = fleet.get("h1.web").unwrap();
    let named = |hub| Named { vm: "web", hub, entry };
    let with = exposition.of([named(Some("h\"1"))].into_iter(), at(1), Options::default()).to_owned();
    let all = parse(&with).unwrap();
    assert!(all.len() > 40 && all.iter().all(|it| it.labels["hub"] == "h\"1" && it.labels["vm"] == "web"));
    let without = exposition.of([named(None)].into_iter(), at(1), Options::default());
    assert_eq!(with.replace(r#",hub="h\"1""#, ""), without);
}

#[test]
fn a_machine_of_another_host_keeps_no_lists_and_speaks_with_its_first_line() {
    let fleet = fleet();
    let machine = &fleet.get("h1.web").unwrap().machine;
    assert_eq!((machine.state(), machine.sample().unwrap().lists.bytes()), (State::Up, 0));
}

#[test]
fn the_exporters_own_series_are_those_of_its_table() {
    let hub = |name: &str, hearing, age| OfHub { name: name.into(), hearing, message_age: age };
    let mut own = Exporter { messages: 7, machines: [2, 1], ..Exporter::default() };
    own.drop(Reason::Gap);
    own.hubs = vec![hub("h1", Hearing::Telling, Some(Duration::from_secs(3))), hub("h2", Hearing::Off, None)];
    let mut exposition = Exposition::default();
    let all = parse(exposition.exporter(std::iter::empty(), &own, at(1), Options::default())).unwrap();
    for about in EXPORTER.iter().map(|it| &it.about) {
        let series: Vec<_> = all.iter().filter(|it| it.name == about.name).collect();
        assert!(!series.is_empty(), "{}", about.name);
        let is_total = about.name.ends_with("_total");
        assert_eq!(is_total, about.kind == table::Kind::Counter, "{}", about.name);
        for one in series {
            let mut wanted = about.labels.to_vec();
            wanted.sort_unstable();
            assert_eq!(one.labels.keys().map(String::as_str).collect::<Vec<_>>(), wanted, "{}", about.name);
        }
    }
    let value = |name: &str, label: (&str, &str)| {
        let found =
            all.iter().find(|it| it.name == name && it.labels.get(label.0).is_some_and(|it| it == label.1));
        found.unwrap().value
    };
    assert!((value("infini_exporter_messages_dropped_total", ("reason", "gap")) - 1.0).abs() < 1e-9);
    assert!((value("infini_exporter_vms", ("state", "up")) - 2.0).abs() < 1e-9);
    assert!((value("infini_exporter_hub_message_age_seconds", ("hub", "h1")) - 3.0).abs() < 1e-9);
}
