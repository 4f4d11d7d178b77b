//! What a guest that keeps the contract answers.

use serde_json::{Value, json};

/// Recorded metrics of a machine.
pub const METRICS: &str = include_str!("../fixtures/system_metrics.json");

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
        other => failed(id, other, "UNKNOWN_ACTION", "there is no such action"),
    }
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

fn response(id: &str, action: &str, fields: Value) -> String {
    let mut response = json!({
        "type": "response", "id": id, "exit_code": null, "stdout": "", "stderr": "", "execution_time_ms": 3,
        "command_type": action, "timestamp": "2026-11-23T06:00:00.000Z",
    });
    if let (Value::Object(response), Value::Object(fields)) = (&mut response, fields) {
        response.extend(fields);
    }
    response.to_string()
}
