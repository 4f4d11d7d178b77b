//! A successful response of each action.

use super::{process, scripts};
use infiniservice_protocol::action::{Action, LogPriority, ScanType};
use infiniservice_protocol::data::{
    Application, ApplicationInventoryData, AutochecksData, Check, CheckStatus, CleanedTarget,
    ConfigReloadData, DefenderScanData, DefenderStatusData, DiskCleanupData, FailedUpdate, FoundPackage,
    Health, JoinDomainData, LeftFiles, LogLine, PackageChange, PackageChangeData, PackageChangeState,
    PackageChangeStatusData, PackageInfo, PackageListData, PackageSearchData, PackageStep, PendingUpdate,
    PowerData, ProcessKillData, ProcessListData, RecentThreat, Remediation, SealData, SealStep, ServiceInfo,
    ServiceLogsData, Threat, TruncatedLines, UpdateCheckData, UpdateHistoryData, UpdateHistoryEntry,
    UpdateInstallData, UpdatedPackage, UserInfo, UserListData, WaitingSetting, WindowsUpdate,
    WindowsUpdateCheckData, WindowsUpdateInstallData, WindowsUpdateResult,
};
use infiniservice_protocol::{ActionName, GuestMessage, Response};
use serde_json::{Value, json};

/// One of each action, in the order of [`ActionName::ALL`].
pub fn responses() -> Vec<GuestMessage> {
    ActionName::ALL.into_iter().map(|action| response(action, data(action))).collect()
}

fn response(action: ActionName, data: Value) -> GuestMessage {
    let id = format!("cmd-{action}");
    GuestMessage::Response(Response { execution_time_ms: 12, ..Response::ok(id, action.name(), data) })
}

/// Sample data of each action.
pub fn data(action: ActionName) -> Value {
    let data = match action {
        ActionName::ServiceList => serde_json::to_value([service()]),
        ActionName::ServiceControl => serde_json::to_value(service()),
        ActionName::ServiceLogs => serde_json::to_value(service_logs()),
        ActionName::ProcessList => serde_json::to_value(ProcessListData {
            processes: vec![process()],
            count: 97,
            ..Default::default()
        }),
        ActionName::ProcessKill => serde_json::to_value(ProcessKillData {
            pid: 4711,
            name: "sleep".into(),
            signal: "SIGTERM".into(),
            exited: true,
        }),
        ActionName::UserList => serde_json::to_value(users()),
        ActionName::ScriptRun => serde_json::to_value(scripts::script()),
        ActionName::ScriptStatus => serde_json::to_value(scripts::script_status()),
        ActionName::ScriptRemove => serde_json::to_value(scripts::ended_script()),
        ActionName::PackageList => serde_json::to_value(package_list()),
        ActionName::PackageSearch => serde_json::to_value(package_search()),
        ActionName::PackageInstall | ActionName::PackageUpdate | ActionName::PackageRemove => {
            serde_json::to_value(package_change(action))
        }
        ActionName::PackageChangeStatus => serde_json::to_value(package_changes()),
        ActionName::UpdateCheck => serde_json::to_value(update_check()),
        ActionName::UpdateInstall => serde_json::to_value(update_install()),
        ActionName::UpdateHistory => serde_json::to_value(history()),
        ActionName::WindowsUpdateCheck => serde_json::to_value(windows_update_check()),
        ActionName::WindowsUpdateInstall => serde_json::to_value(windows_update_install()),
        ActionName::WindowsDefenderStatus => serde_json::to_value(defender_status()),
        ActionName::WindowsDefenderScan => serde_json::to_value(defender_scan()),
        ActionName::ApplicationInventory => serde_json::to_value(inventory()),
        ActionName::Autochecks => serde_json::to_value(autochecks()),
        ActionName::DiskCleanup => serde_json::to_value(cleanup()),
        ActionName::JoinDomain => serde_json::to_value(joined()),
        ActionName::ConfigReload => serde_json::to_value(config_reload()),
        ActionName::PrepareGoldenImage => serde_json::to_value(sealed()),
        ActionName::Shutdown | ActionName::Reboot => {
            serde_json::to_value(PowerData { action: action.to_string(), accepted: true })
        }
    };
    data.unwrap_or(json!("a sample that does not serialise"))
}

fn service() -> ServiceInfo {
    ServiceInfo {
        name: "ssh.service".into(),
        display_name: "OpenBSD Secure Shell server".into(),
        description: "OpenBSD Secure Shell server".into(),
        status: "running".into(),
        startup_type: "enabled".into(),
        pid: Some(612),
        can_start: false,
        can_stop: true,
        can_restart: true,
        ..ServiceInfo::default()
    }
}

fn service_logs() -> ServiceLogsData {
    let line = LogLine {
        time: "2026-11-23T06:00:02.345Z".into(),
        priority: Some(LogPriority::Err),
        identifier: Some("sshd".into()),
        pid: Some(612),
        message: "fatal: no hostkeys\n\tcaf\u{e9}".into(),
        cut: true,
    };
    let bare = LogLine { time: "2026-11-23T06:00:01.000Z".into(), message: "m".into(), ..LogLine::default() };
    let truncated = Some(TruncatedLines { lines: 3 });
    ServiceLogsData { service: "ssh.service".into(), lines: vec![line, bare], truncated }
}

fn users() -> UserListData {
    let ada = UserInfo {
        name: "ada".into(),
        uid: Some(1000),
        full_name: "Ada Lovelace".into(),
        is_admin: true,
        is_active: Some(true),
        ..UserInfo::default()
    };
    let operator = UserInfo {
        name: "Operator".into(),
        sid: Some("S-1-5-21-1004336348-1177238915-682003330-1001".into()),
        ..UserInfo::default()
    };
    UserListData { users: vec![ada, operator], count: 2, ..Default::default() }
}

fn config_reload() -> ConfigReloadData {
    let waiting = WaitingSetting {
        setting: "device_path".into(),
        reason: "the agent looks for its port when it starts".into(),
    };
    ConfigReloadData { applied: vec!["max_processes".into(), "vm_id".into()], waiting: vec![waiting] }
}

fn sealed() -> SealData {
    let step = |name: &str, message: &str| SealStep { name: name.into(), ok: true, message: message.into() };
    let steps =
        vec![step("machine_id", "/etc/machine-id is empty"), step("dhcp_leases", "nothing to remove")];
    SealData { steps, power_off_in_secs: Some(5) }
}

fn joined() -> JoinDomainData {
    let (domain, computer_name) = ("lab.example".into(), "WEB-1".into());
    JoinDomainData { domain, computer_name, reboot_required: true, restart_scheduled: true }
}

fn history() -> UpdateHistoryData {
    let entry = UpdateHistoryEntry {
        time: "2026-11-30T03:31:40".into(),
        operation: "upgrade".into(),
        title: "curl:amd64 7.88.1-11".into(),
        package: Some("curl:amd64".into()),
        version_before: Some("7.88.1-10".into()),
        version_after: Some("7.88.1-11".into()),
        result: "Succeeded".into(),
        ..Default::default()
    };
    UpdateHistoryData { updates: vec![entry], count: 1, source: "dpkg".into(), ..Default::default() }
}

fn package_list() -> PackageListData {
    let package = PackageInfo {
        name: "vim".into(),
        version: "2:9.0.1378-2".into(),
        architecture: Some("amd64".into()),
        description: "Vi IMproved - enhanced vi editor".into(),
        size_kb: Some(3_738),
        source: "apt".into(),
        installed: true,
        state: None,
    };
    PackageListData { packages: vec![package], manager: "apt".into(), count: 312, ..Default::default() }
}

fn package_search() -> PackageSearchData {
    let nano = FoundPackage {
        name: "nano".into(),
        version: "7.2-1+deb12u1".into(),
        description: "small, friendly text editor inspired by Pico".into(),
        installed: true,
        version_installed: Some("7.2-1".into()),
        source: "apt".into(),
        ..FoundPackage::default()
    };
    PackageSearchData { packages: vec![nano], manager: "apt".into(), count: 7, ..Default::default() }
}

fn package_change(action: ActionName) -> PackageChangeData {
    let version = || Some("2:9.0.1378-2".to_owned());
    let step = || PackageStep {
        package: "vim".into(),
        architecture: Some("amd64".into()),
        version_before: version().filter(|_| action != ActionName::PackageInstall),
        version_after: version().filter(|_| action != ActionName::PackageRemove),
        replaced_by: None,
    };
    PackageChangeData {
        package: "vim".into(),
        manager: "apt".into(),
        version_before: version().filter(|_| action != ActionName::PackageInstall),
        version_after: version().filter(|_| action != ActionName::PackageRemove),
        changed: action != ActionName::PackageUpdate,
        removed: Some(step()).filter(|_| action == ActionName::PackageRemove).into_iter().collect(),
        installed: Some(step()).filter(|_| action == ActionName::PackageInstall).into_iter().collect(),
        ..PackageChangeData::default()
    }
}

fn package_changes() -> PackageChangeStatusData {
    let running = PackageChange {
        id: "cmd-12".into(),
        command_type: "UpdateInstall".into(),
        started_at: "2026-11-23T05:00:00.000Z".into(),
        seconds: 130,
        outlived_timeout: true,
        ..PackageChange::default()
    };
    let ended = PackageChange {
        id: "cmd-11".into(),
        command_type: "PackageInstall".into(),
        package: Some("vim".into()),
        state: PackageChangeState::Failed,
        started_at: "2026-11-23T04:58:00.000Z".into(),
        seconds: 4,
        error_code: Some("NOT_FOUND".into()),
        error: Some("apt knows no package vim".into()),
        exit_code: Some(100),
        result: Some(json!({})),
        outlived_timeout: false,
    };
    PackageChangeStatusData { running: true, changes: vec![running, ended] }
}

fn update_check() -> UpdateCheckData {
    let update = PendingUpdate {
        package: "openssl".into(),
        version_installed: Some("3.0.15-1~deb12u1".into()),
        version_available: "3.0.17-1~deb12u3".into(),
        architecture: Some("amd64".into()),
        source: "bookworm-security".into(),
        is_security_update: true,
        blocked_by: Some("held".into()),
    };
    UpdateCheckData {
        pending_updates: vec![update],
        pending_count: 1,
        security_count: 1,
        blocked_count: 1,
        unreadable: 0,
        manager: "apt".into(),
        last_check: Some("2026-11-23T05:00:00.000Z".into()),
        refresh_error: None,
        reboot_required: false,
        reboot_unknown: Some("/proc/stat has no `btime` line".into()),
    }
}

fn update_install() -> UpdateInstallData {
    let updated = UpdatedPackage {
        package: "openssl".into(),
        version_before: Some("3.0.15-1~deb12u1".into()),
        version_after: "3.0.17-1~deb12u3".into(),
    };
    let failed = FailedUpdate { package: "grub-pc".into(), error: "its postinst script failed".into() };
    UpdateInstallData {
        manager: "apt".into(),
        installed: vec![updated],
        failed: vec![failed],
        changed: true,
        reboot_required: true,
        ..UpdateInstallData::default()
    }
}

fn windows_update_check() -> WindowsUpdateCheckData {
    let update = WindowsUpdate {
        title: "2026-11 Cumulative Update for Windows 11".into(),
        kb_article: "KB5034441".into(),
        severity: "Critical".into(),
        importance: "Important".into(),
        description: "Install this update to resolve issues in Windows.".into(),
        size_mb: 712.4,
        is_security_update: true,
    };
    WindowsUpdateCheckData {
        pending_updates: vec![update],
        pending_count: 1,
        critical_count: 1,
        security_count: 1,
        last_check: Some("2026-11-23T04:12:00.000Z".into()),
        last_install: None,
        reboot_required: false,
    }
}

fn windows_update_install() -> WindowsUpdateInstallData {
    let result = |kb: &str, error: Option<&str>| WindowsUpdateResult {
        title: format!("Update {kb}"),
        kb_article: kb.into(),
        error: error.map(str::to_owned),
    };
    WindowsUpdateInstallData {
        installed: vec![result("KB5034441", None)],
        failed: vec![result("KB5034442", Some("0x80240022: all updates failed"))],
        reboot_required: true,
    }
}

fn defender_status() -> DefenderStatusData {
    DefenderStatusData {
        enabled: true,
        running_mode: "Normal".into(),
        real_time_protection: true,
        antivirus_enabled: true,
        antispyware_enabled: true,
        signature_version: "1.421.7.0".into(),
        signature_last_updated: Some("2026-11-23T01:00:00.000Z".into()),
        signature_age_days: Some(0),
        engine_version: "1.1.24090.11".into(),
        last_quick_scan: Some("2026-11-22T12:00:00.000Z".into()),
        last_full_scan: None,
        recent_threats: Some(vec![RecentThreat {
            name: "Virus:DOS/EICAR_Test_File".into(),
            status: "quarantined".into(),
            severity_id: Some(5),
            detection_time: Some("2026-11-20T08:45:12.000Z".into()),
        }]),
    }
}

fn defender_scan() -> DefenderScanData {
    let threat = Threat {
        name: "Virus:DOS/EICAR_Test_File".into(),
        severity: "Severe".into(),
        action: "Quarantined".into(),
    };
    DefenderScanData {
        scan_type: ScanType::Quick,
        threats_found: 1,
        threats: vec![threat],
        scan_duration_secs: 214,
    }
}

fn inventory() -> ApplicationInventoryData {
    let application = Application {
        name: "Firefox".into(),
        version: "140.4.0esr".into(),
        publisher: Some("Mozilla".into()),
        install_date: Some("2026-10-02".into()),
        install_location: Some("/usr/lib/firefox-esr".into()),
        size_mb: Some(241.7),
        source: "dpkg".into(),
        architecture: None,
        state: Some("half-configured".into()),
    };
    ApplicationInventoryData { applications: vec![application], count: 1, ..Default::default() }
}

fn autochecks() -> AutochecksData {
    let command = Action::DiskCleanup {
        targets: Some(vec!["package_cache".into()]),
        older_than_days: None,
        dry_run: false,
    };
    let disk = Check {
        name: "disk_space".into(),
        status: CheckStatus::Warning,
        message: "/ is 87 % full.".into(),
        details: [("mount_point".into(), json!("/")), ("used_percent".into(), json!(87))]
            .into_iter()
            .collect(),
        remediation: Some(Remediation {
            description: "Remove cached packages.".into(),
            command: Some(command),
        }),
    };
    let skipped = Check {
        name: "time_sync".into(),
        message: "timedated did not answer within 5 s.".into(),
        ..Check::default()
    };
    AutochecksData { overall_health: Health::Warning, score: 85, checks: vec![disk, skipped] }
}

fn cleanup() -> DiskCleanupData {
    let target = CleanedTarget {
        name: "temp".into(),
        files_deleted: 12,
        space_cleared_mb: 3.25,
        errors: vec!["/tmp/in-use: held open".into()],
        left: vec![LeftFiles { reason: "in_use".into(), count: 2, example: "/tmp/session".into() }],
    };
    DiskCleanupData { targets: vec![target], files_deleted: 12, space_cleared_mb: 3.25, dry_run: true }
}
