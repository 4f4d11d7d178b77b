//! Against files of a real guest, zones of the real database, and the shapes that qemu-ga answers in.

use super::zone::{self, Rule};
use super::{System, Tree, answer};
use crate::Request;
use crate::reply::{CpuStats, DiskStats, Reply, Route, Timezone, Vcpu};
use crate::tests::replay::recordings;
use proptest::prelude::*;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

/// Files below a directory of the fixtures, with one of them in other words.
#[derive(Default)]
struct Guest {
    root: PathBuf,
    instead: BTreeMap<&'static str, Vec<u8>>,
}

impl Tree for Guest {
    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        self.instead.get(path).map_or_else(|| fs::read(self.root.join(path)), |bytes| Ok(bytes.clone()))
    }

    fn names(&self, path: &str) -> io::Result<Vec<String>> {
        let names = fs::read_dir(self.root.join(path))?;
        names.map(|entry| Ok(entry?.file_name().into_string().unwrap())).collect()
    }
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn guest() -> Guest {
    Guest { root: fixtures().join("guest"), ..Guest::default() }
}

fn with(path: &'static str, bytes: &[u8]) -> Guest {
    Guest { instead: [(path, bytes.to_vec())].into(), ..guest() }
}

fn system() -> System {
    let now = UNIX_EPOCH + Duration::new(1_795_896_389, 662_483_000);
    System { machine: "x86_64".to_owned(), ticks_per_second: 100, now }
}

fn request(name: &str) -> Request {
    serde_json::from_value(Value::String(name.to_owned())).unwrap()
}

fn told(name: &str, tree: &dyn Tree) -> Reply {
    answer(&request(name), tree, &system()).unwrap().unwrap()
}

/// Each place in a value with its kind; elements of a list are one place.
fn shape(value: &Value, at: &str, shapes: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(key, value)| shape(value, &format!("{at}.{key}"), shapes));
        }
        Value::Array(values) => values.iter().for_each(|value| shape(value, &format!("{at}[]"), shapes)),
        Value::Bool(_) => drop(shapes.insert(format!("{at}: boolean"))),
        Value::String(_) => drop(shapes.insert(format!("{at}: text"))),
        Value::Number(_) => drop(shapes.insert(format!("{at}: number"))),
        Value::Null => drop(shapes.insert(format!("{at}: null"))),
    }
}

fn shape_of(value: &Value) -> BTreeSet<String> {
    let mut shapes = BTreeSet::new();
    shape(value, "", &mut shapes);
    shapes
}

const READS: &[&str] = &[
    "guest-get-time",
    "guest-get-osinfo",
    "guest-get-host-name",
    "guest-get-timezone",
    "guest-get-load",
    "guest-get-vcpus",
    "guest-get-cpustats",
    "guest-get-memory-blocks",
    "guest-get-memory-block-info",
    "guest-get-diskstats",
    "guest-network-get-route",
];

#[test]
fn answers_have_the_shape_of_the_recorded_ones() {
    let recorded = recordings();
    for name in READS {
        let of_it = |one: &&crate::tests::replay::Recorded| {
            one.agent == "11.1" && one.tx.contains(&format!("\"{name}\"}}"))
        };
        let theirs = recorded.iter().filter(of_it).find_map(|one| {
            let value: Value = serde_json::from_str(one.rx.trim()).ok()?;
            value.get("return").cloned()
        });
        let ours = serde_json::to_value(told(name, &guest())).unwrap();
        let theirs = theirs.unwrap_or_else(|| panic!("{name} was not recorded"));
        assert_eq!(shape_of(&ours), shape_of(&theirs), "{name}");
    }
}

#[test]
fn other_commands_are_for_other_executors() {
    for name in ["guest-fsfreeze-freeze", "guest-suspend-ram", "guest-get-fsinfo", "guest-get-users"] {
        assert!(answer(&request(name), &guest(), &system()).is_none(), "{name}");
    }
}

#[test]
fn processors_without_the_file_are_online_and_stay_so() {
    let vcpu = |logical_id, online, can_offline| Vcpu { logical_id, online, can_offline: Some(can_offline) };
    assert_eq!(
        told("guest-get-vcpus", &guest()),
        Reply::Vcpus(vec![vcpu(0, true, false), vcpu(1, true, true)])
    );
    let offline = with("sys/devices/system/cpu/cpu1/online", b"0\n");
    assert_eq!(
        told("guest-get-vcpus", &offline),
        Reply::Vcpus(vec![vcpu(0, true, false), vcpu(1, false, true)])
    );
}

#[test]
fn ticks_become_milliseconds_and_old_kernels_have_fewer_columns() {
    let Reply::CpuStats(stats) =
        told("guest-get-cpustats", &with("proc/stat", b"cpu  9 9 9 9\ncpu3 1 2 3 4 5\nintr 1\n"))
    else {
        panic!()
    };
    let [CpuStats::Linux(cpu)] = &stats[..] else { panic!("{stats:?}") };
    assert_eq!((cpu.cpu, cpu.user, cpu.idle, cpu.iowait, cpu.irq), (3, 10, 40, Some(50), None));
}

#[test]
fn disks_have_the_counters_that_their_kernel_has() {
    let Reply::DiskStats(disks) = told("guest-get-diskstats", &guest()) else { panic!() };
    let named = |name: &str| -> &DiskStats { disks.iter().find(|disk| disk.name == name).unwrap() };
    let (vda, sdb) = (&named("vda").stats, &named("sdb").stats);
    assert_eq!(
        (vda.read_ios, vda.discard_ios, vda.flush_ticks),
        (Some(5_147_561), Some(772_868), Some(32_301))
    );
    assert_eq!((sdb.weight_ticks, sdb.discard_ios, sdb.flush_ios), (Some(50), None, None));
}

#[test]
fn a_kernel_that_cannot_take_memory_offline_has_no_blocks() {
    let bare = Guest { root: fixtures().join("zones"), ..Guest::default() };
    assert_eq!(told("guest-get-memory-blocks", &bare), Reply::MemoryBlocks(Vec::new()));
    let Reply::MemoryBlocks(blocks) = told("guest-get-memory-blocks", &guest()) else { panic!() };
    let all: Vec<_> =
        blocks.iter().map(|block| (block.phys_index, block.online, block.can_offline)).collect();
    assert_eq!(all, [(0, true, Some(false)), (1, true, Some(true)), (32, false, Some(true))]);
}

#[test]
fn routes_of_both_versions_are_told_as_their_own() {
    let Reply::Routes(routes) = told("guest-network-get-route", &guest()) else { panic!() };
    let gateway = |route: &Route| route.gateway.clone();
    assert_eq!((routes.len(), gateway(&routes[0])), (10, Some("192.0.2.1".to_owned())));
    let default = routes.iter().rfind(|route| route.version == 6 && route.iface == "lo").unwrap();
    assert_eq!((default.metric, default.flags), (-1, Some(0x20_0200)), "the flags are not sign-extended");
}

#[test]
fn what_is_missing_is_an_error_with_the_system_s_text() {
    let bare = Guest { root: fixtures().join("zones"), ..Guest::default() };
    let error = answer(&request("guest-get-cpustats"), &bare, &system()).unwrap().unwrap_err();
    assert_eq!(error.desc, "failed to read '/proc/stat': No such file or directory");
}

#[test]
fn os_release_is_unquoted_and_found_in_its_other_place() {
    let text = b"ID=x\nNAME='a \\ b'\nPRETTY_NAME=\"q\\\"\\$\"\nVARIANT_ID=server\n# VERSION=1\nID=y\n";
    let Reply::OsInfo(info) = told("guest-get-osinfo", &with("etc/os-release", text)) else { panic!() };
    assert_eq!((info.id.as_deref(), info.name.as_deref()), (Some("y"), Some("a \\ b")));
    assert_eq!((info.pretty_name.as_deref(), info.variant_id.as_deref()), (Some("q\"$"), Some("server")));
    assert_eq!(info.version, None);
    let bare = Guest {
        root: PathBuf::from("/nonexistent"),
        instead: [("usr/lib/os-release", text.to_vec())].into(),
    };
    assert!(
        matches!(told("guest-get-osinfo", &bare), Reply::OsInfo(info) if info.id.as_deref() == Some("y"))
    );
}

/// Another reader of the same files gave these.
const MOMENTS: &[(&str, i64, &str, i64)] = &[
    ("Berlin", -3_000_000_000, "LMT", 3208),
    ("Berlin", 0, "CET", 3600),
    ("Berlin", 1_774_745_999, "CET", 3600),
    ("Berlin", 1_774_746_000, "CEST", 7200),
    ("Berlin", 1_792_889_999, "CEST", 7200),
    ("Berlin", 1_792_890_000, "CET", 3600),
    ("Berlin", 2_540_000_000, "CEST", 7200),
    ("Berlin", 4_000_000_000, "CEST", 7200),
    ("Berlin", 4_015_000_000, "CET", 3600),
    ("Berlin", 2_531_955_599, "CET", 3600),
    ("Berlin", 2_531_955_600, "CEST", 7200),
    ("Berlin", 2_550_704_399, "CEST", 7200),
    ("Berlin", 2_550_704_400, "CET", 3600),
    ("Lord_Howe", 2_532_524_399, "+11", 39_600),
    ("Lord_Howe", 2_532_524_400, "+1030", 37_800),
    ("Lord_Howe", 2_548_250_999, "+1030", 37_800),
    ("Lord_Howe", 2_548_251_000, "+11", 39_600),
    ("Lord_Howe", 0, "AEST", 36_000),
    ("Lord_Howe", 1_774_746_000, "+11", 39_600),
    ("Lord_Howe", 2_540_000_000, "+1030", 37_800),
    ("Lord_Howe", 4_000_000_000, "+1030", 37_800),
    ("Lord_Howe", 4_015_000_000, "+11", 39_600),
    ("St_Johns", -3_000_000_000, "LMT", -12_652),
    ("St_Johns", 1_774_746_000, "NDT", -9000),
    ("St_Johns", 2_555_000_000, "NST", -12_600),
    ("St_Johns", 4_015_000_000, "NDT", -9000),
    ("Kolkata", 4_015_000_000, "IST", 19_800),
];

fn zone_at(bytes: &[u8], seconds: i64) -> Timezone {
    let moment = Duration::from_secs(seconds.unsigned_abs());
    let now = if seconds < 0 { UNIX_EPOCH - moment } else { UNIX_EPOCH + moment };
    zone::local(&with("etc/localtime", bytes), now)
}

#[test]
fn zones_are_those_of_the_database_also_beyond_what_its_files_list() {
    for (name, seconds, zone, offset) in MOMENTS {
        let bytes = fs::read(fixtures().join("zones").join(name)).unwrap();
        let wanted = Timezone { zone: Some((*zone).to_owned()), offset: *offset };
        assert_eq!(zone_at(&bytes, *seconds), wanted, "{name} at {seconds}");
    }
}

#[test]
fn rules_count_days_in_three_ways() {
    let rules = [
        ("AAA0BBB,J60/0,J61/0", 951_868_800),
        ("AAA0BBB,60/0,61/0", 951_868_800),
        ("AAA0BBB,M3.1.3/0,M3.1.4/0", 951_868_800),
    ];
    for (rule, first_of_march_2000) in rules {
        let rule = Rule::parse(rule).unwrap();
        let name = |seconds| rule.at(seconds).zone.unwrap();
        assert_eq!(name(first_of_march_2000 - 1), "AAA", "{rule:?}");
        assert_eq!(name(first_of_march_2000), "BBB", "{rule:?}");
    }
    assert!(Rule::parse("nonsense").is_none());
}

proptest! {
    #[test]
    fn no_file_does_harm(bytes in proptest::collection::vec(any::<u8>(), 0..200), path in 0..6_usize, seconds in any::<i64>()) {
        let paths = ["proc/stat", "proc/diskstats", "proc/net/ipv6_route", "proc/net/route", "etc/os-release", "proc/loadavg"];
        let tree = with(paths[path], &bytes);
        for name in READS {
            let _ = answer(&request(name), &tree, &system());
        }
        let zone = fs::read(fixtures().join("zones/Berlin")).unwrap();
        let changed: Vec<u8> = zone.iter().enumerate().map(|(at, byte)| byte ^ bytes.get(at * 7 % 211).unwrap_or(&0)).collect();
        let cut = &changed[..changed.len().min(bytes.len() * 12)];
        let _ = zone_at(&[b"TZif2", &cut[cut.len().min(5)..]].concat(), seconds / 4);
        let _ = Rule::parse(&String::from_utf8_lossy(&bytes)).map(|rule| rule.at(seconds));
    }

    #[test]
    fn no_rule_overflows(text in "[A-Z]{3}[0-9+-]{1,3}[A-Z]{3},[JM]?[0-9.]{1,6}(/[0-9:-]{1,8})?,[JM]?[0-9.]{1,6}", seconds in any::<i64>()) {
        let _ = Rule::parse(&text).map(|rule| rule.at(seconds));
    }
}
