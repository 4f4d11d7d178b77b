//! Health checks: 8.8, 8.9 and 8.10.

use super::{Told, list, object, text};
use crate::route::STEAL;
use infiniservice_protocol::metrics::{Data, Process};
use serde_json::{Map, Value, json};

/// Names at the top of 8.8 that no check may have.
const TAKEN: [&str; 2] = ["overall_health", "checks"];
/// Processes that 8.10 names.
const PROCESSES: usize = 20;
/// Memory that is to be available, as a share of all.
const AVAILABLE: f64 = 0.15;
/// Use of a file system at its recommended size.
const USED: f64 = 0.8;
/// Bytes of a kB and of a GB, as the metrics count them.
const KB_IN_GB: f64 = 1024.0 / 1e9;

pub(super) fn all(data: &Value) -> Told {
    let mut told = Map::new();
    let mut short = Vec::new();
    for check in list(data, "checks") {
        let (name, status) = (text(&check, "name").to_owned(), text(&check, "status").to_owned());
        if TAKEN.contains(&name.as_str()) {
            continue;
        }
        let details = check.get("details").cloned().unwrap_or_else(|| json!({}));
        short.push(json!({ "name": name, "status": status, "details": details }));
        let message = text(&check, "message");
        told.insert(name, json!({ "status": status, "message": message, "details": details }));
    }
    let health = text(data, "overall_health").to_owned();
    let said = format!("{health}: {} checks", short.len());
    told.insert("overall_health".into(), health.into());
    told.insert("checks".into(), short.into());
    (Value::Object(told), said)
}

/// The worst of the checks made; skipped ones alone are no reason to call anything healthy.
pub(super) fn worst(data: &Value, all: bool) -> Told {
    let checks = list(data, "checks");
    let rank = |check: &&Value| {
        ["skipped", "passed", "warning", "failed"].iter().position(|s| *s == text(check, "status"))
    };
    let worst = checks.iter().max_by_key(rank);
    let verdict = worst.map(|check| text(check, "status"));
    let status = verdict.filter(|status| *status != "skipped" && !status.is_empty()).unwrap_or("warning");
    let found = worst.map_or("nothing could be checked", |check| text(check, "message"));
    let message =
        if all { format!("all {} checks were made; {found}", checks.len()) } else { found.to_owned() };
    let details = worst.and_then(|check| check.get("details")).cloned().unwrap_or_else(|| json!({}));
    let told = json!({ "status": status, "message": message, "details": details });
    (told, message)
}

/// Only what arithmetic on measured figures gives; a single sample is no reason to take anything away.
pub(super) fn optimization(data: &Value, last: Option<&Data>) -> Told {
    let mut checks = list(data, "checks");
    let steal = checks.iter().position(|check| text(check, "name") == STEAL);
    let steal = steal.map(|place| checks.remove(place));
    let io_wait = steal.and_then(|check| check.get("details")?.get("io_wait_percent").cloned());
    let bad: Vec<_> =
        checks.iter().filter(|check| matches!(text(check, "status"), "warning" | "failed")).collect();
    let status = if bad.is_empty() { "optimal" } else { "suboptimal" };
    let reasons: Vec<_> = bad.iter().map(|check| text(check, "message")).collect();
    let advice: Vec<Value> = match last {
        Some(last) if !bad.is_empty() => bad.iter().filter_map(|check| advise(check, last)).collect(),
        _ => Vec::new(),
    };
    let mut busiest: Vec<&Process> = last.into_iter().flat_map(|last| &last.processes).collect();
    busiest.sort_by(|a, b| b.cpu_percent.total_cmp(&a.cpu_percent));
    let processes: Vec<_> = busiest.into_iter().take(PROCESSES).map(process).collect();
    let said = format!("{status}; {} recommendations", advice.len());
    let mut told = object(
        json!({ "status": status, "recommendations": advice, "reasons": reasons, "processes": processes }),
    );
    told.extend(io_wait.filter(Value::is_number).map(|share| ("ioWaitPercent".to_owned(), share)));
    (Value::Object(told), said)
}

fn process(process: &Process) -> Value {
    json!({
        "name": process.name, "pid": process.pid, "cpuPercent": process.cpu_percent,
        "memoryKB": process.memory_kb,
    })
}

fn advise(check: &Value, last: &Data) -> Option<Value> {
    let system = &last.system;
    let (resource, unit, current, wanted) = match text(check, "name") {
        "memory" => {
            let total = system.memory.total_kb as f64 * KB_IN_GB;
            let used = system.memory.used_kb as f64 * KB_IN_GB;
            ("Memory", "GB", total, used / (1.0 - AVAILABLE))
        }
        "cpu_load" => {
            let load = system.load_average.as_ref()?.load_5min;
            ("CPU", "cores", system.cpu.cores_usage.len() as f64, load.ceil())
        }
        "disk_space" => {
            let fullest = system.disk.usage_stats.iter().filter(|usage| usage.total_gb > 0.0);
            let fullest =
                fullest.max_by(|a, b| (a.used_gb / a.total_gb).total_cmp(&(b.used_gb / b.total_gb)))?;
            ("Disk", "GB", fullest.total_gb, fullest.used_gb / USED)
        }
        _ => return None,
    };
    let (current, wanted) = ((current * 10.0).round() / 10.0, (wanted * 10.0).ceil() / 10.0);
    let reason = text(check, "message");
    (current > 0.0 && wanted > current).then(|| {
        json!({
            "resource": resource, "current_value": current, "recommended_value": wanted, "unit": unit,
            "reason": reason,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_for_disks_is_told_as_measured_and_its_check_is_not_judged() {
        let steal =
            |details: Value| json!({"name": STEAL, "status": "failed", "message": "m", "details": details});
        let memory = json!({"name": "memory", "status": "passed", "message": "m", "details": {}});
        let told =
            optimization(&json!({"checks": [memory, steal(json!({"io_wait_percent": 12.5}))]}), None).0;
        assert_eq!((&told["ioWaitPercent"], &told["status"]), (&json!(12.5), &json!("optimal")));
        assert_eq!(told["reasons"], json!([]));
        let skipped = optimization(&json!({"checks": [steal(json!({}))]}), None).0;
        assert!(skipped.get("ioWaitPercent").is_none(), "{skipped}");
    }
}
