//! What is told of machines that are well, silent, hostile or too many.

use super::parser::{Series, parse};
use super::*;
use crate::at;
use crate::delivery::Status;
use crate::router::Client;
use proptest::prelude::*;
use std::fmt::Write as _;

const METRICS: &str = include_str!("../../../protocol/golden/system_metrics.jsonl");

fn golden() -> String {
    METRICS.lines().next().unwrap().to_owned()
}

fn hello(platform: &str) -> String {
    format!(
        r#"{{"type":"hello","agent_version":"0.1.7","protocol_version":1,"platform":"{platform}","os":"x",
        "capabilities":[],"limits":{{}},"instance":"a"}}"#
    )
}

/// One machine, `web-1`, that has said these lines.
fn fleet_of(lines: &[String]) -> Fleet {
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

fn told(fleet: &Fleet, second: u64, options: Options) -> Vec<Series> {
    parse(Exposition::default().fleet(fleet, &Program::default(), at(second), options)).unwrap()
}

fn all(fleet: &Fleet) -> Vec<Series> {
    told(fleet, 20, Options::default())
}

/// The values of a metric whose labels have these values among them.
fn values(all: &[Series], name: &str, labels: &[(&str, &str)]) -> Vec<f64> {
    let has =
        |it: &Series| labels.iter().all(|(name, value)| it.labels.get(*name).is_some_and(|it| it == value));
    all.iter().filter(|it| it.name == name && has(it)).map(|it| it.value).collect()
}

#[test]
fn the_golden_lines_figures_are_told_in_base_units() {
    let all = all(&fleet_of(&[golden(), hello("linux")]));
    let vm = [("vm", "web-1")];
    for (name, labels, value) in [
        ("infini_vm_up", &[][..], 1.0),
        (
            "infini_vm_info",
            &[("os_name", "Debian GNU/Linux"), ("platform", "linux"), ("agent_version", "0.1.7")],
            1.0,
        ),
        ("infini_agent_last_line_age_seconds", &[], 20.0),
        ("infini_agent_lines_total", &[], 2.0),
        ("infini_guest_clock_offset_seconds", &[], 0.123),
        ("infini_guest_boot_time_seconds", &[], 1_795_328_940.0),
        ("infini_guest_cpu_usage_ratio", &[], 0.125),
        ("infini_guest_cpu_seconds_total", &[("mode", "steal")], 88.3),
        ("infini_guest_cpus", &[], 2.0),
        ("infini_guest_memory_total_bytes", &[], 2_014_980.0 * 1024.0),
        ("infini_guest_oom_kills_total", &[], 1.0),
        ("infini_guest_load5", &[], 0.03),
        ("infini_guest_pressure_waiting_seconds_total", &[("resource", "cpu")], 66.139_724),
        ("infini_guest_filesystem_size_bytes", &[("mountpoint", "/"), ("fstype", "ext4")], 8_322_113_000.0),
        ("infini_guest_filesystem_inodes_used", &[("device", "/dev/vda1")], 28_731.0),
        ("infini_guest_disk_written_bytes_total", &[("device", "vda")], 93_847_552.0),
        ("infini_guest_disk_busy_seconds_total", &[("device", "vda")], 31.416),
        ("infini_guest_network_receive_drop_total", &[("device", "enp1s0")], 3.0),
        ("infini_guest_services", &[("state", "running")], 1.0),
        ("infini_agent_collection_seconds", &[], 0.007),
        ("infini_agent_collector_failed", &[("collector", "disk")], 1.0),
        ("infini_agent_list_truncated", &[("list", "processes")], 412.0),
    ] {
        assert_eq!(values(&all, name, &[labels, &vm].concat()), [value], "{name} {labels:?}");
    }
    assert!(all.iter().all(|it| it.name.starts_with("infini_hub_") != it.labels.contains_key("vm")));
    assert_eq!(values(&all, "infini_hub_vms", &[("state", "up")]), [1.0]);
    assert_eq!(values(&all, "infini_hub_lines_total", &[("type", "hello")]), [1.0]);
}

#[test]
fn figures_vanish_with_the_agent_and_its_state_stays() {
    let mut fleet = fleet_of(&[golden()]);
    fleet.tick(at(90));
    let silent = told(&fleet, 100, Options::default());
    assert_eq!(values(&silent, "infini_vm_up", &[]), [0.0]);
    assert_eq!(values(&silent, "infini_agent_last_line_age_seconds", &[]), [100.0]);
    assert_eq!(values(&silent, "infini_vm_info", &[("os_version", "12")]), [1.0]);
    assert!(!silent.iter().any(|it| it.name.starts_with("infini_guest_")));
    assert_eq!(values(&silent, "infini_hub_events_total", &[("kind", "silent")]), [1.0]);
    fleet.vanished(at(110), "web-1");
    let gone = told(&fleet, 120, Options::default());
    assert!(gone.iter().all(|it| it.name.starts_with("infini_hub_")));
    assert_eq!(values(&gone, "infini_hub_lines_total", &[("type", "system_metrics")]), [1.0]);
}

#[test]
fn a_machine_that_never_spoke_has_no_age() {
    let mut fleet = Fleet::default();
    fleet.claim(at(0), "db", "/db").unwrap();
    let all = all(&fleet);
    assert_eq!(values(&all, "infini_vm_up", &[("vm", "db")]), [0.0]);
    assert!(values(&all, "infini_agent_last_line_age_seconds", &[]).is_empty());
}

#[test]
fn what_an_agent_does_not_measure_is_not_told_as_zero() {
    let warming = golden().replace(
        r#"{"collector":"disk","error":"/mnt/nfs: no answer in 2 s"}"#,
        r#"{"collector":"cpu","error":"warming_up"}"#,
    );
    let all = all(&fleet_of(&[warming]));
    assert!(values(&all, "infini_guest_cpu_usage_ratio", &[]).is_empty());
    assert!(values(&all, "infini_agent_collector_failed", &[]).is_empty());
    let bare = told(&fleet_of(&[METRICS.lines().nth(1).unwrap().to_owned()]), 1, Options::default());
    for name in ["infini_guest_memory_total_bytes", "infini_guest_load1", "infini_guest_boot_time_seconds"] {
        assert!(values(&bare, name, &[]).is_empty(), "{name}");
    }
    assert_eq!(values(&bare, "infini_guest_disk_read_bytes_total", &[("device", "all")]), [0.0]);
}

#[test]
fn the_programs_own_figures_and_how_long_commands_took_are_told() {
    let mut fleet = fleet_of(&[hello("linux")]);
    let line = r#"{"type":"SafeCommand","id":"a","command_type":{"action":"ServiceList"}}"#;
    fleet.with(at(1), "web-1", |machine| {
        machine.offer(at(1), Client(1), Ok(()), line.to_owned(), crate::request::read(line));
        machine.line(at(4), r#"{"type":"response","id":"a","command_type":"ServiceList","success":true}"#);
        ((), vec![])
    });
    let mut own = Program { ledger_bytes: Some(44), otlp: Some(Status::default()), ..Program::default() };
    own.targets.answered = 2;
    let all = parse(Exposition::default().fleet(&fleet, &own, at(5), Options::default())).unwrap();
    let took = |end: &str, labels: &[(&str, &str)]| {
        let action = ("action", "ServiceList");
        values(&all, &format!("infini_hub_command_seconds{end}"), &[&[action], labels].concat())
    };
    assert_eq!((took("_count", &[]), took("_sum", &[])), (vec![1.0], vec![3.0]));
    assert_eq!((took("_bucket", &[("le", "2.5")]), took("_bucket", &[("le", "5")])), (vec![0.0], vec![1.0]));
    assert_eq!(took("_bucket", &[("le", "+Inf")]), [1.0]);
    assert_eq!(values(&all, "infini_hub_job_targets", &[("outcome", "answered")]), [2.0]);
    assert_eq!(values(&all, "infini_hub_ledger_bytes", &[]), [44.0]);
    let dropped = [("signal", "logs"), ("reason", "rejected")];
    assert_eq!(values(&all, "infini_hub_otlp_dropped_total", &dropped), [0.0]);
    assert!(told(&fleet, 5, Options::default()).iter().all(|it| !it.name.starts_with("infini_hub_otlp")));
}

fn interface(name: &str) -> String {
    format!(r#"{{"name":"{name}","bytes_received":7,"mtu":1500}}"#)
}

fn file_system(mount: &str, kind: &str) -> String {
    format!(r#"{{"mount_point":"{mount}","device":"d","filesystem":"{kind}","total_gb":1.0}}"#)
}

fn with_many(interfaces: &[String], file_systems: &[String]) -> String {
    format!(
        r#"{{"type":"system_metrics","data":{{"system":{{"network":{{"interfaces":[{}]}},"disk":{{"usage_stats":[{}]}}}}}}}}"#,
        interfaces.join(","),
        file_systems.join(",")
    )
}

#[test]
fn what_guests_make_for_themselves_is_told_only_where_it_is_asked_for() {
    let interfaces = ["eth0", "lo", "veth12", "docker0", "br-1a", "ifb0", "tap3", "lover"].map(interface);
    let line = with_many(&interfaces, &[file_system("/", "ext4"), file_system("/run", "tmpfs")]);
    let fleet = fleet_of(&[line]);
    let all = all(&fleet);
    assert_eq!(values(&all, "infini_guest_network_mtu_bytes", &[]).len(), 2);
    assert_eq!(values(&all, "infini_guest_network_mtu_bytes", &[("device", "lover")]).len(), 1);
    assert_eq!(values(&all, "infini_guest_filesystem_size_bytes", &[]).len(), 1);
    let everything = told(&fleet, 1, Options::everything());
    assert_eq!(values(&everything, "infini_guest_network_mtu_bytes", &[]).len(), 8);
    assert_eq!(values(&everything, "infini_guest_filesystem_size_bytes", &[("fstype", "tmpfs")]), [1e9]);
    assert_eq!(values(&everything, "infini_hub_series_dropped", &[]), [0.0; 6]);
}

#[test]
fn what_is_too_much_is_cut_and_counted() {
    let interfaces: Vec<_> = (0..20).map(|n| interface(&format!("eth{n}"))).collect();
    let mut file_systems: Vec<_> = (0..40).map(|n| file_system(&format!("/{n}"), "ext4")).collect();
    file_systems.insert(1, file_system("/0", "ext4"));
    let all = all(&fleet_of(&[with_many(&interfaces, &file_systems)]));
    let of_guest = all.iter().filter(|it| !it.name.starts_with("infini_hub_")).count();
    assert_eq!(of_guest, MAX_SERIES as usize);
    assert_eq!(values(&all, "infini_guest_filesystem_size_bytes", &[]).len(), 32);
    let dropped = |reason| values(&all, "infini_hub_series_dropped", &[("reason", reason)])[0] as u64;
    assert_eq!(["interfaces", "file_systems", "doubles"].map(dropped), [4, 8, 1]);
    assert!(dropped("series") > 50);
}

/// Everything that a label could break out by, as JSON.
const HOSTILE: [&str; 7] = [
    r#"a\"} 1\ninfini_vm_up{vm=\"other\"} 1\n#"#,
    r"back\\slash\\",
    r"line\nline\r\n",
    r"\u0000\u0001\u001b[31m\u007f\u009b",
    r"\u202eevil",
    "\u{10ffff}\u{feff}",
    "",
];

#[test]
fn a_hostile_guest_breaks_out_of_no_label() {
    let long = "x\\\"é".repeat(1 << 10);
    for words in HOSTILE.into_iter().chain([&*long]) {
        let mut line = golden();
        for field in [
            "Debian GNU/Linux",
            "12\",\"kernel_version",
            "6.1.0-41-cloud-amd64",
            "enp1s0",
            "vda\"",
            "/dev/vda1",
            "ext4",
        ] {
            let (word, rest) = field.split_at(field.find('"').unwrap_or(field.len()));
            line = line.replace(field, &format!("{words}{rest}"));
            assert!(!word.is_empty());
        }
        line = line.replace(r#""collector":"disk""#, &format!(r#""collector":"{words}""#));
        line = line.replace(r#""truncated":{"processes""#, &format!(r#""truncated":{{"{words}""#));
        line = line.replace(r#""name":"ssh.service""#, &format!(r#""name":"{words}""#));
        line = line.replace(r#""state":"running","start_type""#, r#""state":"failed","start_type""#);
        let fleet = fleet_of(&[line, hello("linux")]);
        assert!(fleet.get("web-1").unwrap().machine.sample().is_some(), "{words:.60}");
        let all = told(&fleet, 1, Options::everything());
        assert!(all.iter().all(|it| it.labels.get("vm").is_none_or(|vm| vm == "web-1")));
        assert!(all.iter().flat_map(|it| it.labels.values()).all(|it| it.len() <= 128), "{words:.60}");
        let mut exposition = Exposition::default();
        parse(exposition.node(&fleet, at(1), "web-1").unwrap()).unwrap();
    }
}

#[test]
fn names_that_differ_only_where_they_are_cut_are_one() {
    let long = "e".repeat(128);
    let names = [format!("{long}1"), format!("{long}2"), "a\\u0001".into(), "a\\u0002".into()];
    let all = all(&fleet_of(&[with_many(&names.map(|name| interface(&name)), &[])]));
    assert_eq!(values(&all, "infini_guest_network_mtu_bytes", &[]).len(), 2);
    assert_eq!(values(&all, "infini_hub_series_dropped", &[("reason", "doubles")]), [2.0]);
    assert_eq!(values(&all, "infini_hub_series_dropped", &[("reason", "labels_cut")]), [10.0]);
}

#[test]
fn a_machines_name_is_escaped_too() {
    let mut fleet = Fleet::default();
    fleet.claim(at(0), "we\"b\\\n1", "/x").unwrap();
    assert_eq!(values(&all(&fleet), "infini_vm_up", &[("vm", "we\"b\\\n1")]), [0.0]);
}

#[test]
fn one_machine_or_those_of_a_selector_are_told_without_the_hub() {
    let mut fleet = fleet_of(&[golden()]);
    fleet.claim(at(0), "db", "/db").unwrap();
    let mut exposition = Exposition::default();
    let one = parse(exposition.machine(&fleet, at(1), Options::default(), "db").unwrap()).unwrap();
    assert!(one.iter().all(|it| it.labels["vm"] == "db"));
    let selector = "os=debian".parse().unwrap();
    let chosen = parse(exposition.selected(&fleet, at(1), Options::default(), &selector)).unwrap();
    assert!(chosen.len() > 40 && chosen.iter().all(|it| it.labels["vm"] == "web-1"));
    assert!(exposition.machine(&fleet, at(1), Options::default(), "unknown").is_none());
}

#[test]
fn node_exporters_names_are_those_of_its_dashboards() {
    let mut fleet = fleet_of(&[golden(), hello("linux")]);
    let mut exposition = Exposition::default();
    let all = parse(exposition.node(&fleet, at(60), "web-1").unwrap()).unwrap();
    for (name, labels, value) in [
        ("node_cpu_seconds_total", &[("cpu", "1"), ("mode", "steal")][..], 44.15),
        ("node_memory_MemAvailable_bytes", &[], 1_602_644.0 * 1024.0),
        ("node_filesystem_avail_bytes", &[("mountpoint", "/"), ("fstype", "ext4")], 6_629_500_000.0),
        ("node_filesystem_files_free", &[], 495_557.0),
        ("node_disk_io_time_seconds_total", &[("device", "vda")], 31.416),
        ("node_network_receive_bytes_total", &[("device", "enp1s0")], 18_276_345.0),
        ("node_network_speed_bytes", &[], 125_000_000.0),
        ("node_load1", &[], 0.08),
        ("node_boot_time_seconds", &[], 1_795_328_940.0),
        ("node_time_seconds", &[], 1_795_415_460.123),
        ("node_uname_info", &[("nodename", "guest-1"), ("release", "6.1.0-41-cloud-amd64")], 1.0),
        ("node_pressure_memory_stalled_seconds_total", &[], 15.292_357),
        ("node_vmstat_oom_kill", &[], 1.0),
    ] {
        assert_eq!(values(&all, name, labels), [value], "{name}");
    }
    assert!(all.iter().all(|it| it.name.starts_with("node_") && !it.labels.contains_key("vm")));
    fleet.tick(at(90));
    assert!(exposition.node(&fleet, at(90), "web-1").is_none());
    assert!(exposition.node(&fleet, at(90), "db").is_none());
}

#[test]
fn windows_is_told_by_windows_exporters_names() {
    let line = golden().replace(r#""mount_point":"/""#, r#""mount_point":"C:\\""#);
    let fleet = fleet_of(&[line, hello("windows")]);
    let mut exposition = Exposition::default();
    let all = parse(exposition.node(&fleet, at(1), "web-1").unwrap()).unwrap();
    assert_eq!(values(&all, "windows_logical_disk_free_bytes", &[("volume", "C:")]), [6_629_500_000.0]);
    assert_eq!(values(&all, "windows_cpu_time_total", &[("core", "0,0"), ("mode", "privileged")]), [155.75]);
    assert!(all.iter().all(|it| it.name.starts_with("windows_")));
}

#[test]
fn a_guest_with_a_thousand_cores_is_told_within_bounds() {
    let cores = vec!["1.0"; 1000].join(",");
    let fleet = fleet_of(&[golden().replace("[20.0,5.0]", &format!("[{cores}]"))]);
    let mut exposition = Exposition::default();
    let all = parse(exposition.node(&fleet, at(1), "web-1").unwrap()).unwrap();
    assert_eq!(values(&all, "node_cpu_seconds_total", &[]).len(), 128 * 8);
    assert!(all.len() <= MAX_NODE_SERIES as usize);
    assert!(
        (values(&all, "node_cpu_seconds_total", &[("mode", "user")]).iter().sum::<f64>() - 1204.37).abs()
            < 1e-6
    );
}

#[test]
fn numbers_are_written_as_prometheus_reads_them() {
    let line = golden()
        .replace("8.322113", "1e300")
        .replace("12.5", "2.5e-7")
        .replace("2014980", "18446744073709551615");
    let all = all(&fleet_of(&[line]));
    assert_eq!(values(&all, "infini_guest_filesystem_size_bytes", &[]), [f64::INFINITY]);
    assert_eq!(values(&all, "infini_guest_cpu_usage_ratio", &[]), [2.5e-9]);
    assert_eq!(values(&all, "infini_guest_memory_total_bytes", &[]), [u64::MAX as f64]);
}

#[test]
fn names_say_what_they_are() {
    let mut names = std::collections::BTreeSet::new();
    let guest = [GUEST, NODE, WINDOWS].into_iter().flatten().copied().flatten();
    let hub = HUB.iter().copied().flatten().map(|it| &it.about);
    for about in guest.map(|it| &it.about).chain(hub) {
        assert!(names.insert(about.name), "{} twice", about.name);
        let is_ours = about.name.starts_with("infini_");
        assert!(
            !is_ours || about.name.ends_with("_total") == (about.kind == table::Kind::Counter),
            "{}",
            about.name
        );
        let unit = about.name.trim_end_matches("_total");
        assert!(!is_ours || about.unit.is_empty() || unit.ends_with(about.unit), "{}", about.name);
        assert!(!about.help.contains(['\n', '\\']) && !about.help.ends_with('.'), "{}", about.name);
        assert!(!about.labels.contains(&"vm"));
    }
}

#[test]
fn labels_are_those_that_the_table_says() {
    let failed = golden().replace(r#""state":"running","start_type""#, r#""state":"failed","start_type""#);
    let fleet =
        fleet_of(&[failed, hello("linux"), r#"{"type":"response","id":"a","success":true}"#.to_owned()]);
    let mut exposition = Exposition::default();
    let mut all = parse(exposition.fleet(&fleet, &Program::default(), at(1), Options::default())).unwrap();
    all.extend(parse(exposition.node(&fleet, at(1), "web-1").unwrap()).unwrap());
    let guest = [GUEST, NODE].into_iter().flatten().copied().flatten().map(|it| &it.about);
    for about in guest.chain(HUB.iter().copied().flatten().map(|it| &it.about)) {
        for series in all.iter().filter(|it| it.name == about.name) {
            let mut found: Vec<_> =
                series.labels.keys().filter(|it| *it != "vm").map(String::as_str).collect();
            found.sort_unstable();
            let mut wanted = about.labels.to_vec();
            wanted.sort_unstable();
            assert_eq!(found, wanted, "{}", about.name);
        }
    }
}

proptest! {
    #[test]
    fn whatever_a_guest_calls_its_things_the_text_is_valid(names in prop::collection::vec(any::<String>(), 0..20)) {
        let mut interfaces = Vec::new();
        for name in &names {
            let mut json = String::new();
            let _ = write!(json, r#"{{"name":{}}}"#, serde_json::to_string(name).unwrap());
            interfaces.push(json);
        }
        let fleet = fleet_of(&[with_many(&interfaces, &[])]);
        let all = told(&fleet, 1, Options::everything());
        let dropped = ["doubles", "interfaces"]
            .map(|reason| values(&all, "infini_hub_series_dropped", &[("reason", reason)])[0] as usize);
        let told = values(&all, "infini_guest_network_mtu_bytes", &[]).len();
        prop_assert_eq!(told + dropped.iter().sum::<usize>(), names.len());
    }
}
