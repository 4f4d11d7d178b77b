//! Parameters without secrets, as far as a name or a text gives one away.

use serde_json::Value;

/// What stands where a secret was.
const HIDDEN: &str = "(hidden)";
/// In a name, in any case, these say that its value is a secret.
const WORDS: [&str; 12] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "api_key",
    "apikey",
    "credential",
    "private_key",
    "privatekey",
    "access_key",
    "cookie",
];
/// These do only where they are a part of a name of their own: `DB_PASS`, not `bypass`.
const PARTS: [&str; 5] = ["pass", "pwd", "pw", "auth", "psk"];

/// In a text these too: what follows them in a request's header.
const HEADERS: [&str; 2] = ["authorization", "bearer "];
/// What begins and ends a key.
const PEM: [&str; 2] = ["-----BEGIN ", "-----END "];

/// A parameter of whose text only the length is told: secrets are often in it without a name.
const SCRIPT: &str = "script";

/// How long a text is that is not told.
pub(crate) fn length(text: &str) -> String {
    format!("({} bytes)", text.len())
}

fn is_secret(name: &str) -> bool {
    let name = lowered(name);
    WORDS.iter().any(|word| name.contains(word)) || PARTS.iter().any(|part| part_end(&name, part).is_some())
}

/// The same in small letters, byte for byte, with one sign between the parts of a name.
fn lowered(text: &str) -> String {
    text.to_ascii_lowercase().replace('-', "_")
}

/// Where a part of a name ends that stands for itself.
fn part_end(lower: &str, part: &str) -> Option<usize> {
    let letter = |c: char| c.is_ascii_alphabetic();
    lower.match_indices(part).map(|(start, _)| (start, start + part.len())).find_map(|(start, end)| {
        let before = lower.get(..start)?.chars().next_back().is_some_and(letter);
        let after = lower.get(end..)?.chars().next().is_some_and(letter);
        (!before && !after).then_some(end)
    })
}

/// Hides the values of secret names, however deep they stand (the wire's parser bounds the depth).
pub(crate) fn value(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let shown = |(name, field): (&String, &Value)| {
                let field = match field {
                    _ if is_secret(name) => HIDDEN.into(),
                    Value::String(text) if name == SCRIPT => length(text).into(),
                    field => self::value(field),
                };
                (name.clone(), field)
            };
            Value::Object(fields.iter().map(shown).collect())
        }
        Value::Array(items) => items.iter().map(self::value).collect(),
        Value::String(text) => self::text(text).into(),
        other => other.clone(),
    }
}

/// Hides in a text what may be a secret: of each line what follows a secret name, the next lines where that line goes on in them
/// or begins a here-document, keys in PEM, and what stands for user and password in an address. It hides too much rather than
/// too little: a quoted secret has spaces in it. What has no name (`-pSECRET`, `-u user:SECRET`) is not seen.
pub(crate) fn text(text: &str) -> String {
    let mut hidden = Until::Shown;
    text.split_inclusive('\n').map(|line| hidden.next(line)).collect()
}

/// How far the secret goes in which the next line may stand.
enum Until {
    Shown,
    /// The line before goes on in this one.
    NextLine,
    /// A key's last line.
    PemEnd,
    /// The line that ends a here-document.
    Delimiter(String),
}

impl Until {
    /// The line as it may be shown.
    fn next(&mut self, line: &str) -> String {
        let end = if line.ends_with('\n') { "\n" } else { "" };
        let hidden = || format!("{HIDDEN}{end}");
        match self {
            Self::PemEnd => {
                if line.contains(PEM[1]) {
                    *self = Self::Shown;
                }
                hidden()
            }
            Self::NextLine => {
                if !goes_on(line) {
                    *self = Self::Shown;
                }
                hidden()
            }
            Self::Delimiter(word) if line.trim() == word => {
                *self = Self::Shown;
                line.to_owned()
            }
            Self::Delimiter(_) => hidden(),
            Self::Shown => self.first(line, end),
        }
    }

    fn first(&mut self, line: &str, end: &str) -> String {
        if let Some(shown) = line.split_once(PEM[0]).map(|(before, _)| before) {
            if !line.contains(PEM[1]) {
                *self = Self::PemEnd;
            }
            return format!("{}{HIDDEN}{end}", without_credentials(&without_rest(shown)));
        }
        let shown = without_rest(line);
        if let Some(word) = here_document(line) {
            *self = Self::Delimiter(word);
        } else if goes_on(line) && names_a_secret(line) {
            *self = Self::NextLine;
        }
        without_credentials(&shown)
    }
}

fn goes_on(line: &str) -> bool {
    line.trim_end_matches(['\n', '\r']).ends_with('\\')
}

fn names_a_secret(line: &str) -> bool {
    secret_end(line).is_some()
}

/// The word that ends the document which begins behind this line: `<<EOF`, `<<-'EOF'`; not `<<<`.
fn here_document(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("<<").filter(|(_, rest)| !rest.starts_with('<'))?;
    let rest = rest.trim_start_matches('-').trim_start();
    let word: String = rest
        .chars()
        .filter(|c| !"'\"\\".contains(*c))
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect();
    (!word.is_empty()).then_some(word)
}

/// Where the first secret name of a line ends.
fn secret_end(line: &str) -> Option<usize> {
    let lower = lowered(line);
    let words =
        WORDS.iter().chain(&HEADERS).filter_map(|word| lower.find(word).map(|start| start + word.len()));
    words.chain(PARTS.iter().filter_map(|part| part_end(&lower, part))).min()
}

/// The line up to the first secret name that something follows.
fn without_rest(line: &str) -> String {
    let Some((shown, rest)) = secret_end(line).and_then(|end| line.split_at_checked(end)) else {
        return line.to_owned();
    };
    if rest.trim().trim_end_matches('\\').trim().is_empty() {
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
            ("mysql --password \\\n  k1 \\\n  k2\nls", "mysql --password \\\n(hidden)\n(hidden)\nls"),
            ("cat > x <<'EOF'\nuser=a\nk1\nEOF\nls", "cat > x <<'EOF'\n(hidden)\n(hidden)\nEOF\nls"),
            (
                "-----BEGIN RSA PRIVATE KEY-----\nk1\n-----END RSA PRIVATE KEY-----\nls",
                "(hidden)\n(hidden)\n(hidden)\nls",
            ),
            ("DB_PWD=k1 DB=x", "DB_PWD(hidden)"),
            ("x --pass k1", "x --pass(hidden)"),
            ("x --auth=k1", "x --auth(hidden)"),
            ("x --private-key k1", "x --private-key(hidden)"),
            ("pwd", "pwd"),
            ("ls /usr/bin/bypass authors", "ls /usr/bin/bypass authors"),
            ("grep x <<< word", "grep x <<< word"),
        ] {
            assert_eq!(text(given), shown);
        }
    }

    #[test]
    fn texts_of_safe_commands_are_looked_through_too() {
        let given = json!({"package": "https://me:k1@host/x.deb", "filter": ["token=k1"]});
        assert_eq!(
            value(&given),
            json!({"package": "https://(hidden)@host/x.deb", "filter": ["token(hidden)"]})
        );
        let script = json!({"execution_id": "a", "script": "mysql -uroot -pk1"});
        assert_eq!(value(&script), json!({"execution_id": "a", "script": "(17 bytes)"}));
    }

    proptest! {
        #[test]
        fn what_follows_a_secret_name_is_never_shown(before in "[^\n<]{0,20}", after in "[ =:]\"?[A-Z]{1,9}[^\n<\\\\]{0,9}") {
            let shown = text(&format!("{before}password{after}\nlast"));
            prop_assert!(!shown.contains(&format!("password{after}")) && shown.ends_with("\nlast"), "{shown}");
        }

        #[test]
        fn any_text_is_taken(given in any::<String>()) {
            text(&given);
        }
    }
}
