//! What `--print-config` shows.

use super::field::{Field, Value};
use super::load::Loaded;
use super::table::FIELDS;
use serde_json::json;
use std::fmt::Write as _;

const ORIGIN_COLUMN: usize = 52;

/// The effective values as TOML that could be used as a configuration file, with origins as comments.
pub fn print_text(loaded: &Loaded) -> String {
    let mut out = match &loaded.file {
        Some(path) => format!("# configuration file: {}\n", path.display()),
        None => {
            format!("# configuration file: none ({} does not exist)\n", loaded.sources.default_file.display())
        }
    };
    for field in FIELDS {
        let line = assignment(field, loaded.merged.get(field.name).unwrap_or(&Value::Unset));
        let _ = writeln!(out, "{line:<ORIGIN_COLUMN$} # {}", loaded.merged.origin(field.name));
    }
    out
}

fn assignment(field: &Field, value: &Value) -> String {
    match value {
        Value::Unset => format!("# {} is unset", field.name),
        Value::Secret(_) => format!("# {} is set, not shown", field.name),
        value => format!("{} = {}", field.name, toml_value(value)),
    }
}

/// The effective values for programs.
pub fn print_json(loaded: &Loaded) -> String {
    let settings: Vec<_> = FIELDS.iter().map(|field| json_setting(field, loaded)).collect();
    format!("{:#}\n", json!({ "config_file": loaded.file, "settings": settings }))
}

fn json_setting(field: &Field, loaded: &Loaded) -> serde_json::Value {
    let value = match loaded.merged.get(field.name).unwrap_or(&Value::Unset) {
        Value::Unset => json!(null),
        Value::Secret(_) => json!("(not shown)"),
        Value::Bool(switch) => json!(switch),
        Value::Integer(number) => json!(number),
        Value::Text(text) => json!(text),
        Value::List(items) => json!(items),
    };
    json!({ "name": field.name, "value": value, "origin": loaded.merged.origin(field.name) })
}

pub(super) fn toml_value(value: &Value) -> String {
    match value {
        Value::Unset | Value::Secret(_) => String::new(),
        Value::Bool(switch) => switch.to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Text(text) => toml_string(text),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(|item| toml_string(item)).collect();
            format!("[{}]", items.join(", "))
        }
    }
}

/// A basic string; JSON's escapes are a subset of TOML's.
fn toml_string(text: &str) -> String {
    json!(text).to_string()
}
