//! What two answers must have in common for the one to document the other: their keys, their types, and what they say.

use serde_json::Value;
use std::collections::BTreeSet;

/// Fields whose very value is promised.
const PROMISED: [&str; 6] = ["type", "id", "command_type", "success", "error_code", "exit_code"];

/// How an answer differs from the documented one, a line each; paths in `varies` may be there or not.
pub fn differences(documented: &Value, seen: &Value, varies: &[String]) -> Vec<String> {
    let (want, have) = (paths(documented, varies), paths(seen, varies));
    let missing = want.difference(&have).map(|path| format!("documented, and not seen: {path}"));
    let surplus = have.difference(&want).map(|path| format!("seen, and not documented: {path}"));
    let mut all: Vec<String> = missing.chain(surplus).collect();
    for name in PROMISED.iter().filter(|name| documented[**name] != seen[**name]) {
        all.push(format!("{name}: documented is {}, seen {}", documented[*name], seen[*name]));
    }
    let [told, tells] = [documented, seen].map(|answer| answer["error"].as_str().map(without_figures));
    if told != tells && !varies.iter().any(|path| path == "error") {
        all.push(format!("error: documented is {told:?}, seen {tells:?}"));
    }
    all
}

/// Each value's path with its type; items of a list count as one.
fn paths(value: &Value, varies: &[String]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    walk(value, "", varies, &mut found);
    found
}

fn walk(value: &Value, path: &str, varies: &[String], found: &mut BTreeSet<String>) {
    if varies.iter().any(|one| one == path) {
        return;
    }
    found.insert(format!("{path} ({})", kind(value)));
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                let dot = if path.is_empty() { "" } else { "." };
                walk(field, &format!("{path}{dot}{name}"), varies, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| walk(item, &format!("{path}[]"), varies, found)),
        _ => {}
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}

/// The text with each run of digits as one `#`: pids and times differ.
fn without_figures(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '0'..='9' if out.ends_with('#') => {}
            '0'..='9' => out.push('#'),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn answer() -> Value {
        json!({"success": false, "error_code": "BUSY", "error": "held by python3 (pid 12)", "data": {"items": [{"a": 1}]}})
    }

    #[test]
    fn volatile_values_do_not_matter() {
        let mut seen = answer();
        seen["error"] = json!("held by python3 (pid 4711)");
        seen["data"]["items"] = json!([{"a": 7}, {"a": 8}]);
        assert_eq!(differences(&answer(), &seen, &[]), Vec::<String>::new());
    }

    #[test]
    fn another_key_type_code_or_sentence_does() {
        let changes: [(&str, Value); 4] = [
            ("data", json!({"items": [{"a": 1, "b": 2}]})),
            ("data", json!({"items": [{"a": "1"}]})),
            ("error_code", json!("TIMEOUT")),
            ("error", json!("held by nobody")),
        ];
        for (field, value) in changes {
            let mut seen = answer();
            seen[field] = value;
            assert!(!differences(&answer(), &seen, &[]).is_empty(), "{field}");
        }
    }

    #[test]
    fn what_varies_may_be_absent() {
        let mut seen = answer();
        seen["data"]["items"][0]["pid"] = json!(3);
        assert!(!differences(&answer(), &seen, &[]).is_empty());
        assert!(differences(&answer(), &seen, &["data.items[].pid".into()]).is_empty());
    }
}
