//! What is fuzzed of the collector: the kernel's text files and records, in which names are of anybody's choosing.

use super::disk::traffic;
use super::network::{netlink as records, route};
use super::ports::{Protocol, diag, owners};
use super::{cpu, host, memory, pressure, process, temperature};
use infiniservice_platform::linux::{accounts, mounts, text};
use std::time::Duration;

const MAX_BYTES: usize = 64;

/// `/proc`, `/sys`, passwd(5) and fstab(5): whatever is in them, figures are finite and texts are short and harmless.
pub fn proc(bytes: &[u8]) {
    processes(bytes);
    machine(bytes);
    disks(bytes);
    let mut sockets = Vec::new();
    diag::proc_net_sockets(bytes, Protocol::Tcp, &mut sockets);
    let _ = owners::socket_inode(bytes);
    harmless(accounts::Names::parse(bytes).name(0).unwrap_or_default());
    harmless(&text::printable(bytes, MAX_BYTES));
    assert!(text::unescape_octal(bytes).len() <= bytes.len());
}

fn processes(bytes: &[u8]) {
    if let Ok(record) = process::parse_stat(bytes) {
        assert!(i32::try_from(record.pid).is_ok() && i32::try_from(record.threads).is_ok());
        assert!(!record.name.text().contains(char::is_control));
        assert!(!process::status(record.state).is_empty());
    }
    let _ = (process::user_id(bytes), process::storage_bytes(bytes));
    let shown = [process::command_line(bytes, MAX_BYTES), process::executable(bytes, MAX_BYTES)];
    for text in shown.iter().flatten() {
        harmless(text);
    }
}

fn machine(bytes: &[u8]) {
    let _ = (memory::parse(bytes), memory::oom_kills(bytes), host::uptime(bytes));
    if let Ok(load) = host::load_average(bytes) {
        assert!([load.load_1min, load.load_5min, load.load_15min].iter().all(|load| load.is_finite()));
    }
    if let Ok(stalls) = pressure::parse(bytes) {
        assert!((0.0..=100.0).contains(&stalls.some.avg60));
    }
    if let Some(degrees) = temperature::parse(bytes) {
        assert!(degrees.is_finite());
    }
    if let Ok(sample) = cpu::parse(bytes) {
        for usage in [sample.usage_since(&cpu::Sample::default()), sample.usage_since(&sample)] {
            assert!(usage.cores.iter().chain([&usage.all]).all(|percent| (0.0..=100.0).contains(percent)));
        }
    }
}

fn disks(bytes: &[u8]) {
    for mount in mounts::file_systems(mounts::read(bytes).unwrap_or_default().mounts) {
        let told = mount.mount_point_text() + &mount.source_text();
        assert!(!told.contains(char::is_control), "{told:?}");
        let _ = (mount.may_hang(), mount.has_own_device_id());
    }
    let devices = traffic::counted(traffic::parse(bytes).devices, &None);
    let figures = traffic::figures(&devices, Some((&devices, Duration::from_secs(1))));
    assert!(traffic::each(&devices).0.iter().all(|device| !device.name.contains(char::is_control)));
    assert!(figures.read_bytes_per_sec.is_finite() && figures.io_utilization_percent.is_finite());
}

fn harmless(text: &str) {
    assert!(text.len() <= MAX_BYTES.max(256) && !text.contains(char::is_control), "{text:?}");
}

/// rtnetlink(7) and `sock_diag(7)`: torn and lying records end the reading and nothing else.
pub fn netlink(bytes: &[u8]) {
    let payloads = records::messages(bytes).map(|message| message.payload).chain([bytes]);
    for payload in payloads {
        let _ = (route::link(payload), route::address(payload), route::route(payload));
        let _ = diag::socket(payload, Protocol::Udp);
        assert!(records::attributes(payload).map(|(_, value)| value.len()).sum::<usize>() <= payload.len());
    }
}
