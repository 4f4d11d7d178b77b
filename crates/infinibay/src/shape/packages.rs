//! Packages and installed applications (8.14): the list, what a search found, and a sentence of what became of one.

use super::{Told, also, flag, list as members, text};
use serde_json::{Value, json};

/// The most that a search tells.
const FOUND_MAX: usize = 200;

pub(super) fn list(data: Value) -> Told {
    let said = format!("{} packages ({})", members(&data, "packages").len(), text(&data, "manager"));
    (data, said)
}

pub(super) fn found(data: &Value) -> Told {
    let mut packages = members(data, "packages");
    packages.truncate(FOUND_MAX);
    for package in &mut packages {
        if package.get("publisher").is_none() {
            also(package, "source", "publisher");
        }
    }
    let said = format!("{} packages found", packages.len());
    let count = packages.len();
    (json!({ "packages": packages, "count": count }), said)
}

/// The host shows people nothing but this sentence.
pub(super) fn change(data: Value, action: &str) -> Told {
    let name = text(&data, "package").to_owned();
    let (before, after) = (text(&data, "version_before"), text(&data, "version_after"));
    let said = match (action, flag(&data, "changed")) {
        ("PackageRemove", true) => format!("{name} {before} was removed"),
        ("PackageRemove", false) => format!("{name} was not installed"),
        ("PackageInstall", false) => format!("{name} {after} was installed already"),
        ("PackageInstall", true) => format!("{name} {after} is installed now"),
        (_, false) => format!("{name} {after} is the newest version already"),
        (_, true) => format!("{name} was updated from {before} to {after}"),
    };
    let reboot = if flag(&data, "reboot_required") { "; a reboot is required" } else { "" };
    (data, said + reboot)
}

pub(super) fn applications(data: &Value) -> Told {
    let mut applications = members(data, "applications");
    for application in &mut applications {
        also(application, "publisher", "vendor");
        also(application, "source", "install_type");
    }
    let count = data.get("count").cloned().unwrap_or_else(|| applications.len().into());
    let said = format!("{} applications", applications.len());
    let mut told = json!({ "applications": applications, "count": count });
    if let (Some(incomplete), Some(told)) = (data.get("incomplete"), told.as_object_mut()) {
        told.insert("incomplete".into(), Value::clone(incomplete));
    }
    (told, said)
}
