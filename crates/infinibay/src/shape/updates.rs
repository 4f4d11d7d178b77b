//! Updates of Linux: 8.11 and 8.15, and what an installation of them did.

use super::{Told, flag, list, text};
use serde_json::{Map, Value, json};

/// 0 would read as "up to date", so that lists which could not be fetched are a failure.
fn fresh(data: &Value) -> Result<(), String> {
    match data.get("refresh_error").and_then(Value::as_str) {
        Some(why) => Err(format!("the lists of packages could not be fetched: {why}")),
        None => Ok(()),
    }
}

pub(super) fn linux(data: &Value, distro: &str) -> Result<Told, String> {
    fresh(data)?;
    let updates: Vec<Value> = list(data, "pending_updates").iter().map(pending).collect();
    let (total, security) = (count(data, "pending_count"), count(data, "security_count"));
    let manager = text(data, "manager");
    let said = format!("{total} updates, {security} of them for security ({manager})");
    let told = json!({
        "pending_updates": updates, "security_updates_count": security, "total_pending_count": total,
        "package_manager": manager, "reboot_required": flag(data, "reboot_required"), "distro": distro,
        "last_check": data.get("last_check"),
    });
    Ok((told, said))
}

fn count(data: &Value, name: &str) -> u64 {
    data.get(name).and_then(Value::as_u64).unwrap_or_default()
}

fn pending(update: &Value) -> Value {
    let mut told = json!({
        "package_name": text(update, "package"), "current_version": text(update, "version_installed"),
        "available_version": text(update, "version_available"), "repository": text(update, "source"),
        "is_security": flag(update, "is_security_update"),
    });
    if let (Some(architecture), Some(told)) = (update.get("architecture"), told.as_object_mut()) {
        told.insert("architecture".into(), architecture.clone());
    }
    told
}

/// An update of a package that is not installed yet is no application's.
pub(super) fn applications(data: &Value) -> Result<Told, String> {
    fresh(data)?;
    let manager = text(data, "manager");
    let of_application = |update: &&Value| !text(update, "version_installed").is_empty();
    let updates = list(data, "pending_updates");
    let told: Vec<_> =
        updates.iter().filter(of_application).map(|update| application(update, manager)).collect();
    let said = format!("{} applications with updates ({manager})", told.len());
    Ok((json!({ "applications": told }), said))
}

fn application(update: &Value, manager: &str) -> Value {
    let newer = text(update, "version_available");
    let source = match manager {
        "apt" => "dpkg",
        "dnf" | "zypper" => "rpm",
        other => other,
    };
    json!({
        "name": text(update, "package"), "version": text(update, "version_installed"),
        "update_available": newer, "available_version": newer, "new_version": newer,
        "is_security_update": flag(update, "is_security_update"), "update_source": text(update, "source"),
        "can_update": update.get("blocked_by").is_none(), "vendor": "", "install_type": source,
    })
}

/// What failed in part has failed.
pub(super) fn installed(data: Value) -> Result<Told, String> {
    let (done, failed) = (list(&data, "installed"), list(&data, "failed"));
    let name = |update: &Value| {
        let package = text(update, "package");
        if package.is_empty() { text(update, "title").to_owned() } else { package.to_owned() }
    };
    if !failed.is_empty() {
        let names: Vec<_> = failed.iter().take(20).map(name).collect();
        return Err(format!(
            "{} updates installed, {} failed: {}",
            done.len(),
            failed.len(),
            names.join(", ")
        ));
    }
    let reboot = if flag(&data, "reboot_required") { "; a reboot is required" } else { "" };
    let said = format!("{} updates installed{reboot}", done.len());
    let mut told: Map<String, Value> = super::object(data);
    told.entry("reboot_required").or_insert(Value::Bool(false));
    Ok((Value::Object(told), said))
}
