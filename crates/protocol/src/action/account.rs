//! Parameters that name a domain and who may join it, and the password that must not be shown.

use super::parameter::{ParamError, Params};
use crate::parse::{describe, quote};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;

/// Longest name of a domain, in characters (RFC 1035).
pub const MAX_DOMAIN_CHARS: usize = 253;
/// Longest password, in characters.
pub const MAX_PASSWORD_CHARS: usize = 256;
/// Longest name of a computer in a domain, in characters (`NetBIOS`).
pub const MAX_COMPUTER_CHARS: usize = 15;

/// A password as a host sends it. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Password(String);

impl Password {
    /// Wraps the text.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself, for who checks it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(not shown)")
    }
}

impl Params<'_> {
    /// A domain's name in the DNS, which must be there.
    pub(super) fn domain(&self, name: &'static str, max: usize) -> Result<String, ParamError> {
        let text = self.required_text(name, max)?;
        let is_label = |label: &str| {
            !label.is_empty()
                && !label.starts_with('-')
                && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        };
        if text.split('.').all(is_label) {
            return Ok(text);
        }
        Err(ParamError::must(name, "be a domain's name of letters, digits, - and .", &quote(&text)))
    }

    /// A user's name: bare, `user@domain` or `DOMAIN\user`.
    pub(super) fn account(&self, name: &'static str, max: usize) -> Result<String, ParamError> {
        let text = self.required_text(name, max)?;
        if text.contains('=') {
            let must = "be a user's name, user@domain or DOMAIN\\user; a distinguished name (LDAP) is none";
            return Err(ParamError::must(name, must, &quote(&text)));
        }
        if text.starts_with('-') || text.contains(['/', ',', '"']) {
            return Err(ParamError::must(
                name,
                "be a user's name, user@domain or DOMAIN\\user",
                &quote(&text),
            ));
        }
        Ok(text)
    }

    /// A name for a computer.
    pub(super) fn computer(&self, name: &'static str, max: usize) -> Result<Option<String>, ParamError> {
        let Some(text) = self.text(name, max)? else { return Ok(None) };
        let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if plain && !text.starts_with('-') {
            return Ok(Some(text));
        }
        Err(ParamError::must(name, "be of letters, digits and -, and not start with -", &quote(&text)))
    }

    /// A distinguished name, such as `OU=Servers,DC=lab,DC=example`.
    pub(super) fn distinguished(&self, name: &'static str, max: usize) -> Result<Option<String>, ParamError> {
        let Some(text) = self.text(name, max)? else { return Ok(None) };
        if text.contains('=') && !text.starts_with('-') {
            return Ok(Some(text));
        }
        Err(ParamError::must(
            name,
            "be a distinguished name such as OU=Servers,DC=lab,DC=example",
            &quote(&text),
        ))
    }

    /// A password, which must be there. What is wrong with one is told without it.
    pub(super) fn password(&self, name: &'static str, max: usize) -> Result<Password, ParamError> {
        let text = match self.0.get(name) {
            Some(Value::String(text)) => text,
            None | Some(Value::Null) => {
                return Err(ParamError::invalid(name, format!("`{name}` is missing; it must be a string")));
            }
            Some(other) => {
                let kind = describe(other);
                let kind = kind.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
                return Err(ParamError::must(name, "be a string", &kind));
            }
        };
        if text.is_empty() || text.chars().nth(max).is_some() || text.chars().any(char::is_control) {
            let must = format!("have 1 to {max} characters, none of them a control character");
            return Err(ParamError::invalid(name, format!("`{name}` must {must}")));
        }
        Ok(Password(text.clone()))
    }
}

#[cfg(test)]
mod tests {
    use crate::Action;
    use serde_json::{Map, Value, json};

    fn parse(change: &[(&str, Value)]) -> Result<Action, String> {
        let whole = json!({"domain": "lab.example", "username": "ops", "password": "s3cret"});
        let mut params: Map<String, Value> = whole.as_object().unwrap().clone();
        params.extend(change.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        Action::parse("JoinDomain", &params).map_err(|error| error.message)
    }

    #[test]
    fn names_are_those_of_domains_users_and_computers() {
        for user in ["ops", "ops@lab.example", "LAB\\ops", "First Last"] {
            assert!(parse(&[("username", json!(user))]).is_ok(), "{user}");
        }
        let refused = [
            ("domain", json!("lab.example; reboot"), "letters, digits"),
            ("domain", json!("-lab.example"), "letters, digits"),
            ("domain", json!("lab..example"), "letters, digits"),
            ("username", json!("CN=ops,DC=lab,DC=example"), "a distinguished name (LDAP) is none"),
            ("username", json!("--server=x"), "a distinguished name (LDAP) is none"),
            ("username", json!("-x"), "be a user's name"),
            ("computer_name", json!("web_1"), "letters, digits and -"),
            ("computer_name", json!("a-name-of-sixteen"), "at most 15 characters"),
            ("ou", json!("Servers"), "a distinguished name such as"),
        ];
        for (name, value, why) in refused {
            let error = parse(&[(name, value.clone())]).unwrap_err();
            assert!(error.contains(why), "{name} {value}: {error}");
        }
    }

    #[test]
    fn a_password_is_in_no_message_about_it_nor_in_what_is_logged_of_the_action() {
        for wrong in [json!(12_345_678), json!(""), json!("pass\u{7}word-12345678"), json!(["12345678"])] {
            let error = parse(&[("password", wrong.clone())]).unwrap_err();
            assert!(!error.contains("12345678"), "{wrong}: {error}");
        }
        assert!(!format!("{:?}", parse(&[]).unwrap()).contains("s3cret"));
    }
}
