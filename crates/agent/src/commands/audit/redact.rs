//! Parameters without secrets, as far as a name or a text gives one away.

use serde_json::Value;

/// What stands where a secret was.
const HIDDEN: &str = "(hidden)";
/// In a name, in any case, these say that its value is a secret.
const WORDS: [&str; 8] =
    ["password", "passwd", "passphrase", "secret", "token", "api_key", "apikey", "credential"];

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('-', "_");
    WORDS.iter().any(|word| name.contains(word))
}

/// Hides the values of secret names, however deep they stand (the wire's parser bounds the depth).
pub(in crate::commands) fn value(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let shown = |(name, field): (&String, &Value)| {
                let field = if is_secret(name) { HIDDEN.into() } else { self::value(field) };
                (name.clone(), field)
            };
            Value::Object(fields.iter().map(shown).collect())
        }
        Value::Array(items) => items.iter().map(self::value).collect(),
        other => other.clone(),
    }
}

/// Hides in a shell's text what follows a secret name: `PASSWORD=x`, `--token x`, `--token=x`, `secret: x`.
pub(in crate::commands) fn text(text: &str) -> String {
    let mut hide_next = false;
    let words = text.split_inclusive(char::is_whitespace).map(|piece| {
        let word = piece.trim_end();
        let space = piece.get(word.len()..).unwrap_or_default();
        let shown = if std::mem::take(&mut hide_next) && !word.is_empty() {
            HIDDEN.to_owned()
        } else {
            let (shown, next) = one_word(word);
            hide_next = next;
            shown
        };
        shown + space
    });
    words.collect()
}

/// The word without its secret, and whether the next one is a secret.
fn one_word(word: &str) -> (String, bool) {
    match word.split_once(['=', ':']) {
        Some((name, "")) => (word.to_owned(), is_secret(name)),
        Some((name, _)) if is_secret(name) => (format!("{name}={HIDDEN}"), false),
        Some(_) => (word.to_owned(), false),
        None => (word.to_owned(), word.starts_with('-') && is_secret(word)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_of_secret_names_are_hidden_at_any_depth() {
        let given =
            json!({"package": "ssh", "a": [{"API-Key": "k1"}], "dbPassword": {"x": "k2"}, "Token": 3});
        let shown = value(&given);
        assert_eq!(
            shown,
            json!({"package": "ssh", "a": [{"API-Key": HIDDEN}], "dbPassword": HIDDEN, "Token": HIDDEN})
        );
    }

    #[test]
    fn what_follows_a_secret_name_in_a_text_is_hidden_and_the_rest_stays() {
        for (given, shown) in [
            ("DB_PASSWORD=k1 run -v", "DB_PASSWORD=(hidden) run -v"),
            ("curl --token k1 http://x", "curl --token (hidden) http://x"),
            ("x --secret=k1\necho done", "x --secret=(hidden)\necho done"),
            ("secret: k1", "secret: (hidden)"),
            ("echo hello > /etc/motd", "echo hello > /etc/motd"),
        ] {
            assert_eq!(text(given), shown);
        }
    }
}
