//! Values of the host as they may stand in an error's text: short, escaped, never raw.

use serde_json::Value;

/// Characters of a text that are shown.
const SHOWN: usize = 40;

/// A text in quotes, control and non-ASCII characters escaped, cut after 40 characters.
pub fn quote(text: &str) -> String {
    let shown: String = text.chars().take(SHOWN).flat_map(char::escape_default).collect();
    let more = if text.chars().nth(SHOWN).is_some() { "\u{2026}" } else { "" };
    format!("\"{shown}{more}\"")
}

/// What kind of value it is, with the value itself where it is short: `the number 5`, `the text "x"`, `an array`.
pub fn describe(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(flag) => format!("{flag}"),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) => format!("the string {}", quote(text)),
        Value::Array(_) => "an array".into(),
        Value::Object(_) => "an object".into(),
    }
}

/// What kind of value it is and nothing of the value, for what may be a secret.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// A name in quotes, up to the first `=` or U+0000: what follows may be a value that was put into the name.
pub(super) fn quote_name(name: &str) -> String {
    quote(name.split(['=', '\0']).next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_texts_are_shown_short_and_escaped() {
        assert_eq!(quote("a\u{1b}[31m\n"), "\"a\\u{1b}[31m\\n\"");
        let long = quote(&"x".repeat(1_000_000));
        assert_eq!(long.chars().count(), 43);
    }
}
