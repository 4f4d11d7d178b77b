//! Windows' updates and Defender: 8.12, 8.13, 8.16 and 8.17.

use super::{Told, also, list, object, text};
use serde_json::{Value, json};

/// What `importance` may be for the host.
const IMPORTANCE: [&str; 4] = ["Critical", "Important", "Moderate", "Low"];
/// An unknown age, in days.
const UNKNOWN_DAYS: u64 = 999;
/// Definitions older than this are out of date, in days.
const OLD_DAYS: u64 = 7;

pub(super) fn updates(mut data: Value) -> Told {
    for update in data.get_mut("pending_updates").and_then(Value::as_array_mut).into_iter().flatten() {
        also(update, "kb_article", "kb_number");
        let megabytes = update.get("size_mb").and_then(Value::as_f64).unwrap_or_default();
        let importance = importance(update);
        if let Some(update) = update.as_object_mut() {
            update.insert("size_bytes".into(), json!((megabytes * 1e6).round() as u64));
            update.insert("importance".into(), importance.into());
        }
    }
    also(&mut data, "last_check", "last_check_date");
    let count = data.get("pending_count").and_then(Value::as_u64).unwrap_or_default();
    (data, format!("{count} updates"))
}

/// The rating of the hole that it closes; of an update that closes none by whether Windows recommends it.
fn importance(update: &Value) -> &'static str {
    let rated = IMPORTANCE.into_iter().find(|word| *word == text(update, "severity"));
    let offered = match text(update, "importance") {
        "Important" => "Important",
        "Recommended" => "Moderate",
        _ => "Low",
    };
    rated.unwrap_or(offered)
}

pub(super) fn history(data: &Value) -> Told {
    let updates: Vec<Value> = list(data, "updates").iter().map(past).collect();
    let said = format!("{} entries of the update history", updates.len());
    (json!({ "updates": updates }), said)
}

/// Of one that succeeded the code is the word.
fn past(entry: &Value) -> Value {
    let (result, code) = (text(entry, "result"), text(entry, "result_code"));
    json!({
        "title": text(entry, "title"), "kb_article": text(entry, "kb_article"),
        "install_date": text(entry, "time"), "status": result,
        "result_code": if code.is_empty() { result } else { code }, "description": text(entry, "description"),
    })
}

/// The host knows three states. What was cleaned, removed, blocked or allowed is none of them.
fn known(data: &mut Value) {
    if let Some(recent) = data.get_mut("recent_threats").and_then(Value::as_array_mut) {
        recent.retain(|threat| ["active", "detected", "quarantined"].contains(&text(threat, "status")));
    }
}

/// The host reads what is absent as unprotected or as none, so that all is told or nothing is.
pub(super) fn defender(mut data: Value) -> Result<Told, String> {
    known(&mut data);
    let recent = list(&data, "recent_threats");
    if data.get("recent_threats").is_none() {
        return Err("Defender does not tell which threats it found".into());
    }
    let count =
        |status: &[&str]| recent.iter().filter(|threat| status.contains(&text(threat, "status"))).count();
    let (detected, quarantined) = (count(&["active", "detected"]), count(&["quarantined"]));
    let age = data.get("signature_age_days").and_then(Value::as_u64);
    also(&mut data, "signature_last_updated", "last_signature_update");
    also(&mut data, "signature_last_updated", "last_definition_update");
    let enabled = data.get("enabled") == Some(&Value::Bool(true));
    let mut told = object(data);
    told.insert("signature_age_days".into(), age.unwrap_or(UNKNOWN_DAYS).into());
    if let Some(age) = age {
        told.insert("definitions_outdated".into(), (age > OLD_DAYS).into());
    }
    told.insert("threats_detected".into(), detected.into());
    told.insert("threats_quarantined".into(), quarantined.into());
    told.insert("scan_history".into(), json!([]));
    let state = if enabled { "on" } else { "off" };
    Ok((Value::Object(told), format!("Defender is {state}; {detected} threats, {quarantined} quarantined")))
}

pub(super) fn threats(mut data: Value) -> Result<Told, String> {
    known(&mut data);
    let Some(recent) = data.get("recent_threats") else {
        return Err("Defender does not tell which threats it found".into());
    };
    let recent = recent.clone();
    let count = recent.as_array().map_or(0, Vec::len);
    Ok((json!({ "threats": recent, "recent_threats": recent, "count": count }), format!("{count} threats")))
}

pub(super) fn scan(mut data: Value) -> Told {
    also(&mut data, "scan_duration_secs", "scan_duration");
    let found = data.get("threats_found").and_then(Value::as_u64).unwrap_or_default();
    (data, format!("{found} threats found"))
}
