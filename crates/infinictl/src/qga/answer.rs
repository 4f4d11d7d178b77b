//! Requests and answers, each one JSON object.

use super::error::QgaError;
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, IgnoredAny};
use serde_json::{Value, json};

/// Most values of an answer that is read. Each may take some hundred bytes of memory, and the guest decides how many there are;
/// a machine with a thousand interfaces has a hundred thousand.
const MAX_VALUES: usize = 262_144;

/// A command with its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    command: String,
    text: String,
}

impl Request {
    /// By its name; `Null` where it has no arguments.
    pub fn new(command: &str, arguments: Value) -> Self {
        let request = match arguments {
            Value::Null => json!({ "execute": command }),
            arguments => json!({ "execute": command, "arguments": arguments }),
        };
        Self { command: command.to_owned(), text: request.to_string() }
    }

    /// A text that is sent as it is. What is no whole request would never be answered, so it is refused with the reason.
    ///
    /// # Errors
    /// It is not one JSON object with a text `execute`.
    pub fn raw(text: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Raw {
            execute: String,
        }
        let text = text.trim();
        if !text.starts_with('{') {
            return Err("must be a JSON object with \"execute\"".into());
        }
        let raw: Raw = serde_json::from_str(text).map_err(|error| error.to_string())?;
        Ok(Self { command: raw.execute, text: text.to_owned() })
    }

    /// A sync whose answer has a mark before it.
    pub(super) fn sync(id: i64) -> Self {
        Self::new("guest-sync-delimited", json!({ "id": id }))
    }

    /// The command's name.
    pub fn command(&self) -> &str {
        &self.command
    }

    /// What is sent, without the end of its line.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// Whether this is the answer to that sync.
pub(super) fn is_sync(line: &[u8], request: &Request) -> bool {
    #[derive(Deserialize)]
    struct Asked {
        arguments: Id,
    }
    #[derive(Deserialize)]
    struct Id {
        id: i64,
    }
    let asked = serde_json::from_str::<Asked>(request.text());
    let told = serde_json::from_slice::<Returned<i64>>(line);
    asked.is_ok_and(|asked| told.is_ok_and(|told| told.result == asked.arguments.id))
}

/// A command's result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    line: String,
}

#[derive(Deserialize)]
struct Returned<T> {
    #[serde(rename = "return")]
    result: T,
}

impl Answer {
    /// The whole line as it came, without its end.
    pub fn line(&self) -> &str {
        &self.line
    }

    /// What it returns.
    ///
    /// # Errors
    /// It is of another shape, or has more values than are read.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, String> {
        let returned: Returned<T> = serde_json::from_str(&self.line).map_err(|error| error.to_string())?;
        Ok(returned.result)
    }
}

/// An answer, or a refusal.
pub(super) enum Content {
    Returned(Answer),
    Refused { class: String, desc: String, line: String },
}

/// What a line may be. Only whether there is a result is looked at.
#[derive(Deserialize)]
struct Envelope {
    #[serde(default, rename = "return", deserialize_with = "is_there")]
    returned: bool,
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    class: String,
    #[serde(default)]
    desc: String,
}

fn is_there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_any| true)
}

impl Content {
    /// Reads a line; `None`: it is an object of another kind.
    pub(super) fn read(line: Vec<u8>, command: &str) -> Result<Option<Self>, QgaError> {
        let unreadable = |reason: String| QgaError::Unreadable { command: command.to_owned(), reason };
        let line = String::from_utf8(line).map_err(|error| unreadable(error.utf8_error().to_string()))?;
        if line.bytes().filter(|byte| matches!(byte, b',' | b'[' | b'{')).count() > MAX_VALUES {
            return Err(unreadable(format!("it has more than {MAX_VALUES} values")));
        }
        // A list would pass for an object whose members have no names.
        if !line.starts_with('{') {
            return Err(unreadable("it is no JSON object".into()));
        }
        let envelope: Envelope =
            serde_json::from_str(&line).map_err(|error| unreadable(error.to_string()))?;
        Ok(match envelope {
            Envelope { error: Some(Refusal { class, desc }), .. } => {
                Some(Self::Refused { class, desc, line })
            }
            Envelope { returned: true, .. } => Some(Self::Returned(Answer { line })),
            Envelope { .. } => None,
        })
    }

    pub(super) fn into_result(self, command: &str) -> Result<Answer, QgaError> {
        match self {
            Self::Returned(answer) => Ok(answer),
            Self::Refused { class, desc, line } => {
                Err(QgaError::Refused { command: command.to_owned(), class, desc, line })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Answer, QgaError> {
        let content = Content::read(line.as_bytes().to_vec(), "guest-x")?;
        content.expect("an answer").into_result("guest-x")
    }

    #[test]
    fn an_answer_is_a_result_or_an_error_with_its_class() {
        assert_eq!(read("{\"return\": {}}").unwrap().line(), "{\"return\": {}}");
        assert_eq!(read("{\"return\": 7, \"id\": null}").unwrap().read::<i64>(), Ok(7));
        assert!(read("{\"return\": null}").is_ok());
        let refused = read(r#"{"error": {"class": "GenericError", "desc": "no"}, "id": 3}"#).unwrap_err();
        assert!(
            matches!(refused, QgaError::Refused { class, desc, .. } if class == "GenericError" && desc == "no")
        );
        assert!(
            Content::read(b"{\"event\": \"X\"}".to_vec(), "guest-x").is_ok_and(|content| content.is_none())
        );
    }

    #[test]
    fn what_is_no_answer_or_has_too_many_values_is_not_read() {
        for line in ["", "x", "[true, null]", "{\"return\": 1", "{\"error\": 5}", "{\"return\": 1} {}"] {
            assert!(matches!(read(line), Err(QgaError::Unreadable { .. })), "{line}");
        }
        let many = format!("{{\"return\": [{}]}}", vec!["{}"; MAX_VALUES].join(","));
        assert!(matches!(read(&many), Err(QgaError::Unreadable { .. })));
        let not_text = Content::read(b"{\"return\": \"\xc3\"}".to_vec(), "guest-x");
        assert!(matches!(not_text, Err(QgaError::Unreadable { .. })));
    }

    #[test]
    fn only_a_whole_request_is_sent() {
        let request = Request::raw(" {\"execute\": \"guest-ping\",\n \"id\": 1}\n").unwrap();
        assert_eq!(
            (request.command(), request.text()),
            ("guest-ping", "{\"execute\": \"guest-ping\",\n \"id\": 1}")
        );
        for wrong in
            ["", "guest-ping", "{\"execute\": \"guest-ping\"", "[\"guest-ping\"]", "{}", "{\"execute\": 1}"]
        {
            assert!(Request::raw(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_sync_is_known_by_its_number() {
        let request = Request::sync(77);
        assert!(is_sync(b"{\"return\": 77}", &request));
        for other in [&b"{\"return\": 78}"[..], b"{\"return\": {}}", b"{\"error\": {}}", b"77"] {
            assert!(!is_sync(other, &request));
        }
    }
}
