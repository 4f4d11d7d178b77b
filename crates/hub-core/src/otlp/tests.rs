//! What is told of a machine that is well, and of one that lies.

use super::*;
use crate::at;
use crate::audit::What;
use crate::exposition::Program;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::metrics::v1::{Metric, NumberDataPoint, ResourceMetrics};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

const METRICS: &str = include_str!("../../../protocol/golden/system_metrics.jsonl");
const HELLO: &str = r#"{"type":"hello","agent_version":"0.1.7","protocol_version":1,"platform":"linux","os":"x",
    "capabilities":[],"limits":{},"instance":"a"}"#;
const SECOND: u64 = 1_000_000_000;

/// One machine, `web-1`, that has said this now.
fn fleet_of(lines: &[&str]) -> Fleet {
    let mut fleet = Fleet::default();
    fleet.claim(at(0), "web-1", "/web-1").unwrap();
    fleet.with(at(0), "web-1", |machine| {
        machine.connected(at(0));
        machine.spoke(at(0));
        for line in lines {
            machine.line(at(0), line);
        }
        ((), vec![])
    });
    fleet
}

fn golden() -> &'static str {
    METRICS.lines().next().unwrap()
}

fn metrics() -> Metrics {
    Metrics::new("host-1", at(0).wall - Duration::from_secs(50))
}

/// The next request over all machines.
fn round(metrics: &mut Metrics, fleet: &Fleet, second: u64) -> Vec<ResourceMetrics> {
    metrics.begin(fleet);
    for (name, entry) in fleet.after(None) {
        metrics.machine(name, entry, at(second));
    }
    let batch = metrics.request().unwrap();
    let request = ExportMetricsServiceRequest::decode(&*batch.body).unwrap();
    let points: usize = request.resource_metrics.iter().flat_map(all).map(|it| points(it).len()).sum();
    assert_eq!((batch.signal, batch.items), (Signal::Metrics, points as u64));
    request.resource_metrics
}

fn all(resource: &ResourceMetrics) -> &[Metric] {
    &resource.scope_metrics[0].metrics
}

fn points(metric: &Metric) -> &[NumberDataPoint] {
    match metric.data.as_ref().unwrap() {
        Data::Gauge(gauge) => &gauge.data_points,
        Data::Sum(sum) => &sum.data_points,
        _ => &[],
    }
}

fn texts(attributes: &[KeyValue]) -> Vec<(&str, &str)> {
    attributes
        .iter()
        .map(|it| match it.value.as_ref().unwrap().value.as_ref().unwrap() {
            Value::StringValue(value) => (&*it.key, &**value),
            other => panic!("{other:?}"),
        })
        .collect()
}

/// The one point of this metric with these attributes, as a line.
fn point(resource: &ResourceMetrics, name: &str, attributes: &[(&str, &str)]) -> String {
    let metric = all(resource).iter().find(|metric| metric.name == name).unwrap_or_else(|| panic!("{name}"));
    let wanted: BTreeSet<_> = attributes.iter().copied().collect();
    let is_it =
        |point: &&NumberDataPoint| texts(&point.attributes).into_iter().collect::<BTreeSet<_>>() == wanted;
    let found: Vec<_> = points(metric).iter().filter(is_it).collect();
    assert_eq!(found.len(), 1, "{name} {attributes:?}: {metric:?}");
    let kind = match metric.data.as_ref().unwrap() {
        Data::Gauge(_) => "gauge",
        Data::Sum(sum) if sum.is_monotonic => "counter",
        _ => "updowncounter",
    };
    let value = match found[0].value.unwrap() {
        Number::AsInt(value) => value.to_string(),
        Number::AsDouble(value) => value.to_string(),
    };
    format!("{kind} {value} {}", metric.unit)
}

#[test]
fn the_golden_lines_figures_have_the_conventions_names_units_and_attributes() {
    let fleet = fleet_of(&[golden(), HELLO]);
    let resources = round(&mut metrics(), &fleet, 20);
    let web = &resources[0];
    let direction = |it| ("network.io.direction", it);
    let card = ("network.interface.name", "enp1s0");
    let disk = ("system.device", "vda");
    let root = [
        ("system.filesystem.mountpoint", "/"),
        ("system.device", "/dev/vda1"),
        ("system.filesystem.type", "ext4"),
    ];
    for (name, attributes, expected) in [
        ("infini.agent.up", &[][..], "gauge 1 1"),
        ("system.cpu.utilization", &[], "gauge 0.125 1"),
        ("system.cpu.logical.count", &[], "updowncounter 2 {cpu}"),
        ("system.cpu.time", &[("cpu.mode", "steal")], "counter 88.3 s"),
        ("system.cpu.time", &[("cpu.mode", "interrupt")], "counter 0 s"),
        ("system.cpu.time", &[("cpu.mode", "softirq")], "counter 4.81 s"),
        ("system.memory.limit", &[], "updowncounter 2063339520 By"),
        ("system.memory.usage", &[("system.memory.state", "cached")], "updowncounter 1233907712 By"),
        ("system.memory.linux.available", &[], "updowncounter 1641107456 By"),
        ("system.paging.usage", &[("system.paging.state", "used")], "updowncounter 0 By"),
        ("system.uptime", &[], "gauge 86461 s"),
        ("infini.guest.load", &[("infini.load.period", "5m")], "gauge 0.03 {task}"),
        ("system.filesystem.limit", &root, "updowncounter 8322113000 By"),
        (
            "system.filesystem.usage",
            &[root[0], root[1], root[2], ("system.filesystem.state", "free")],
            "updowncounter 6629500000 By",
        ),
        ("system.disk.io", &[disk, ("disk.io.direction", "write")], "counter 93847552 By"),
        ("system.disk.operations", &[disk, ("disk.io.direction", "read")], "counter 14201 {operation}"),
        ("system.disk.io_time", &[disk], "counter 31.416 s"),
        ("system.network.io", &[card, direction("receive")], "counter 18276345 By"),
        ("system.network.packet.dropped", &[card, direction("receive")], "counter 3 {packet}"),
        ("infini.guest.service.count", &[("infini.service.state", "running")], "updowncounter 1 {service}"),
        ("infini.guest.clock.offset", &[], "gauge 0.123 s"),
    ] {
        assert_eq!(point(web, name, attributes), expected, "{name} {attributes:?}");
    }
    let names: BTreeSet<_> = all(web).iter().map(|metric| &metric.name).collect();
    assert_eq!(names.len(), all(web).len(), "a metric comes twice");
    assert!(
        all(web)
            .iter()
            .all(|metric| metric.name.starts_with("system.") || metric.name.starts_with("infini."))
    );
}

#[test]
fn a_resource_is_named_by_the_host_and_described_by_the_guest() {
    let resources = round(&mut metrics(), &fleet_of(&[golden(), HELLO]), 20);
    assert_eq!((&*resources[0].schema_url, resources.len()), (SCHEMA_URL, 1));
    let told = texts(&resources[0].resource.as_ref().unwrap().attributes);
    for expected in [
        ("service.name", "infiniservice"),
        ("service.instance.id", "host-1/web-1"),
        ("service.version", "0.1.7"),
        ("host.id", "web-1"),
        ("host.arch", "amd64"),
        ("os.type", "linux"),
        ("os.description", "Debian GNU/Linux 12"),
        ("infini.hub", "host-1"),
    ] {
        assert!(told.contains(&expected), "{expected:?}: {told:?}");
    }
}

#[test]
fn what_the_guest_counts_begins_at_its_boot_and_what_the_hub_counts_at_the_hubs_start() {
    let fleet = fleet_of(&[golden()]);
    let resources = round(&mut metrics(), &fleet, 20);
    let now = 1_795_415_400;
    let times = |name: &str| {
        let metric = all(&resources[0]).iter().find(|metric| metric.name == name).unwrap();
        let point = &points(metric)[0];
        (point.start_time_unix_nano, point.time_unix_nano)
    };
    assert_eq!(times("system.network.io"), (1_795_328_940 * SECOND, now * SECOND));
    assert_eq!(times("infini.agent.lines"), ((now - 50) * SECOND, (now + 20) * SECOND));
    assert_eq!(times("system.cpu.utilization"), (0, now * SECOND));
    // A guest that was booted in the future: nobody knows when.
    let ahead = golden().replace(r#""boot_time":"2026"#, r#""boot_time":"2096"#);
    let resources = round(&mut metrics(), &fleet_of(&[&ahead]), 20);
    let metric = all(&resources[0]).iter().find(|metric| metric.name == "system.network.io").unwrap();
    assert_eq!(points(metric)[0].start_time_unix_nano, 0);
}

#[test]
fn figures_that_were_told_are_not_told_again_and_the_connection_always_is() {
    let (mut metrics, mut fleet) = (metrics(), fleet_of(&[golden()]));
    let has =
        |resources: &[ResourceMetrics], name| all(&resources[0]).iter().any(|metric| metric.name == name);
    assert!(has(&round(&mut metrics, &fleet, 10), "system.memory.limit"));
    let again = round(&mut metrics, &fleet, 20);
    assert!(!has(&again, "system.memory.limit") && has(&again, "infini.agent.up"));
    fleet.with(at(30), "web-1", |machine| (drop(machine.line(at(30), golden())), vec![]));
    assert!(has(&round(&mut metrics, &fleet, 31), "system.memory.limit"));
    fleet.vanished(at(40), "web-1");
    metrics.begin(&fleet);
    let (name, entry) = fleet.after(None).next().unwrap();
    metrics.machine(name, entry, at(41));
    assert_eq!(metrics.request(), None);
}

#[test]
fn the_hub_tells_of_itself_with_its_distribution() {
    let mut metrics = metrics();
    let mut own = Program { ledger_bytes: Some(44), ..Program::default() };
    own.targets.answered = 3;
    let mut fleet = fleet_of(&[]);
    let line = r#"{"type":"SafeCommand","id":"a","command_type":{"action":"ServiceList"}}"#;
    fleet.with(at(1), "web-1", |machine| {
        machine.offer(at(1), crate::Client(1), Ok(()), line.to_owned(), crate::request::read(line));
        machine.line(at(4), r#"{"type":"response","id":"a","command_type":"ServiceList","success":true}"#);
        ((), vec![])
    });
    metrics.hub(&fleet, &own, at(20));
    let request = ExportMetricsServiceRequest::decode(&*metrics.request().unwrap().body).unwrap();
    let hub = &request.resource_metrics[0];
    assert!(texts(&hub.resource.as_ref().unwrap().attributes).contains(&("service.name", "infinihub")));
    assert_eq!(point(hub, "infini.hub.ledger.size", &[]), "updowncounter 44 By");
    let answered = [("infini.job.outcome", "answered")];
    assert_eq!(point(hub, "infini.hub.job.targets", &answered), "updowncounter 3 {vm}");
    let took = all(hub).iter().find(|metric| metric.name == "infini.hub.command.duration").unwrap();
    let Some(Data::Histogram(took)) = &took.data else { panic!("{took:?}") };
    let point = &took.data_points[0];
    assert_eq!(
        (point.count, point.sum, point.bucket_counts.len()),
        (1, Some(3.0), point.explicit_bounds.len() + 1)
    );
}

#[test]
fn events_and_records_are_logs_with_a_name_and_their_machine() {
    let mut fleet = fleet_of(&[HELLO]);
    fleet.with(at(5), "web-1", |_| ((), vec![(crate::Kind::Lost, "lost\u{1b}[2J".to_owned())]));
    let batch = of_events(&fleet, "host-1", fleet.events.after(0)).unwrap();
    let request = ExportLogsServiceRequest::decode(&*batch.body).unwrap();
    let record = &request.resource_logs[0].scope_logs[0].log_records[0];
    assert_eq!((&*record.event_name, &*record.severity_text), ("infini.vm.lost", "WARN"));
    assert!(
        matches!(&record.body.as_ref().unwrap().value, Some(Value::StringValue(text)) if text == "lost [2J")
    );
    assert_eq!(of_events(&fleet, "host-1", fleet.events.after(1)), None);
    let vm: Arc<str> = "web-1".into();
    let record = Record::decided(at(6), "uid 0".to_owned(), &vm, ("UnsafeCommand", "x-1"), None);
    assert_eq!(record.what, What::Asked);
    let batch = of_audit("host-1", &[record]).unwrap();
    let request = ExportLogsServiceRequest::decode(&*batch.body).unwrap();
    let record = &request.resource_logs[0].scope_logs[0].log_records[0];
    assert_eq!(record.event_name, "infini.command.asked");
    let expected = [("infini.actor", "uid 0"), ("infini.vm", "web-1"), ("infini.action", "UnsafeCommand")];
    assert!(expected.iter().all(|it| texts(&record.attributes).contains(it)), "{record:?}");
}

#[test]
fn a_partial_success_tells_how_many_were_refused_and_why() {
    let partial = ExportMetricsPartialSuccess { rejected_data_points: 3, error_message: "old".to_owned() };
    let answer = ExportMetricsServiceResponse { partial_success: Some(partial) }.encode_to_vec();
    assert_eq!(rejected(Signal::Metrics, &answer), (3, "old".to_owned()));
    assert_eq!(rejected(Signal::Traces, b"not protobuf"), (0, String::new()));
    assert_eq!(rejected(Signal::Logs, b""), (0, String::new()));
}

proptest! {
    #[test]
    fn whatever_a_guest_calls_itself_and_its_things_is_bounded_and_has_no_control_characters(
        words in prop::collection::vec(any::<String>(), 4),
        number in any::<f64>(),
    ) {
        let mut line: serde_json::Value = serde_json::from_str(golden()).unwrap();
        let system = &mut line["data"]["system"];
        system["host"]["hostname"] = words[0].clone().into();
        system["host"]["architecture"] = words[1].repeat(50).into();
        system["network"]["interfaces"][0]["name"] = words[2].clone().into();
        system["disk"]["devices"][0]["name"] = words[3].repeat(9).into();
        system["load_average"]["load_1min"] = number.into();
        let resources = round(&mut metrics(), &fleet_of(&[&line.to_string(), HELLO]), 1);
        for resource in &resources {
            let points = all(resource).iter().flat_map(points);
            let attributes = points.map(|point| &point.attributes).chain([&resource.resource.as_ref().unwrap().attributes]);
            for (_, value) in attributes.flat_map(|it| texts(it)) {
                prop_assert!(value.len() <= 3 * 128 && !value.chars().any(|it| it.is_control() && it != '\n'));
            }
        }
    }
}
