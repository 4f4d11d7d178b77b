//! The read-only agent: an ordinary user in a sandbox sends figures and lists, and nothing else.

use super::{INSTALL, port};
use crate::support::{Undo, data, equal, metrics, processes, refused, with_host};
use crate::unsafe_command::raw;
use anyhow::{Context, Result, ensure};
use infinictl::client::Client;
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;
use infiniservice_protocol::data::ServiceInfo;
use infiniservice_protocol::metrics::SystemMetrics;
use infiniservice_protocol::{Action, ErrorCode, ServiceOperation};
use serde_json::json;

pub const SCENARIOS: &[Scenario] = &[
    ("install::read_only::serves_metrics_processes_and_services_and_refuses_the_rest", serves),
    ("install::units_are_as_hardened_as_the_documentation_says", scores),
];

const UNIT: &str = "infiniservice-readonly";

/// What `systemd-analyze security` may find open in it; the unit's comments give the reasons.
const OPEN: [&str; 12] = [
    "RootDirectory=/RootImage=",
    "PrivateDevices=",
    "ProtectHostname=",
    "RestrictAddressFamilies=~AF_NETLINK",
    "RestrictAddressFamilies=~AF_UNIX",
    "ProtectHome=",
    "ProtectProc=",
    "ProcSubset=",
    "PrivateNetwork=",
    "PrivateUsers=",
    "PrivateTmp=",
    "DeviceAllow=",
];

fn serves(guest: &Guest) -> Result<()> {
    let before = with_host(guest, |client| metrics(guest, client))?;
    let _undo = Undo::by(guest, "/mnt/payload/install-linux.sh --uninstall; ".to_owned() + INSTALL);
    guest.sh("/mnt/payload/install-linux.sh read-only lab-1")?;
    let state =
        guest.sh(&format!("systemctl is-active {UNIT} infiniservice; ps -o user= -C infiniservice"))?;
    equal("who runs", state.as_str(), "active\ninactive\ninfiniservice")?;
    equal("the port", port(guest)?.as_str(), "root:infiniservice 660")?;
    runs_and_writes_nothing(guest)?;
    with_host(guest, |client| {
        same_figures(&before, &metrics(guest, client)?)?;
        ensure!(processes(guest, client, None)?.iter().any(|process| process.pid == 1), "no process 1");
        let services: Vec<ServiceInfo> = data(guest, client, &Action::ServiceList { state: None })?;
        ensure!(services.iter().any(|service| service.name == "dbus.service"), "no dbus.service");
        later_mount(guest, client)?;
        refuses(guest, client)
    })
}

/// A mount namespace of its own hides nothing that comes later.
fn later_mount(guest: &Guest, client: &Client) -> Result<()> {
    let _undo = Undo::by(guest, "umount /srv/lab-late; rm -rf /srv/lab-late /var/tmp/lab-late.img");
    guest.sh("truncate -s 16M /var/tmp/lab-late.img && mkfs.ext4 -q /var/tmp/lab-late.img && mkdir -p /srv/lab-late && \
        mount -o loop /var/tmp/lab-late.img /srv/lab-late")?;
    let disks = metrics(guest, client)?.data.system.disk.usage_stats;
    ensure!(disks.iter().any(|disk| disk.mount_point == "/srv/lab-late"), "not seen: {disks:?}");
    Ok(())
}

/// In its view of the file systems nothing may be run but in the program's directory and in places that it cannot write to,
/// and what is mounted writable there has no place where its user may write.
fn runs_and_writes_nothing(guest: &Guest) -> Result<()> {
    let pid = guest.sh(&format!("systemctl show -p MainPID --value {UNIT}"))?;
    let told = guest.sh(&format!("cut -d' ' -f5,6 /proc/{pid}/mountinfo"))?;
    let mounts: Vec<(&str, Vec<&str>)> = told
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(place, options)| (place, options.split(',').collect()))
        .collect();
    let has = |options: &[&str], option| options.contains(&option);
    let may_run = mounts.iter().filter(|(_, options)| !has(options, "noexec") && !has(options, "ro"));
    equal("places to run from", may_run.map(|(place, _)| *place).collect(), vec!["/opt/infiniservice"])?;
    let mut writable: Vec<&str> =
        mounts.iter().filter(|(_, options)| has(options, "rw")).map(|(place, _)| *place).collect();
    // Files of a process belong to it there, whatever it is.
    writable.retain(|place| *place != "/proc");
    let user = "setpriv --reuid infiniservice --regid infiniservice --clear-groups";
    let found = guest.sh(&format!(
        "for place in {}; do {user} find $place -xdev \\( -type d -o -type f \\) -writable 2>/dev/null; done; true",
        writable.join(" ")
    ))?;
    // Mounted over in the sandbox.
    let hidden = ["/dev/shm", "/dev/mqueue", "/run/lock"];
    let open: Vec<_> = found.lines().filter(|place| !hidden.contains(place)).collect();
    ensure!(
        open.is_empty() && !writable.iter().any(|place| hidden.contains(place)),
        "{open:?} of {writable:?}"
    );
    Ok(())
}

/// What does not change by itself is seen from within the sandbox as from without.
fn same_figures(full: &SystemMetrics, own: &SystemMetrics) -> Result<()> {
    let mounts = |metrics: &SystemMetrics| {
        let disks = &metrics.data.system.disk;
        disks.usage_stats.iter().map(|disk| disk.mount_point.clone()).collect::<Vec<_>>()
    };
    equal("file systems", mounts(own), mounts(full))?;
    let interfaces = |metrics: &SystemMetrics| {
        let all = &metrics.data.system.network.interfaces;
        all.iter()
            .map(|interface| (interface.name.clone(), interface.ip_addresses.clone()))
            .collect::<Vec<_>>()
    };
    equal("interfaces", interfaces(own), interfaces(full))?;
    equal("memory", own.data.system.memory.total_kb, full.data.system.memory.total_kb)?;
    println!("parts of a collection that failed: {:?}", own.collection);
    Ok(())
}

fn refuses(guest: &Guest, client: &Client) -> Result<()> {
    let operation = ServiceOperation::Restart;
    for action in [
        Action::ServiceControl { service: "dbus".to_owned(), operation },
        Action::PackageInstall { package: "lab-plain".to_owned(), cascade: false },
        Action::PackageList { limit: None, filter: None },
    ] {
        refused(guest, client, &action, ErrorCode::ActionBlocked)?;
    }
    let response = raw(guest, client, &json!({"raw_command": "id"}))?;
    ensure!(!response.success && response.stdout.is_empty(), "{response:?}");
    Ok(())
}

/// Exposure as `systemd-analyze security` (systemd 252) reckons it, from 0 (none) to 10: what docs/install.md tells.
fn scores(guest: &Guest) -> Result<()> {
    for (unit, most) in [("infiniservice", 9.4), (UNIT, 1.5)] {
        let told = guest.sh(&format!("systemd-analyze security --no-pager {unit}.service | tail -n 1"))?;
        println!("{told}");
        let score = told.split_whitespace().find_map(|word| word.parse::<f64>().ok());
        ensure!(score.context(told.clone())? <= most, "{unit}: {told}, more than {most}");
    }
    let open = guest.sh(&format!(
        "LC_ALL=C.UTF-8 systemd-analyze security --no-pager {UNIT}.service | sed -n 's/^✗ *\\([^ ]*\\).*/\\1/p'"
    ))?;
    ensure!(open.contains("ProtectProc="), "not as expected: {open}");
    let more: Vec<_> = open.lines().filter(|name| !OPEN.contains(name)).collect();
    ensure!(more.is_empty(), "open besides: {more:?}");
    Ok(())
}
