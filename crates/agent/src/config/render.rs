//! What `--print-config` shows, and the two files made from the table: `docs/configuration.md`, `packaging/config.toml`.

use super::field::{Apply, Field, Kind, Value};
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

fn toml_value(value: &Value) -> String {
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

/// The value that stands in the example for a setting that has no default.
fn example(field: &Field) -> &'static str {
    match (field.name, field.kind) {
        ("device_path", _) => "\"/dev/virtio-ports/org.infinibay.agent\"",
        ("shared_secret_file", _) => "\"/etc/infiniservice/secret\"",
        ("blocked_actions", _) => "[\"PackageRemove\", \"DiskCleanup\"]",
        ("qga_port", _) => "\"/dev/virtio-ports/org.qemu.guest_agent.0\"",
        ("qga_fsfreeze_hook", _) => "\"/etc/qemu/fsfreeze-hook\"",
        (_, Kind::GuestCommands) => "[\"guest-suspend-disk\"]",
        (_, Kind::Actions) => "[\"ServiceList\", \"ProcessList\"]",
        ("shared_secret", _) => "\"at-least-16-characters\"",
        _ => "\"vm-0001\"",
    }
}

/// `packaging/config.toml`: every setting, commented out.
pub fn example_file() -> String {
    let mut out = String::from(
        "# InfiniService's configuration: /etc/infiniservice/config.toml\n\
         #\n\
         # Each setting is shown with its default, or with an example if it has none; remove the leading # to set\n\
         # it. `infiniservice --print-config` shows the effective values and their origins. The file must belong\n\
         # to root and be writable by root only.\n",
    );
    for field in FIELDS {
        let value = field.default.and_then(|text| field.parse(text).ok()).map(|value| toml_value(&value));
        let value = value.unwrap_or_else(|| example(field).into());
        let _ = write!(
            out,
            "\n# {}\n# {}.\n#{} = {value}\n",
            field.doc.trim(),
            capital(&field.allowed()),
            field.name
        );
    }
    out
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// The table of `docs/configuration.md`.
pub fn documentation_table() -> String {
    let mut out = String::from(
        "| setting | default | allowed | at SIGHUP | flag | what it does |\n|---|---|---|---|---|---|\n",
    );
    for field in FIELDS {
        let default = field.default.map_or("unset".into(), |text| format!("`{text}`"));
        let flag = field.flag.map_or(String::new(), |flag| format!("`{flag}`"));
        let apply = if field.apply == Apply::Reload { "applied" } else { "needs a restart" };
        let (name, doc) = (field.name, field.doc.trim());
        let _ = writeln!(out, "| `{name}` | {default} | {} | {apply} | {flag} | {doc} |", field.allowed());
    }
    out
}
