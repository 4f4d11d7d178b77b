//! Installed applications: 8.14.

use super::{Told, also, list};
use serde_json::{Value, json};

pub(super) fn installed(data: &Value) -> Told {
    let mut applications = list(data, "applications");
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
