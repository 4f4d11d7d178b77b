//! The collector on trees of `/proc` that were recorded or made up: hostile names, processes that vanish, thousands.

use crate::tree::{Tree, collect, errors_of};
use infiniservice_collector::{Collector, CollectorSettings, ProcessQuery, SortBy};
use infiniservice_platform::clock::Now;
use std::fs;
use std::time::{Duration, SystemTime};

#[test]
fn the_first_collection_says_which_figures_are_not_there_yet() {
    let tree = Tree::new();
    tree.process(10, b"a", 'S', 100, 1);
    let mut collector = tree.collector();
    let (data, first) = collect(&mut collector, 0);
    for name in ["cpu", "disk_io", "processes"] {
        assert_eq!(errors_of(&first, name), ["warming_up"], "{name}");
    }
    assert_eq!(data.system.cpu.cores_usage, [0.0, 0.0]);
    tree.process(10, b"a", 'R', 250, 1);
    let (data, second) = collect(&mut collector, 3);
    assert!(second.failed.iter().all(|f| f.error != "warming_up"), "{:?}", second.failed);
    assert!((data.processes[0].cpu_percent - 50.0).abs() < 0.01);
}

#[test]
fn pressure_is_told_as_recorded_and_left_out_where_the_kernel_has_none() {
    let tree = Tree::new();
    let pressure = collect(&mut tree.collector(), 0).0.system.pressure.unwrap();
    let (cpu, memory) = (pressure.cpu.unwrap(), pressure.memory.unwrap());
    assert_eq!((cpu.some.avg10, cpu.some.total_us, cpu.full.unwrap().avg10), (99.44, 19_535_306_527, 0.0));
    assert!(memory.full.unwrap().total_us > 0 && pressure.io.is_some());

    tree.file("proc/pressure/io", b"some avg10=0.00");
    let (data, collection) = collect(&mut tree.collector(), 0);
    assert_eq!(errors_of(&collection, "pressure").len(), 1, "{:?}", collection.failed);
    assert!(data.system.pressure.is_some_and(|pressure| pressure.cpu.is_some() && pressure.io.is_none()));

    fs::remove_dir_all(tree.dir.path().join("proc/pressure")).unwrap();
    let (data, collection) = collect(&mut tree.collector(), 0);
    assert_eq!((data.system.pressure, errors_of(&collection, "pressure").len()), (None, 0));
}

#[test]
fn hostile_processes_cost_nobody_else_a_figure() {
    let tree = Tree::new();
    tree.process(10, b"ok", 'S', 1, 100);
    tree.process(11, b"evil) R 2 \n(x", 'Z', 1, 0);
    tree.process(12, b"\xff\xfe\x1b[31m", 'D', 1, 5);
    tree.file("proc/12/cmdline", [b"\xff\0", &[b'a'; 9000][..]].concat());
    tree.file("proc/10/status", b"Name:\tok\nUid:\t0\t33\t0\t0\n");
    tree.file("proc/10/io", b"read_bytes: 4096\nwrite_bytes: 8192\n");
    // Gone between the listing and the reading; and torn.
    fs::create_dir_all(tree.dir.path().join("proc/13")).unwrap();
    tree.file("proc/14/stat", b"14 (torn) S 1");
    tree.file("proc/99999999999/stat", b"");
    let (data, _) = collect(&mut tree.collector(), 0);

    let told: Vec<_> = data.processes.iter().map(|p| (p.pid, p.name.as_str(), p.status.as_str())).collect();
    let expected = [
        (10, "ok", "sleeping"),
        (12, "\u{fffd}\u{fffd} [31m", "disk_sleep"),
        (11, "evil) R 2  (x", "zombie"),
    ];
    assert_eq!(told, expected);
    let ok = &data.processes[0];
    assert_eq!(
        (ok.user.as_deref(), ok.disk_read_bytes, ok.disk_write_bytes),
        (Some("www-data"), Some(4096), Some(8192))
    );
    assert!(data.processes[1].cmd_line.as_ref().unwrap().len() <= 4096);
    assert_eq!(data.processes[2].cmd_line, None);
}

#[test]
fn of_five_thousand_processes_the_busiest_are_told_and_the_rest_counted() {
    let tree = Tree::new();
    for pid in 1..=5000u32 {
        tree.process(pid, b"worker", 'S', 0, u64::from(pid));
    }
    let mut collector = tree.collector();
    collect(&mut collector, 0);
    tree.process(7, b"worker", 'R', 300, 7);
    let (data, collection) = collect(&mut collector, 10);
    assert_eq!(data.processes.len(), 100);
    let first: Vec<_> = data.processes.iter().take(3).map(|p| p.pid).collect();
    assert_eq!(first, [7, 5000, 4999]);
    assert_eq!(collection.truncated.get("processes"), Some(&5000));
    let query = ProcessQuery { limit: Some(2), sort_by: SortBy::Pid, filter: Some("WORK".into()) };
    let list = collector
        .query_processes(Now { mono: Duration::from_secs(11), wall: SystemTime::UNIX_EPOCH }, &query);
    let list = list.unwrap();
    assert_eq!((list.count, list.processes.len(), list.processes[1].pid), (5000, 2, 2));
}

#[test]
fn a_list_is_cut_by_what_its_bytes_take_on_the_wire_says_so_and_reads_no_further() {
    let tree = Tree::new();
    for pid in 1..=600u32 {
        tree.process(pid, b"\xff\xff", 'S', 0, 1);
        tree.file(&format!("proc/{pid}/cmdline"), [0xff; 4000]);
    }
    tree.waits_for_ever("proc/600/cmdline");
    let max_list_bytes = 100_000;
    let mut collector = Collector::new(CollectorSettings { max_list_bytes, ..tree.settings() });
    let mut ask = |limit| {
        let query = ProcessQuery { limit, sort_by: SortBy::Pid, filter: None };
        let now = Now { mono: Duration::from_secs(11), wall: SystemTime::UNIX_EPOCH };
        collector.query_processes(now, &query).unwrap()
    };
    let list = ask(None);
    let bytes: usize =
        list.processes.iter().map(|process| process.cmd_line.as_ref().unwrap().len() * 2).sum();
    assert!((80_000..max_list_bytes).contains(&bytes), "six bytes on the wire for each byte 0xff: {bytes}");
    assert_eq!((list.count, list.truncated.get("processes")), (600, Some(&600)));
    assert_eq!(list.incomplete, [""; 0]);
    let few = ask(Some(3));
    assert_eq!((few.processes.len(), few.count, few.truncated.len()), (3, 600, 0));
    assert_eq!(ask(Some(300)).truncated.get("processes"), Some(&300));
}

#[test]
fn a_machine_without_proc_still_gets_a_message_that_names_each_failure() {
    let empty = Tree { dir: tempfile::tempdir().unwrap() };
    let (data, collection) = collect(&mut empty.collector(), 0);
    for name in ["cpu", "memory", "load_average", "uptime", "disk_usage", "disk_io", "host", "processes"] {
        let errors = errors_of(&collection, name);
        assert_eq!(errors.len(), 1, "{name}: {errors:?}");
        assert!(errors[0].contains("proc"), "{name} does not say which file: {errors:?}");
    }
    assert!(data.processes.is_empty());
}

#[test]
fn one_broken_file_costs_its_own_figures_only() {
    let tree = Tree::new();
    tree.file("proc/meminfo", b"\0\0garbage");
    tree.process(10, b"a", 'S', 1, 1);
    let (data, collection) = collect(&mut tree.collector(), 0);
    let errors = errors_of(&collection, "memory");
    assert!(errors.len() == 1 && errors[0].contains("MemTotal"), "{errors:?}");
    assert_eq!(
        (data.system.uptime_seconds > 0, data.processes.len(), data.system.host.hostname.as_str()),
        (true, 1, "recorded")
    );
}

#[test]
fn the_temperature_is_that_of_the_processors_own_sensor() {
    let tree = Tree::new();
    tree.file("sys/class/hwmon/hwmon0/name", b"nvme\n");
    tree.file("sys/class/hwmon/hwmon0/temp1_input", b"70000\n");
    tree.file("sys/class/hwmon/hwmon1/name", b"coretemp\n");
    tree.file("sys/class/hwmon/hwmon1/temp1_input", b"45500\n");
    let mut collector = tree.collector();
    assert_eq!(collect(&mut collector, 0).0.system.cpu.temperature, Some(45.5));
    fs::remove_dir_all(tree.dir.path().join("sys/class/hwmon/hwmon1")).unwrap();
    assert_eq!(collect(&mut collector, 30).0.system.cpu.temperature, None);
}

#[test]
fn a_process_that_execs_or_changes_its_user_is_told_anew() {
    let tree = Tree::new();
    tree.process(10, b"sh", 'S', 1, 1);
    tree.file("proc/10/cmdline", b"sh\0");
    let mut collector = tree.collector();
    assert_eq!(collect(&mut collector, 0).0.processes[0].cmd_line.as_deref(), Some("sh"));
    tree.process(10, b"sleep", 'S', 1, 1);
    tree.file("proc/10/cmdline", b"sleep\09\0");
    assert_eq!(collect(&mut collector, 30).0.processes[0].cmd_line.as_deref(), Some("sleep 9"));
}
