//! As much of JSON Schema as our schemas use; an unknown keyword fails, so that nothing passes unchecked.

use infiniservice_protocol::sealed;
use serde_json::Value;

/// Keywords that say something to people only.
const NOTES: [&str; 6] = ["$schema", "$defs", "title", "description", "format", "default"];

/// Whether `value` is what `schema` says; `root` holds the definitions.
pub fn valid(root: &Value, schema: &Value, value: &Value) -> bool {
    match schema {
        Value::Bool(flag) => *flag,
        Value::Object(keywords) => keywords.iter().all(|(word, rule)| keyword(root, word, rule, value)),
        other => panic!("no schema: {other}"),
    }
}

fn keyword(root: &Value, word: &str, rule: &Value, value: &Value) -> bool {
    let all = |rules: &Value| list(rules).iter().filter(|rule| valid(root, rule, value)).count();
    match word {
        "$ref" => valid(root, definition(root, rule), value),
        "anyOf" => all(rule) >= 1,
        "oneOf" => all(rule) == 1,
        "const" => rule == value,
        "enum" => list(rule).contains(value),
        "type" if rule.is_array() => list(rule).iter().any(|kind| is(kind, value)),
        "type" => is(rule, value),
        "required" => list(rule).iter().all(|name| value.get(name.as_str().unwrap()).is_some()),
        "properties" => rule
            .as_object()
            .unwrap()
            .iter()
            .all(|(name, rule)| value.get(name).is_none_or(|member| valid(root, rule, member))),
        "additionalProperties" => {
            value.as_object().is_none_or(|members| members.values().all(|member| valid(root, rule, member)))
        }
        "prefixItems" => value
            .as_array()
            .is_none_or(|items| items.iter().zip(list(rule)).all(|(item, rule)| valid(root, rule, item))),
        "items" => value.as_array().is_none_or(|items| items.iter().all(|item| valid(root, rule, item))),
        "minimum" => value.as_f64().is_none_or(|number| number >= rule.as_f64().unwrap()),
        "maximum" => value.as_f64().is_none_or(|number| number <= rule.as_f64().unwrap()),
        "minLength" => value.as_str().is_none_or(|text| text.chars().count() >= size(rule)),
        "maxLength" => value.as_str().is_none_or(|text| text.chars().count() <= size(rule)),
        "minItems" => value.as_array().is_none_or(|items| items.len() >= size(rule)),
        "maxItems" => value.as_array().is_none_or(|items| items.len() <= size(rule)),
        "maxProperties" => value.as_object().is_none_or(|members| members.len() <= size(rule)),
        "pattern" => value.as_str().is_none_or(|text| matches(rule.as_str().unwrap(), text)),
        other => NOTES.contains(&other) || panic!("the keyword {other} is not checked here"),
    }
}

/// The patterns that our schemas have.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern {
        "^[0-9A-Fa-f]{64}$" => text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "^[A-Za-z0-9._-]{1,64}$" => sealed::check_kid(text).is_ok(),
        other => panic!("the pattern {other} is not checked here"),
    }
}

fn list(rules: &Value) -> &[Value] {
    rules.as_array().expect("a list of rules")
}

fn size(rule: &Value) -> usize {
    usize::try_from(rule.as_u64().expect("a size")).expect("a small size")
}

fn definition<'a>(root: &'a Value, reference: &Value) -> &'a Value {
    let pointer = reference.as_str().and_then(|text| text.strip_prefix('#')).expect("a local reference");
    root.pointer(pointer).expect("its definition")
}

fn is(kind: &Value, value: &Value) -> bool {
    match kind.as_str().expect("a type's name") {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_u64() || value.is_i64(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("the type {other} is not checked here"),
    }
}
