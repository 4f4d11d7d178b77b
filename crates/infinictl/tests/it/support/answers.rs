//! What a guest that keeps the contract answers.

use serde_json::{Value, json};

/// Metrics of a machine that does not exist, written by hand: a loaded database server.
pub const METRICS: &str = include_str!("../../fixtures/made_up_system_metrics.json");

/// The first bytes to a host: the newline, then fresh metrics.
pub fn greeting() -> Vec<u8> {
    format!("\n{}\n", metrics(None)).into_bytes()
}

/// Metrics as one line.
pub fn metrics(id: Option<&str>) -> String {
    let mut metrics: Value = serde_json::from_str(METRICS).unwrap();
    if let Some(id) = id {
        metrics["request_id"] = json!(id);
    }
    metrics.to_string()
}

/// The answer to a line that is not JSON.
pub fn invalid_json() -> String {
    json!({"type": "error", "error": "not JSON", "error_code": "INVALID_JSON", "timestamp": "2026-11-23T06:00:00.000Z"}).to_string()
}

/// The answers of a guest that keeps the contract.
pub fn proper(message: &Value) -> Vec<String> {
    let id = message["id"].as_str();
    match message["type"].as_str().unwrap_or_default() {
        "Metrics" => vec![metrics(id)],
        "keep_alive_request" => {
            vec![json!({"type": "keep_alive", "sequence_number": message["sequence_number"]}).to_string()]
        }
        "Hello" => vec![hello()],
        "UnsafeCommand" => vec![ok(id.unwrap_or_default(), "UnsafeCommand", &json!({}))],
        "SafeCommand" => vec![command(id.unwrap_or_default(), message)],
        "KeepAliveResponse" => vec![],
        other => {
            let error = format!("unknown type {other}");
            vec![json!({"type": "error", "error": error, "error_code": "UNKNOWN_TYPE"}).to_string()]
        }
    }
}

fn hello() -> String {
    json!({
        "type": "hello", "agent_version": "0.1.0", "protocol_version": 1, "platform": "linux",
        "os": "Debian GNU/Linux 12", "limits": {"max_line_bytes": 1_048_576},
        "capabilities": [
            {"name": "ServiceList", "enabled": true},
            {"name": "UnsafeCommand", "enabled": false, "reason": "allow_unsafe_commands is off"},
        ],
    })
    .to_string()
}

fn command(id: &str, message: &Value) -> String {
    let command = &message["command_type"];
    match command["action"].as_str().unwrap_or_default() {
        "ServiceList" => ok(
            id,
            "ServiceList",
            &json!([service("ssh.service", "running"), service("cron.service", "failed")]),
        ),
        "ServiceControl" if command["service"] == "absent" => {
            failed(id, "ServiceControl", "NOT_FOUND", "there is no absent.service")
        }
        "ServiceControl" => {
            ok(id, "ServiceControl", &service(command["service"].as_str().unwrap_or_default(), "running"))
        }
        "ProcessList" => ok(id, "ProcessList", &json!({"count": 2, "processes": processes()})),
        "ProcessKill" => ok(
            id,
            "ProcessKill",
            &json!({"pid": command["pid"], "name": "sleep", "signal": "SIGTERM", "exited": true}),
        ),
        other => match data(other) {
            Value::Null => failed(id, other, "UNKNOWN_ACTION", "there is no such action"),
            data => ok(id, other, &data),
        },
    }
}

/// Of actions that answer the same whatever their parameters.
fn data(action: &str) -> Value {
    let changed = json!({"package": "nginx", "manager": "apt", "version_before": "1.22", "version_after": "1.24", "changed": true, "reboot_required": true});
    match action {
        "ServiceLogs" => json!({"service": "ssh.service", "lines": [
            {"time": "2026-11-23T06:00:00.000Z", "priority": "err", "identifier": "sshd", "pid": 612, "message": "no keys"},
        ]}),
        "UserList" => json!({"count": 1, "users": [
            {"name": "ada", "uid": 1000, "full_name": "Ada Lovelace", "is_admin": true, "is_active": true},
        ]}),
        "ScriptRun" | "ScriptRemove" => script(),
        "ScriptStatus" => json!({"running": false, "scripts": [script()]}),
        "PackageList" => json!({"manager": "apt", "count": 2, "packages": [
            {"name": "nginx", "version": "1.22.1-9", "architecture": "amd64", "description": "small web server", "size_kb": 1600, "source": "apt", "installed": true},
        ]}),
        "PackageSearch" => json!({"manager": "apt", "count": 4, "packages": [
            {"name": "nginx", "version": "1.24", "description": "small web server", "installed": true, "version_installed": "1.22", "source": "apt"},
        ]}),
        "PackageInstall" | "PackageUpdate" | "PackageRemove" => changed,
        "PackageChangeStatus" => json!({"running": true, "changes": [
            {"id": "x", "command_type": "PackageInstall", "package": "nginx", "state": "running", "started_at": "2026-11-23T06:00:00.000Z", "seconds": 61, "outlived_timeout": true},
        ]}),
        "UpdateCheck" => {
            json!({"pending_count": 1, "security_count": 1, "manager": "apt", "last_check": "2026-11-23T06:00:00Z", "reboot_required": false, "pending_updates": [
                {"package": "openssl", "version_installed": "3.0.1", "version_available": "3.0.2", "source": "stable-security", "is_security_update": true},
            ]})
        }
        "UpdateHistory" => json!({"count": 1, "source": "dpkg", "updates": [
            {"time": "2026-11-30T03:31:40", "operation": "upgrade", "title": "curl:amd64 7.88.1-11", "result": "Succeeded"},
        ]}),
        "UpdateInstall" => json!({"manager": "apt", "changed": true, "reboot_required": true,
            "installed": [{"package": "openssl", "version_before": "3.0.1", "version_after": "3.0.2"}],
            "failed": [{"package": "nano", "error": "its script failed"}]}),
        "ApplicationInventory" => json!({"count": 1, "applications": [
            {"name": "GIMP", "version": "2.10", "publisher": null, "install_date": null, "install_location": "/opt/gimp", "size_mb": 95.5, "source": "flatpak", "architecture": "x86_64"},
        ]}),
        "DiskCleanup" => json!({"files_deleted": 4, "space_cleared_mb": 12.5, "dry_run": true, "targets": [
            {"name": "temp", "files_deleted": 4, "space_cleared_mb": 12.5, "errors": ["/tmp/x: not permitted"]},
        ]}),
        "PrepareGoldenImage" => json!({"power_off_in_secs": 5, "steps": [
            {"name": "machine_id", "ok": true, "message": "/etc/machine-id is empty now"},
        ]}),
        "ConfigReload" => json!({"applied": ["max_processes"], "waiting": [
            {"setting": "device_path", "reason": "the agent looks for its port when it starts"},
        ]}),
        "Shutdown" | "Reboot" => json!({"action": action, "accepted": true}),
        "Autochecks" => autochecks(),
        _ => Value::Null,
    }
}

fn script() -> Value {
    json!({"execution_id": "e-1", "name": "set up", "shell": "sh", "timeout_secs": 600, "state": "ended",
        "submitted_at": "2026-11-23T06:00:00.000Z", "exit_code": 0})
}

/// Two findings with one remediation between them, one whose remediation fails, and one without any.
fn autochecks() -> Value {
    let check = |name: &str, status: &str, service: &str| {
        let restart = json!({"action": "ServiceControl", "service": service, "operation": "restart"});
        json!({"name": name, "status": status, "message": format!("{name} found something"), "details": {},
            "remediation": {"description": format!("Restart {service}."), "command": restart}})
    };
    json!({"overall_health": "Warning", "score": 70, "checks": [
        {"name": "disk_space", "status": "passed", "message": "/ is 41 % full", "details": {"used_percent": 41}},
        check("failed_units", "warning", "cron.service"),
        check("again", "failed", "cron.service"),
        check("time_sync", "warning", "absent"),
        check("fine", "passed", "ssh.service"),
    ]})
}

fn processes() -> Value {
    let metrics: Value = serde_json::from_str(METRICS).unwrap();
    Value::Array(metrics["data"]["processes"].as_array().unwrap().iter().take(2).cloned().collect())
}

fn service(name: &str, status: &str) -> Value {
    json!({
        "name": name, "display_name": name, "description": format!("what {name} does"), "status": status,
        "startup_type": "enabled", "can_start": true, "can_stop": true, "can_restart": true,
    })
}

/// A response that says it worked.
pub fn ok(id: &str, action: &str, data: &Value) -> String {
    response(id, action, json!({"success": true, "data": data}))
}

/// A response that says why it did not.
pub fn failed(id: &str, action: &str, code: &str, error: &str) -> String {
    response(id, action, json!({"success": false, "data": {}, "error_code": code, "error": error}))
}

/// A response with these fields.
pub fn response(id: &str, action: &str, fields: Value) -> String {
    let mut response = json!({
        "type": "response", "id": id, "exit_code": null, "stdout": "", "stderr": "", "execution_time_ms": 3,
        "command_type": action, "timestamp": "2026-11-23T06:00:00.000Z",
    });
    if let (Value::Object(response), Value::Object(fields)) = (&mut response, fields) {
        response.extend(fields);
    }
    response.to_string()
}
