//! What the transport of a machine promises, on made-up trees whose ports are pseudo-terminals.

use super::super::role::Search;
use super::super::{DeviceOptions, Port, ReadOutcome, Transport};
use super::SystemTransport;
use super::test_pty::Host;
use infiniservice_link::OpenFailure;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::timeout;

/// Simulated: the clock is paused, and moves only while nothing is ready.
const HOURS: Duration = Duration::from_hours(10);

fn tree() -> TempDir {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("dev")).unwrap();
    fs::create_dir_all(root.path().join("sys")).unwrap();
    root
}

fn transport(root: &Path, device_path: Option<PathBuf>) -> SystemTransport {
    searching(root, device_path, Search::Agent)
}

fn searching(root: &Path, device_path: Option<PathBuf>, search: Search) -> SystemTransport {
    let (dev, sys) = (root.join("dev"), root.join("sys"));
    SystemTransport::new(DeviceOptions { device_path, search, watch: true, dev, sys })
}

/// A host behind a link that udev would have made.
fn host_at(root: &Path, name: &str) -> Host {
    let links = root.join("dev/virtio-ports");
    fs::create_dir_all(&links).unwrap();
    Host::new().at(&links.join(name))
}

async fn is_quiet(transport: &mut SystemTransport) -> bool {
    timeout(HOURS, transport.changed()).await.is_err()
}

#[tokio::test]
async fn the_agents_own_port_is_opened_by_its_link() {
    let root = tree();
    let _other = host_at(root.path(), "org.qemu.guest_agent.0");
    let mut host = host_at(root.path(), "org.infinibay.agent");
    let mut port = transport(root.path(), None).open().unwrap();
    assert!(port.path().ends_with("dev/virtio-ports/org.infinibay.agent"));
    host.send(b"hello");
    let mut buffer = [0; 16];
    while !matches!(port.try_read(&mut buffer), ReadOutcome::Data(_)) {
        port.ready().await.unwrap();
    }
    assert_eq!(&buffer[..5], b"hello");
}

#[tokio::test]
async fn where_nothing_can_be_looked_at_that_is_told_and_not_taken_for_an_absence() {
    let root = tree();
    fs::remove_dir(root.path().join("dev")).unwrap();
    fs::write(root.path().join("dev"), "").unwrap();
    let OpenFailure::Other(text) = transport(root.path(), None).open().unwrap_err() else { panic!("absent") };
    assert!(text.contains("cannot look for devices"), "{text}");
}

#[tokio::test]
async fn a_device_that_cannot_be_used_is_passed_over_for_the_next() {
    let root = tree();
    let _host = host_at(root.path(), "org.qemu.guest_agent.1");
    fs::write(root.path().join("dev/virtio-ports/org.qemu.guest_agent.0"), "a file").unwrap();
    let port = searching(root.path(), None, Search::GuestAgent).open().unwrap();
    assert!(port.path().ends_with("org.qemu.guest_agent.1"));
}

#[tokio::test]
async fn an_empty_machine_and_a_foreign_channel_are_absent() {
    let root = tree();
    assert_eq!(transport(root.path(), None).open().unwrap_err(), OpenFailure::Absent);
    let _spice = host_at(root.path(), "com.redhat.spice.0");
    assert_eq!(transport(root.path(), None).open().unwrap_err(), OpenFailure::Absent);
}

#[tokio::test]
async fn a_guest_agents_port_is_left_to_its_own_protocol() {
    let root = tree();
    let _host = host_at(root.path(), "org.qemu.guest_agent.0");
    assert_eq!(transport(root.path(), None).open().unwrap_err(), OpenFailure::Absent);
    let mut own = searching(root.path(), None, Search::GuestAgent);
    let mut port = own.open().unwrap();
    let _agent = host_at(root.path(), "org.infinibay.agent");
    own.changed().await;
    assert!(matches!(port.try_read(&mut [0; 16]), ReadOutcome::WouldBlock), "it gives way to no other port");
}

#[tokio::test]
async fn a_configured_device_is_used_and_no_other() {
    let root = tree();
    let _host = host_at(root.path(), "org.infinibay.agent");
    let file = root.path().join("file");
    fs::write(&file, "").unwrap();
    let error = transport(root.path(), Some(file.clone())).open().unwrap_err();
    let OpenFailure::Other(text) = error else { panic!("{error:?}") };
    assert!(text.starts_with(&format!("{}: refused: a regular file", file.display())), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_port_that_comes_is_one_change_and_its_link_another_directory() {
    let root = tree();
    let mut transport = transport(root.path(), None);
    assert_eq!(transport.open().unwrap_err(), OpenFailure::Absent);
    for port in 1..50 {
        fs::write(root.path().join(format!("dev/vport0p{port}")), "").unwrap();
    }
    transport.changed().await;
    assert!(is_quiet(&mut transport).await);
    assert_eq!(transport.open().unwrap_err(), OpenFailure::Absent);
    transport.changed().await; // Their names had time to come.
    assert!(is_quiet(&mut transport).await);
    fs::create_dir(root.path().join("dev/virtio-ports")).unwrap();
    transport.changed().await;
    let _host = host_at(root.path(), "org.infinibay.agent");
    transport.changed().await;
    assert!(is_quiet(&mut transport).await);
    transport.open().unwrap();
}

#[tokio::test]
async fn a_substitute_gives_way_when_the_agents_own_port_comes() {
    let root = tree();
    let _other = host_at(root.path(), "org.qemu.guest_agent.0");
    let mut transport = searching(root.path(), None, Search::AgentOrGuestAgent);
    let mut port = transport.open().unwrap();
    assert!(port.path().ends_with("org.qemu.guest_agent.0"));
    let _own = host_at(root.path(), "org.infinibay.agent");
    transport.changed().await;
    while !port.ready().await.unwrap().readable {}
    assert!(matches!(port.try_read(&mut [0; 16]), ReadOutcome::Gone));
    assert!(transport.open().unwrap().path().ends_with("org.infinibay.agent"));
}

#[tokio::test(start_paused = true)]
async fn other_devices_are_no_change() {
    let root = tree();
    let mut transport = transport(root.path(), None);
    assert!(is_quiet(&mut transport).await);
    fs::write(root.path().join("dev/vda1"), "").unwrap();
    fs::write(root.path().join("dev/ttyS0"), "").unwrap();
    assert!(is_quiet(&mut transport).await);
}

#[tokio::test(start_paused = true)]
async fn a_change_of_permissions_is_a_change() {
    let root = tree();
    let node = root.path().join("dev/vport0p1");
    fs::write(&node, "").unwrap();
    let mut transport = transport(root.path(), None);
    assert!(is_quiet(&mut transport).await);
    fs::set_permissions(&node, std::os::unix::fs::PermissionsExt::from_mode(0o660)).unwrap();
    transport.changed().await;
}

#[tokio::test(start_paused = true)]
async fn a_configured_path_is_seen_when_its_directory_comes_and_when_its_link_is_replaced() {
    let root = tree();
    let link = root.path().join("run/agent/port");
    let mut transport = transport(root.path(), Some(link.clone()));
    assert_eq!(transport.open().unwrap_err(), OpenFailure::Absent);
    fs::create_dir_all(link.parent().unwrap()).unwrap();
    transport.changed().await;
    let first = Host::new().at(&link);
    transport.changed().await;
    transport.open().unwrap();
    drop(first);
    let _second = Host::new().at(&link);
    transport.changed().await;
    transport.open().unwrap();
}

#[tokio::test(start_paused = true)]
async fn nothing_is_told_where_monitoring_is_disabled() {
    let root = tree();
    let dev = root.path().join("dev");
    let options = DeviceOptions { dev, sys: root.path().join("sys"), ..DeviceOptions::new(None, false) };
    let mut transport = SystemTransport::new(options);
    assert_eq!(transport.open().unwrap_err(), OpenFailure::Absent);
    fs::write(root.path().join("dev/vport0p1"), "").unwrap();
    assert!(is_quiet(&mut transport).await);
}

#[tokio::test(start_paused = true)]
async fn a_change_begun_is_not_lost_when_waiting_for_it_is_cancelled() {
    let root = tree();
    let mut transport = transport(root.path(), None);
    assert!(is_quiet(&mut transport).await);
    fs::write(root.path().join("dev/vport0p1"), "").unwrap();
    assert!(timeout(Duration::from_millis(1), transport.changed()).await.is_err());
    transport.changed().await;
}
