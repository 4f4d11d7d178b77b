//! Services, processes, accounts, and what a clean-up removed.

use super::{Told, also, flag, list, text};
use serde_json::{Value, json};

/// Names that the host cuts a name to: others would mean another account.
const NAME_MAX: usize = 20;

pub(super) fn services(data: Value) -> Told {
    let Value::Array(mut services) = data else { return (json!([]), "no services".into()) };
    for service in &mut services {
        if matches!(text(service, "startup_type"), "" | "unknown")
            && let Some(service) = service.as_object_mut()
        {
            service.insert("startup_type".into(), "manual".into());
        }
    }
    let running = services.iter().filter(|service| text(service, "status") == "running").count();
    let said = format!("{} services, {running} of them running", services.len());
    (Value::Array(services), said)
}

pub(super) fn service(data: Value) -> Told {
    let said = format!("{} is {}", text(&data, "name"), text(&data, "status"));
    (data, said)
}

pub(super) fn processes(data: &Value) -> Told {
    let mut processes = list(data, "processes");
    for process in &mut processes {
        also(process, "cpu_percent", "cpu_usage");
        also(process, "cmd_line", "command_line");
    }
    let said = format!("{} processes", processes.len());
    let count = processes.len();
    (json!({ "processes": processes, "count": count }), said)
}

pub(super) fn killed(data: Value) -> Told {
    let pid = data.get("pid").and_then(Value::as_u64).unwrap_or_default();
    (data, format!("process {pid} was ended"))
}

/// Only names that survive the host's way of cutting them.
pub(super) fn users(data: &Value) -> Told {
    let fits = |user: &Value| {
        let name = text(user, "name");
        (1..=NAME_MAX).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
    };
    let users: Vec<_> = list(data, "users").into_iter().filter(fits).collect();
    let said = format!("{} accounts", users.len());
    let count = users.len();
    (json!({ "users": users, "count": count }), said)
}

pub(super) fn cleaned(mut data: Value, browser: bool) -> Told {
    if let (true, Some(targets)) = (browser, data.get_mut("targets").and_then(Value::as_array_mut)) {
        targets.push(json!({
            "name": "browser_cache", "files_deleted": 0, "space_cleared_mb": 0.0,
            "errors": ["the caches of browsers are not emptied here"],
        }));
    }
    let files = data.get("files_deleted").and_then(Value::as_u64).unwrap_or_default();
    let mb = data.get("space_cleared_mb").and_then(Value::as_f64).unwrap_or_default();
    let done = if flag(&data, "dry_run") { "would be removed" } else { "removed" };
    (data, format!("{files} files {done}, {mb:.1} MB"))
}

pub(super) fn sealed(data: Value) -> Told {
    let steps = list(&data, "steps").len();
    let then = match data.get("power_off_in_secs").and_then(Value::as_u64) {
        Some(secs) => format!("it powers off in {secs} s"),
        None => "it stays on".to_owned(),
    };
    (data, format!("the machine is sealed ({steps} steps); {then}"))
}

pub(super) fn joined(data: Value) -> Told {
    let said = format!("{} is a member of {} now", text(&data, "computer_name"), text(&data, "domain"));
    (data, said)
}
