//! The whole look at made-up machines, whose ports are pseudo-terminals held by nobody.

use crate::diagnose::facts::PortState;
use crate::diagnose::{DiagnoseOptions, Report, run};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

fn put(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn diagnose(root: &Path, device: Option<&Path>) -> Report {
    run(&DiagnoseOptions::under(root.into(), device.map(Into::into)))
}

#[test]
fn an_empty_machine_is_not_usable_and_says_so_first() {
    let root = tempfile::tempdir().unwrap();
    let report = diagnose(root.path(), None);
    assert!(!report.usable());
    assert!(report.to_text().starts_with("NOT USABLE: This machine has no virtio-serial controller"));
}

#[test]
fn a_port_that_sysfs_knows_without_a_node_is_named() {
    let root = tempfile::tempdir().unwrap();
    put(root.path(), "sys/class/virtio-ports/vport1p1/name", "org.infinibay.agent\n");
    let report = diagnose(root.path(), None);
    assert_eq!(report.findings[0].code, "no_node");
}

#[test]
fn the_expected_paths_are_listed_in_order_with_what_is_there() {
    let root = tempfile::tempdir().unwrap();
    put(root.path(), "dev/vport0p1", "");
    fs::create_dir_all(root.path().join("dev/virtio-ports")).unwrap();
    symlink("../vport0p9", root.path().join("dev/virtio-ports/org.qemu.guest_agent.0")).unwrap();
    let report = diagnose(root.path(), None);
    let dev = root.path().join("dev");
    let shown: Vec<(String, &str)> = report
        .facts
        .expected_paths
        .iter()
        .map(|path| (path.path.strip_prefix(&dev).unwrap().display().to_string(), path.found.as_str()))
        .collect();
    assert_eq!(shown[0], ("virtio-ports/org.infinibay.agent".into(), "absent"));
    assert_eq!(shown[1].1, "link to ../vport0p9, which does not exist");
    assert!(shown[2].1.starts_with("not a device, "), "{shown:?}");
    assert_eq!(shown[3], ("vport*".into(), "absent"));
}

#[test]
fn debugfs_tells_whether_a_held_ports_host_is_connected() {
    let root = tempfile::tempdir().unwrap();
    put(root.path(), "dev/vport0p1", "");
    let node = root.path().canonicalize().unwrap().join("dev/vport0p1");
    put(root.path(), "sys/class/virtio-ports/vport0p1/name", "org.infinibay.agent\n");
    put(
        root.path(),
        "sys/kernel/debug/virtio-ports/vport0p1",
        "name: x\nguest_connected: 1\nhost_connected: 1\n",
    );
    put(root.path(), "proc/812/comm", "infiniservice\n");
    put(root.path(), "proc/812/status", "Uid:\t0\t0\t0\t0\n");
    symlink(std::env::current_exe().unwrap(), root.path().join("proc/812/exe")).unwrap();
    fs::create_dir(root.path().join("proc/812/fd")).unwrap();
    symlink(node, root.path().join("proc/812/fd/9")).unwrap();
    let report = diagnose(root.path(), None);
    assert!(report.usable(), "{}", report.to_text());
    assert_eq!(report.facts.ports[0].state, PortState::HeldByAgent);
    assert!(report.verdict.ends_with("held by the agent (pid 812), host connected."), "{}", report.verdict);
}

#[test]
fn a_configured_terminal_is_tried_and_nothing_else() {
    let root = tempfile::tempdir().unwrap();
    put(root.path(), "sys/class/virtio-ports/vport1p1/name", "org.infinibay.agent\n");
    let absent = root.path().join("agent");
    let report = diagnose(root.path(), Some(&absent));
    assert_eq!(report.findings[0].code, "configured_absent");
    let tried = report.facts.ports.iter().filter(|port| port.rank.is_some()).count();
    assert_eq!(tried, 1);
}

#[test]
fn the_unit_is_found_by_its_file_where_systemd_cannot_be_asked() {
    let root = tempfile::tempdir().unwrap();
    assert_eq!(diagnose(root.path(), None).facts.service.manager, None);
    fs::create_dir_all(root.path().join("run/systemd/system")).unwrap();
    assert!(!diagnose(root.path(), None).facts.service.installed);
    put(root.path(), "etc/systemd/system/infiniservice.service", "[Service]\n");
    assert!(diagnose(root.path(), None).facts.service.installed);
    put(root.path(), "etc/systemd/system/infiniservice-readonly.service", "[Service]\n");
    put(root.path(), "etc/systemd/system/multi-user.target.wants/infiniservice-readonly.service", "");
    assert_eq!(diagnose(root.path(), None).facts.service.unit, "infiniservice-readonly");
}
