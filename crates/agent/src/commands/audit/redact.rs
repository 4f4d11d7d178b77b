//! Parameters without secrets, as far as a name or a text gives one away.

use serde_json::Value;

/// What stands where a secret was.
const HIDDEN: &str = "(hidden)";
/// In a name, in any case, these say that its value is a secret.
const WORDS: [&str; 8] =
    ["password", "passwd", "passphrase", "secret", "token", "api_key", "apikey", "credential"];

/// In a text these too: what follows them in a request's header.
const HEADERS: [&str; 2] = ["authorization", "bearer "];

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

/// Hides in a shell's text what may be a secret: of each line what follows a secret name, and what stands for user and
/// password in an address. It hides too much rather than too little: a quoted secret has spaces in it. What has no name
/// (`-pSECRET`, `-u user:SECRET`) is not seen.
pub(in crate::commands) fn text(text: &str) -> String {
    text.split_inclusive('\n').map(|line| without_credentials(&without_rest(line))).collect()
}

/// The line up to the first secret name that something follows.
fn without_rest(line: &str) -> String {
    let lower = line.to_ascii_lowercase().replace('-', "_");
    let names = WORDS.iter().chain(&HEADERS);
    let ends = names.filter_map(|word| lower.find(word).map(|start| start + word.len())).min();
    let Some((shown, rest)) = ends.and_then(|end| line.split_at_checked(end)) else { return line.to_owned() };
    if rest.trim().is_empty() {
        return line.to_owned();
    }
    let end = if line.ends_with('\n') { "\n" } else { "" };
    format!("{shown}{HIDDEN}{end}")
}

/// `https://user:password@host` without the part before the `@`.
fn without_credentials(line: &str) -> String {
    let mut pieces = line.split("://");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |shown, piece| {
        let authority = piece.find(|c: char| c == '/' || c.is_whitespace()).unwrap_or(piece.len());
        let at = piece.get(..authority).and_then(|authority| authority.rfind('@'));
        match at.and_then(|at| piece.get(at..)) {
            Some(rest) => format!("{shown}://{HIDDEN}{rest}"),
            None => format!("{shown}://{piece}"),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
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
            ("DB_PASSWORD=k1 run -v", "DB_PASSWORD(hidden)"),
            ("PASSWORD=\"two words\" run\nls /", "PASSWORD(hidden)\nls /"),
            ("curl --api-key k1 http://x", "curl --api-key(hidden)"),
            ("curl http://x/?token=k", "curl http://x/?token(hidden)"),
            ("x --secret=k1\necho done", "x --secret(hidden)\necho done"),
            ("curl -H 'Authorization: Basic k1'", "curl -H 'Authorization(hidden)"),
            ("git clone https://me:k1@host/x.git", "git clone https://(hidden)@host/x.git"),
            ("wget ftp://host/a@b ssh://c@d", "wget ftp://host/a@b ssh://(hidden)@d"),
            ("passwd", "passwd"),
            ("echo hello > /etc/motd", "echo hello > /etc/motd"),
            ("é password ü", "é password(hidden)"),
        ] {
            assert_eq!(text(given), shown);
        }
    }

    proptest! {
        #[test]
        fn what_follows_a_secret_name_is_never_shown(before in "[^\n]{0,20}", after in "[ =:]\"?[A-Z]{1,9}[^\n]{0,9}") {
            let shown = text(&format!("{before}password{after}\nlast"));
            prop_assert!(!shown.contains(&format!("password{after}")) && shown.ends_with("\nlast"), "{shown}");
        }

        #[test]
        fn any_text_is_taken(given in any::<String>()) {
            text(&given);
        }
    }
}
