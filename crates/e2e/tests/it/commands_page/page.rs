//! The generated part of docs/commands.md: a section an action, an exchange below the other.
#![allow(clippy::format_push_string, reason = "the page grows piece by piece, once")]

use infiniservice_e2e::binary;
use infiniservice_e2e::exchange::{ANY_COMMAND, Exchange};
use infiniservice_protocol::ActionName;
use infiniservice_protocol::action::{Platforms, UNSAFE_COMMAND, UNSAFE_COMMAND_TIMEOUT_SECS};
use serde_json::Value;
use std::fs;

/// Longer texts are cut on the page; the exchange's file has all of it.
const SHOWN_CHARS: usize = 400;
/// The order of a response's fields on the page; others follow by name.
const ORDER: [&str; 9] =
    ["type", "id", "command_type", "success", "error_code", "error", "exit_code", "data", "stdout"];

/// All sections.
pub fn render(exchanges: &[Exchange]) -> String {
    let schema = fs::read_to_string(binary::workspace().join("docs/schema/host.json")).expect("the schema");
    let schema: Value = serde_json::from_str(&schema).expect("JSON");
    let mut page = String::new();
    for action in ActionName::ALL {
        page += &format!("\n## {action}\n\n{}\n", about(action, &schema));
        page += &cases(exchanges, action.name());
    }
    page += &format!("\n## {UNSAFE_COMMAND}\n\n{}\n", about_raw(&schema));
    page += &cases(exchanges, UNSAFE_COMMAND);
    page += "\n## Any command\n\nAnswers that do not depend on the action.\n";
    page + &cases(exchanges, ANY_COMMAND) + "\n"
}

/// What it does, where and for how long, and its parameters.
fn about(action: ActionName, schema: &Value) -> String {
    let described = schema["$defs"]["Action"]["oneOf"].as_array().expect("the actions");
    let own = described
        .iter()
        .find(|one| one["properties"]["action"]["const"] == action.name())
        .expect("described");
    let mut text = format!("{} {}", words(own), platform(action));
    text += &format!(" {} s by default.", action.default_timeout_secs());
    if action.is_read_only() {
        text += " Reads.";
    }
    if action.changes_packages() {
        text += " One at a time.";
    }
    text + &parameters(own, &["action"])
}

/// The same of the raw command, which is a type of message and no action.
fn about_raw(schema: &Value) -> String {
    let types = schema["oneOf"].as_array().expect("the types");
    let own =
        types.iter().find(|one| one["properties"]["type"]["const"] == UNSAFE_COMMAND).expect("described");
    format!("{} {UNSAFE_COMMAND_TIMEOUT_SECS} s by default.", words(own))
        + &parameters(own, &["type", "id", "timeout"])
}

/// A row for each parameter but those that every command has.
fn parameters(own: &Value, common: &[&str]) -> String {
    let fields = own["properties"].as_object().expect("fields").iter();
    let fields = fields.filter(|(name, _)| !common.contains(&name.as_str()));
    let required =
        |name: &str| own["required"].as_array().is_some_and(|all| all.iter().any(|one| one == name));
    let rows: Vec<String> = fields
        .map(|(name, field)| format!("- `{name}`{}: {}", if required(name) { "" } else { "?" }, words(field)))
        .collect();
    if rows.is_empty() { String::new() } else { format!("\n\n{}", rows.join("\n")) }
}

fn words(described: &Value) -> &str {
    described["description"].as_str().unwrap_or_default()
}

fn platform(action: ActionName) -> String {
    let counterpart =
        action.counterpart().map_or(String::new(), |other| format!("; `{other}` is its counterpart"));
    match action.platforms() {
        Platforms::All => "On Linux and Windows.".into(),
        Platforms::Linux => format!("On Linux{counterpart}."),
        Platforms::Windows => format!("On Windows{counterpart}."),
    }
}

fn cases(exchanges: &[Exchange], action: &str) -> String {
    let own = exchanges.iter().filter(|exchange| exchange.action == action);
    let (well, badly): (Vec<_>, Vec<_>) = own.partition(|exchange| exchange.response["success"] == true);
    well.into_iter().chain(badly).map(case).collect()
}

fn case(exchange: &Exchange) -> String {
    let code = exchange.response["error_code"].as_str().map_or(String::new(), |code| format!("`{code}`: "));
    let request = Exchange::line(&exchange.request);
    let request = if request.chars().count() > SHOWN_CHARS {
        Exchange::line(&shortened(&exchange.request))
    } else {
        request
    };
    format!(
        "\n{code}{}\n\n```json\n{request}\n```\n```json\n{}\n```\n",
        exchange.about,
        answer(&exchange.response)
    )
}

/// An answer with one field of the message a line, and its data spread out.
fn answer(response: &Value) -> String {
    let shown = shortened(response);
    let Some(fields) = shown.as_object() else { return "null".into() };
    let rank = |name: &str| ORDER.iter().position(|one| *one == name).unwrap_or(ORDER.len());
    let mut fields: Vec<_> = fields.iter().collect();
    fields.sort_by_key(|(name, _)| rank(name));
    let line = |(name, value): &(&String, &Value)| {
        let value = serde_json::to_string_pretty(value).expect("JSON").replace('\n', "\n  ");
        format!("  \"{name}\": {value}")
    };
    format!("{{\n{}\n}}", fields.iter().map(line).collect::<Vec<_>>().join(",\n"))
}

fn shortened(value: &Value) -> Value {
    match value {
        Value::String(text) if text.chars().count() > SHOWN_CHARS => {
            let start: String = text.chars().take(SHOWN_CHARS / 2).collect();
            Value::from(format!("{start}… ({} characters)", text.chars().count()))
        }
        Value::Array(items) => items.iter().map(shortened).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(name, field)| (name.clone(), shortened(field))).collect()
        }
        other => other.clone(),
    }
}
