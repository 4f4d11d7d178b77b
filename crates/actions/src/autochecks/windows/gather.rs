//! Gathers the facts of Windows' checks.

use super::security::{self, PROFILES, Profile};
use super::{event_log, services, updates};
use crate::autochecks::checks::memory;
use crate::autochecks::file_systems::{self, FileSystem, FileSystems};
use crate::autochecks::finding::{Assessed, Finding, Skip};
use crate::autochecks::runner::Spec;
use crate::autochecks::thresholds::{Thresholds, one_decimal};
use crate::autochecks::{Machine, configuration, machine};
use crate::{cleanup, windows_update};
use infiniservice_collector::disk::Space;
use infiniservice_collector::{CpuMeter, drive_space, local_drives, machine_memory};
use infiniservice_platform::linux::mounts::Mount;
use infiniservice_platform::win32::event_log_unsafe::events;
use infiniservice_platform::win32::hresult::{explain, win32};
use infiniservice_protocol::Action;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use windows_registry::LOCAL_MACHINE;

const SHORT: Duration = Duration::from_secs(20);
const LONG: Duration = Duration::from_secs(60);
/// Busy for this share of a second. Others see it only when it lasts; a moment's load is no fault.
const CPU: Thresholds = Thresholds::new(90.0, 101.0);
const CPU_SAMPLE: Duration = Duration::from_secs(2);
const CONTROL: &str = r"SYSTEM\CurrentControlSet\Control";
const CURRENT_VERSION: &str = r"SOFTWARE\Microsoft\Windows\CurrentVersion";

/// All of them, in the order in which they are told.
pub const ALL: [Spec; 12] = [
    Spec { name: "disk_space", limit: SHORT, run: |machine| Box::pin(disk_space(machine)) },
    Spec { name: "failed_services", limit: SHORT, run: |machine| Box::pin(failed_services(machine)) },
    Spec { name: "pending_updates", limit: LONG, run: |machine| Box::pin(pending_updates(machine)) },
    Spec { name: "security_updates", limit: LONG, run: |machine| Box::pin(security_updates(machine)) },
    Spec { name: "defender", limit: LONG, run: |machine| Box::pin(defender_status(machine)) },
    Spec { name: "firewall", limit: SHORT, run: |_| Box::pin(firewall_profiles()) },
    Spec { name: "event_log_errors", limit: LONG, run: |_| Box::pin(event_log_errors()) },
    Spec { name: "reboot_required", limit: SHORT, run: |machine| Box::pin(reboot_required(machine)) },
    Spec { name: "memory", limit: SHORT, run: |machine| Box::pin(memory_left(machine)) },
    Spec { name: "cpu_load", limit: SHORT, run: |machine| Box::pin(cpu_load(machine)) },
    Spec { name: "time_sync", limit: SHORT, run: |machine| Box::pin(time_sync(machine)) },
    Spec { name: configuration::NAME, limit: SHORT, run: |_| Box::pin(configuration::run()) },
];

async fn disk_space(machine: Arc<Machine>) -> Assessed {
    let systems = machine::run_blocking("drives", drives).await?;
    let levels = file_systems::LEVELS.or_asked(machine.asked);
    let (finding, fullest) = systems.assess("space", levels, |system| Some(system.used_percent()))?;
    let figures = |system: &FileSystem| {
        Some(json!({
            "mount_point": system.mount_point,
            "filesystem": system.kind,
            "total_gb": system.gigabytes(system.space.blocks),
            "available_gb": system.gigabytes(system.space.available),
            "used_percent": system.used_percent(),
        }))
    };
    let finding = finding.with_details(file_systems::details(&systems, levels, figures));
    let Some(fullest) = fullest else { return Ok(finding) };
    if fullest.mount_point == cleanup::system_drive().to_string_lossy() {
        let command = Action::DiskCleanup { targets: None, older_than_days: None, dry_run: false };
        return Ok(finding.remedy("Remove unneeded files.", Some(command)));
    }
    Ok(finding.advise(format!("Free space on {}, or enlarge it.", fullest.mount_point)))
}

fn drives() -> FileSystems {
    let mut found = FileSystems::default();
    for (root, kind) in local_drives() {
        match drive_space(&root) {
            Ok(space) if space.blocks > 0 => {
                found.list.push(FileSystem { mount_point: root, device: String::new(), kind, space });
            }
            Ok(_) => {}
            Err(_) => found.silent.push(root),
        }
    }
    found
}

async fn failed_services(machine: Arc<Machine>) -> Assessed {
    let services = machine.services.list().await.map_err(|error| Skip(error.error))?;
    Ok(services::assess_services(&services))
}

async fn time_sync(machine: Arc<Machine>) -> Assessed {
    let services = machine.services.list().await.map_err(|error| Skip(error.error))?;
    services::assess_time(&services)
}

async fn pending_updates(machine: Arc<Machine>) -> Assessed {
    let known = windows_update::known(&machine.cancellation).await.map_err(|error| Skip(error.error))?;
    Ok(updates::assess_pending(&known))
}

async fn security_updates(machine: Arc<Machine>) -> Assessed {
    let known = windows_update::known(&machine.cancellation).await.map_err(|error| Skip(error.error))?;
    Ok(updates::assess_security(&known))
}

async fn defender_status(machine: Arc<Machine>) -> Assessed {
    let status = crate::defender::status(&machine.cancellation).await.map_err(|error| Skip(error.error))?;
    Ok(security::assess_defender(&status))
}

async fn firewall_profiles() -> Assessed {
    security::assess_firewall(&machine::run_blocking("firewall", profiles).await?)
}

fn profiles() -> Vec<Profile> {
    let flag = |path: String| {
        LOCAL_MACHINE.open(path).and_then(|key| key.get_u32("EnableFirewall")).ok().map(|value| value != 0)
    };
    let below = r"SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy";
    let profile = |(key, name): (&str, &'static str)| Profile {
        name,
        by_policy: flag(format!(r"SOFTWARE\Policies\Microsoft\WindowsFirewall\{key}")),
        by_machine: flag(format!(r"{below}\{key}")),
    };
    PROFILES.into_iter().map(profile).collect()
}

async fn event_log_errors() -> Assessed {
    let asked =
        machine::run_blocking("event log", || events("System", event_log::QUERY, event_log::read)).await?;
    let (events, more) = asked
        .map_err(|error| Skip(format!("the System event log cannot be read: {}", explain(error.code().0))))?;
    Ok(event_log::assess(&events, more))
}

async fn reboot_required(machine: Arc<Machine>) -> Assessed {
    let mut signs = machine::run_blocking("registry", signs).await?;
    match windows_update::is_reboot_required(&machine.cancellation).await {
        Ok(required) => signs.update |= required,
        Err(_) => signs.unread.push("the update agent"),
    }
    Ok(updates::assess_reboot(&signs))
}

fn signs() -> updates::Signs {
    let mut unread = Vec::new();
    let mut sign = |name: &'static str, found: windows_registry::Result<bool>| {
        found.unwrap_or_else(|_| {
            unread.push(name);
            false
        })
    };
    let renames = LOCAL_MACHINE
        .open(format!(r"{CONTROL}\Session Manager"))
        .and_then(|key| key.get_multi_string("PendingFileRenameOperations"));
    updates::Signs {
        servicing: sign("components of Windows", exists(r"Component Based Servicing\RebootPending")),
        update: sign("Windows Update", exists(r"WindowsUpdate\Auto Update\RebootRequired")),
        new_name: sign("the computer's name", has_new_name()),
        file_renames: renames.map_or(0, |files| files.len().div_ceil(2)),
        unread,
    }
}

fn exists(below: &str) -> windows_registry::Result<bool> {
    match LOCAL_MACHINE.open(format!(r"{CURRENT_VERSION}\{below}")) {
        Err(error) if is_absent(&error) => Ok(false),
        opened => opened.map(|_| true),
    }
}

fn has_new_name() -> windows_registry::Result<bool> {
    let name = |key: &str| {
        let key = LOCAL_MACHINE.open(format!(r"{CONTROL}\ComputerName\{key}"))?;
        key.get_string("ComputerName")
    };
    Ok(!name("ComputerName")?.eq_ignore_ascii_case(&name("ActiveComputerName")?))
}

/// `ERROR_FILE_NOT_FOUND` and `ERROR_PATH_NOT_FOUND`: there is no such key, which is an answer.
fn is_absent(error: &windows::core::Error) -> bool {
    matches!(win32(error.code().0), 2 | 3)
}

async fn memory_left(machine: Arc<Machine>) -> Assessed {
    let figures =
        machine::run_blocking("memory", machine_memory).await?.map_err(|error| Skip(error.to_string()))?;
    Ok(memory::assess_memory(&figures, memory::MEMORY.or_asked(machine.asked)))
}

/// Over two seconds; what is busy for longer shows in the metrics.
async fn cpu_load(machine: Arc<Machine>) -> Assessed {
    let mut meter = CpuMeter::default();
    meter.sample().map_err(|error| Skip(error.to_string()))?;
    let late = |error: infiniservice_exec::CommandError| Skip(error.error);
    machine.cancellation.run_until_cancelled(tokio::time::sleep(CPU_SAMPLE)).await.map_err(late)?;
    let used = one_decimal(meter.sample().map_err(|error| Skip(error.to_string()))?);
    let levels = CPU.or_asked(machine.asked);
    let details = json!({
        "used_percent": used,
        "sampled_ms": CPU_SAMPLE.as_millis() as u64,
        "warning_percent": levels.warning,
        "critical_percent": levels.critical,
    });
    Ok(Finding::new(levels.judge(used), format!("The processors were busy for {used} % of two seconds."))
        .with_details(details)
        .advise(
            "Find out which processes are the busiest, and end or restart them, or give the machine \
            more processors.",
        ))
}

/// Always an error: Windows has no mount points.
pub fn space(_mount: &Mount) -> std::io::Result<Option<Space>> {
    Err(std::io::ErrorKind::Unsupported.into())
}

/// Not looked for here.
pub async fn largest(_: &Machine, _place: &str) -> Option<Value> {
    None
}

/// Not tried here.
pub async fn would_free(_: &Machine, _targets: &[String]) -> Option<BTreeMap<String, f64>> {
    None
}
