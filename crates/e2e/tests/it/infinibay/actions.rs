//! Sections 7, 8 and 10: each action, bare and with its parameters, by the fields that the host reads.

use super::host::Host;
use anyhow::{Context, Result, ensure};
use infiniservice_e2e::Running;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

fn started(more: &str) -> Result<Host> {
    let mut host = Host::start(more)?;
    host.next("metrics")?;
    Ok(host)
}

fn success(answer: &Value) -> Result<&Value> {
    ensure!(answer["success"] == true, "{answer}");
    ensure!(answer["stdout"].as_str().is_some_and(|text| !text.is_empty()), "no summary: {answer}");
    Ok(&answer["data"])
}

fn fields(item: &Value, names: &[&str]) -> Result<()> {
    for name in names {
        ensure!(item.get(*name).is_some_and(|value| !value.is_null()), "{name} of {item}");
    }
    Ok(())
}

fn first<'a>(data: &'a Value, list: &str) -> Result<&'a Value> {
    data[list].get(0).with_context(|| format!("{list} is empty: {data}"))
}

fn unsupported(host: &mut Host, actions: &[&str]) -> Result<()> {
    for action in actions {
        let answer = host.ask(action, json!({}), 30)?;
        ensure!(answer["success"] == false && answer["error_code"] == "UNSUPPORTED", "{answer}");
    }
    Ok(())
}

/// A process that is always at work.
fn busy() -> Result<Running> {
    Ok(Running(std::process::Command::new("/bin/sh").args(["-c", "while :; do :; done"]).spawn()?))
}

#[test]
fn processes_are_listed_and_ended() -> Result<()> {
    let mut host = started("")?;
    for (action, most) in [("ProcessList", 2000), ("ProcessTop", 10)] {
        let answer = host.ask(action, json!({"limit": 0, "sort_by": null}), 30)?;
        let data = success(&answer)?;
        let count = data["processes"].as_array().context("a list")?.len();
        ensure!((1..=most).contains(&count) && data["count"] == count, "{count}, told {}", data["count"]);
        fields(
            first(data, "processes")?,
            &["pid", "name", "cpu_usage", "memory_kb", "status", "start_time"],
        )?;
    }
    let _busy = busy()?;
    loop {
        let answer = host.ask("ProcessTop", json!({}), 30)?;
        let busiest = &first(success(&answer)?, "processes")?["cpu_usage"];
        if busiest.as_f64() > Some(0.0) {
            break;
        }
    }
    let answer = host.ask("ProcessList", json!({"limit": 3}), 30)?;
    ensure!(success(&answer)?["processes"].as_array().is_some_and(|list| list.len() == 3));
    for pid in [1, host.agent.pid()] {
        let answer = host.ask("ProcessKill", json!({"pid": pid, "force": true}), 30)?;
        ensure!(answer["success"] == false, "{answer}");
    }
    Ok(())
}

#[test]
fn the_machine_is_described_and_asking_brings_fresh_metrics() -> Result<()> {
    let mut host = started("collection_interval_secs = 3600\ndegraded_interval_secs = 3600\n")?;
    let answer = host.ask("SystemInfo", json!({}), 30)?;
    fields(
        success(&answer)?,
        &["hostname", "os", "os_version", "kernel", "arch", "cpu_count", "total_memory_kb", "uptime_seconds"],
    )?;
    host.next("metrics")?;
    let answer = host.ask("OsInfo", json!({}), 30)?;
    fields(success(&answer)?, &["name", "version", "platform", "kernel", "arch", "hostname"])
}

#[test]
fn disks_are_told_with_their_sizes() -> Result<()> {
    let mut host = started("")?;
    let answer = host.ask("CheckDiskSpace", json!({}), 60)?;
    let data = success(&answer)?;
    for drive in data["drives"].as_array().context("drives")? {
        fields(
            drive,
            &[
                "drive",
                "drive_letter",
                "label",
                "total_gb",
                "used_gb",
                "free_gb",
                "available_gb",
                "used_percent",
            ],
        )?;
        ensure!(drive["total_gb"].as_f64() > Some(0.0), "{drive}");
    }
    for disk in data["disks"].as_array().context("disks")? {
        fields(disk, &["mount_point", "total_gb", "used_gb", "available_gb", "usage_percent"])?;
    }
    Ok(())
}

#[test]
fn health_is_told_by_one_key_a_check_and_nothing_else_at_the_top() -> Result<()> {
    let mut host = started("")?;
    let answer = host.ask("RunAllHealthChecks", json!({}), 300)?;
    let data = success(&answer)?.as_object().context("an object")?;
    ensure!(
        ["Healthy", "Warning", "Critical"].contains(&data["overall_health"].as_str().unwrap_or_default())
    );
    let checks = data["checks"].as_array().context("checks")?;
    ensure!(data.len() == checks.len() + 2, "{:?}", data.keys().collect::<Vec<_>>());
    for check in checks {
        fields(check, &["name", "status", "details"])?;
        let told = &data[check["name"].as_str().unwrap_or_default()];
        fields(told, &["status", "message", "details"])?;
        ensure!(
            ["passed", "warning", "failed", "skipped"].contains(&told["status"].as_str().unwrap_or_default())
        );
    }
    for (name, known) in [
        ("memory_usage", true),
        ("cpu_usage", true),
        ("disk_space", true),
        ("resource_optimization", true),
        ("firewall_status", false),
        ("bogus", false),
    ] {
        for action in ["RunHealthCheck", "ValidateSystemHealth"] {
            let answer = host.ask(action, json!({"check_name": name}), 60)?;
            if !known {
                ensure!(answer["error_code"] == "UNSUPPORTED", "{answer}");
                continue;
            }
            let data = success(&answer)?;
            fields(data, &["status", "message", "details"])?;
            ensure!(
                ["passed", "warning", "failed"].contains(&data["status"].as_str().unwrap_or_default()),
                "{data}"
            );
            ensure!(data.as_object().is_some_and(|data| data.len() == 3), "{data}");
        }
    }
    let answer = host.ask("RunHealthCheck", json!({}), 300)?;
    ensure!(success(&answer)?["message"].as_str().is_some_and(|text| text.contains("all")), "{answer}");
    let answer = host.ask("CheckResourceOptimization", json!({}), 240)?;
    let data = success(&answer)?;
    ensure!(["optimal", "suboptimal"].contains(&data["status"].as_str().unwrap_or_default()), "{data}");
    ensure!(data["recommendations"].is_array() && data["reasons"].is_array(), "{data}");
    ensure!(data.get("ioWaitPercent").is_none_or(Value::is_number), "{data}");
    fields(first(data, "processes")?, &["name", "pid", "cpuPercent", "memoryKB"])
}

#[test]
fn a_bare_clean_up_means_temporary_files_and_no_other_drive_is_touched() -> Result<()> {
    let mut host = started("")?;
    for (parameters, targets) in [
        (json!({"dry_run": true}), vec!["temp"]),
        (json!({"dry_run": true, "targets": [], "drive": null}), vec!["temp"]),
        (
            json!({"dry_run": true, "targets": ["recycle_bin", "browser_cache"]}),
            vec!["trash", "browser_cache"],
        ),
    ] {
        let answer = host.ask("DiskCleanup", parameters, 300)?;
        let data = success(&answer)?;
        fields(data, &["space_cleared_mb", "files_deleted"])?;
        let names: Vec<_> = data["targets"]
            .as_array()
            .context("targets")?
            .iter()
            .filter_map(|target| target["name"].as_str())
            .collect();
        ensure!(names == targets, "{data}");
    }
    let answer = host.ask("DiskCleanup", json!({"dry_run": true, "drive": "D:"}), 300)?;
    ensure!(answer["error_code"] == "UNSUPPORTED", "{answer}");
    let answer = host.ask("DiskCleanup", json!({"targets": ["everything"]}), 300)?;
    ensure!(answer["error_code"] == "INVALID_PARAMETER", "{answer}");
    Ok(())
}

#[test]
fn packages_and_applications_are_told() -> Result<()> {
    let mut host = started("")?;
    let answer = host.ask("PackageInstall", json!({"package": "x; reboot"}), 60)?;
    ensure!(answer["error_code"] == "INVALID_PARAMETER", "{answer}");
    if !Path::new("/var/lib/dpkg/status").exists() {
        return Ok(());
    }
    let answer = host.ask("PackageList", json!({}), 45)?;
    fields(
        first(success(&answer)?, "packages")?,
        &["name", "version", "description", "installed", "source"],
    )?;
    // Without fetched lists it is a failure, and no empty list.
    let answer = host.ask("PackageSearch", json!({"query": "bash"}), 45)?;
    if answer["success"] == true {
        let data = success(&answer)?;
        ensure!(data["packages"].as_array().is_some_and(|list| list.len() <= 200), "{data}");
        let bash = first(data, "packages")?;
        fields(bash, &["name", "version", "description", "installed", "source", "publisher"])?;
        ensure!(bash["name"] == "bash" && data["count"].is_u64(), "{data}");
    } else {
        ensure!(
            answer["error"].as_str().is_some_and(|why| why.contains("no repository metadata")),
            "{answer}"
        );
    }
    let answer = host.ask("PackageSearch", json!({"query": "a\u{7}"}), 45)?;
    ensure!(answer["error_code"] == "INVALID_PARAMETER", "{answer}");
    let answer = host.ask("GetInstalledApplicationsWMI", json!({}), 180)?;
    let data = success(&answer)?;
    fields(first(data, "applications")?, &["name", "version", "install_type"])?;
    ensure!(serde_json::to_vec(data)?.len() <= 501_000);
    Ok(())
}

/// The host cuts names to 20 of `A-Za-z0-9_-` before it runs something as one of them.
#[test]
fn accounts_are_told_whose_names_the_host_leaves_as_they_are() -> Result<()> {
    let mut host = started("")?;
    let answer = host.ask("UserList", json!({}), 10)?;
    let data = success(&answer)?;
    let users = data["users"].as_array().context("a list")?;
    ensure!(data["count"] == users.len(), "{data}");
    for user in users {
        fields(user, &["name", "uid", "full_name", "is_admin"])?;
        let name = user["name"].as_str().context("a name")?;
        let kept = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        ensure!((1..=20).contains(&name.len()) && name.chars().all(kept), "{user}");
    }
    let root = users.iter().find(|user| user["uid"] == 0).context("no root")?;
    ensure!(root["is_admin"] == true, "{root}");
    Ok(())
}

#[test]
fn without_systemd_there_is_nothing_to_be_managed_and_that_is_said() -> Result<()> {
    let mut host = started("")?;
    let answer = host.ask("ServiceList", json!({}), 30)?;
    let services = success(&answer)?.as_array().context("an array")?;
    for service in services {
        fields(
            service,
            &["name", "display_name", "status", "startup_type", "can_start", "can_stop", "can_restart"],
        )?;
    }
    if !Path::new("/run/systemd/system").exists() {
        ensure!(
            services.is_empty() && answer["stdout"].as_str().is_some_and(|text| text.contains("systemd"))
        );
        unsupported(&mut host, &["RebootSystem"])?;
        let control = json!({"params": {"service": "cron", "operation": "status"}});
        ensure!(host.ask("ServiceControl", control, 30)?["error_code"] == "UNSUPPORTED");
    }
    let answer = host.ask("RestartServices", json!({}), 60)?;
    ensure!(answer["error_code"] == "INVALID_PARAMETER", "{answer}");
    Ok(())
}

#[test]
fn what_exists_on_windows_only_or_nowhere_is_unsupported_and_the_rest_unknown() -> Result<()> {
    let mut host = started("")?;
    unsupported(
        &mut host,
        &[
            "CheckWindowsUpdates",
            "GetPendingUpdates",
            "GetUpdateHistory",
            "CheckWindowsDefender",
            "GetDefenderStatus",
            "RunDefenderQuickScan",
            "GetThreatHistory",
            "AutoFixDefender",
            "AutoFixWindowsUpdates",
            "AutoOptimizeDisk",
            "GetApplicationDetails",
            "RunMaintenanceTask",
            "CheckSystemIntegrity",
            "ExecutePowerShellScript",
        ],
    )?;
    let answer = host.ask("Bogus", json!({}), 30)?;
    ensure!(answer["error_code"] == "UNKNOWN_ACTION", "{answer}");
    Ok(())
}

#[test]
fn what_changes_the_machines_identity_is_off_and_names_its_setting() -> Result<()> {
    let mut host = started("")?;
    let join = json!({"domain": "lab.example", "username": "ops", "password": "s3cret-0815"});
    for (action, parameters, setting) in [
        ("JoinDomain", join, "`allow_domain_join`"),
        ("PrepareGoldenImage", json!({"shutdown_after": true}), "`allow_seal`"),
    ] {
        let answer = host.ask(action, parameters, 300)?;
        let error = answer["error"].as_str().unwrap_or_default();
        ensure!(answer["success"] == false && answer["data"] == json!({}), "{answer}");
        ensure!(error.starts_with("ACTION_BLOCKED: ") && error.contains(setting), "{answer}");
        ensure!(!answer.to_string().contains("s3cret-0815"), "{answer}");
    }
    Ok(())
}

#[test]
fn raw_commands_are_off_and_switched_on_they_have_output_and_no_data() -> Result<()> {
    let mut host = started("")?;
    let answer = host.raw(json!({"raw_command": "echo hi"}))?;
    ensure!(
        answer["error"].as_str().is_some_and(|error| error.starts_with("UNSAFE_DISABLED: "))
            && answer["data"].is_null(),
        "{answer}"
    );
    let mut host = started("allow_unsafe_commands = true\n")?;
    for account in [json!(null), json!("system"), json!("Administrator"), json!("root")] {
        let answer = host
            .raw(json!({"raw_command": "printf out; printf err >&2", "shell": "BASH", "run_as": account}))?;
        let told = (answer["stdout"].as_str(), answer["stderr"].as_str(), answer["exit_code"].as_i64());
        ensure!(told == (Some("out"), Some("err"), Some(0)) && answer["success"] == true, "{answer}");
        ensure!(answer.get("data").is_some_and(Value::is_null), "{answer}");
    }
    let answer = host.raw(json!({"raw_command": "exit 3"}))?;
    ensure!(answer["success"] == false && answer["exit_code"] == 3 && answer["data"].is_null(), "{answer}");
    let file = tempfile::NamedTempFile::new()?;
    let answer = host.raw(json!({"raw_command": format!("echo partial; sleep 100; rm {}", file.path().display()), "timeout": 2}))?;
    ensure!(
        answer["error_code"] == "TIMEOUT" && answer["stdout"] == "partial\n" && fs::exists(file.path())?,
        "{answer}"
    );
    Ok(())
}
