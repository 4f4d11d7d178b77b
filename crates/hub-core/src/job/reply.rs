//! A guest's answer to a command of a job, read as far as its outcome depends on it.

use super::MAX_RESULT_BYTES;
use super::target::Outcome;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::borrow::Cow;

/// Longest sentence of a guest's that is kept beside an outcome, in bytes.
const MAX_TEXT_BYTES: usize = 512;
/// What is kept of a program's output where the answer is too long, in bytes.
const MAX_OUTPUT_BYTES: usize = 8 << 10;

/// `response` or `batch_result`.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// The command's id.
    pub id: String,
    /// The stable code of a failure; `None` for a success.
    pub code: Option<String>,
    /// The guest's sentence about it.
    pub text: Option<String>,
    /// `data.already_answered` of a `DUPLICATE_ID`.
    pub already_answered: bool,
    /// `data.outcome` of the answer to a `Cancel`.
    pub cancel: Option<String>,
    /// The answer as it is kept.
    pub result: String,
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    success: bool,
    #[serde(default, borrow)]
    error_code: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    error: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    data: Option<&'a RawValue>,
    #[serde(default)]
    exit_code: Option<i64>,
    #[serde(default, borrow)]
    stdout: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    stderr: Option<Cow<'a, str>>,
}

#[derive(Default, Deserialize)]
struct Data {
    #[serde(default)]
    already_answered: bool,
    #[serde(default)]
    outcome: Option<String>,
}

impl Reply {
    /// Reads a line that is one.
    ///
    /// # Errors
    /// Where it is not.
    pub fn read(line: &str) -> Result<Self, String> {
        let read: Line =
            serde_json::from_str(line).map_err(|error| format!("the line is no answer: {error}"))?;
        let text = read.error.as_deref().map(|text| head(text, MAX_TEXT_BYTES).to_owned());
        let code =
            (!read.success).then(|| read.error_code.as_deref().unwrap_or("EXECUTION_FAILED").to_owned());
        // Only these have something in `data` that matters here, and they are short.
        let data = read.data.filter(|data| data.get().len() < 256);
        let data: Data = data.and_then(|data| serde_json::from_str(data.get()).ok()).unwrap_or_default();
        let result = if line.len() <= MAX_RESULT_BYTES { line.trim_end().to_owned() } else { cut(&read) };
        let (already_answered, cancel) = (data.already_answered, data.outcome);
        Ok(Self { id: read.id.into_owned(), code, text, already_answered, cancel, result })
    }

    /// How it ended, by the guest's words alone; `None` where the guest has not taken the command.
    pub(super) fn outcome(&self) -> Option<Outcome> {
        Some(match self.code.as_deref() {
            None => Outcome::Answered,
            Some("QUEUE_FULL") => return None,
            Some(
                "INVALID_JSON" | "INVALID_MESSAGE" | "MESSAGE_TOO_LARGE" | "UNKNOWN_TYPE" | "UNKNOWN_ACTION"
                | "INVALID_PARAMETER" | "UNSAFE_DISABLED" | "ACTION_BLOCKED" | "UNSUPPORTED"
                | "SIGNATURE_INVALID",
            ) => Outcome::Refused,
            Some(_) => Outcome::Failed,
        })
    }
}

/// The text's first bytes, at most so many, cut between characters.
fn head(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or_default()
}

/// What is kept of an answer that is too long: how it ended, and the beginnings of its output.
fn cut(line: &Line<'_>) -> String {
    let part =
        |text: &Option<Cow<'_, str>>| text.as_deref().map(|text| head(text, MAX_OUTPUT_BYTES).to_owned());
    let members = json!({
        "id": line.id, "success": line.success, "exit_code": line.exit_code, "error_code": line.error_code,
        "error": part(&line.error), "stdout": part(&line.stdout), "stderr": part(&line.stderr), "cut": true,
    });
    let Value::Object(mut members) = members else { return String::new() };
    members.retain(|_, value| !value.is_null());
    Value::Object(members).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: &str) -> Option<Outcome> {
        let line = format!(r#"{{"type":"response","id":"j/a","success":false,"error_code":"{code}"}}"#);
        Reply::read(&line).unwrap().outcome()
    }

    #[test]
    fn a_guest_that_did_nothing_refused_and_one_that_tried_failed() {
        assert_eq!(of("ACTION_BLOCKED"), Some(Outcome::Refused));
        assert_eq!(of("TIMEOUT"), Some(Outcome::Failed));
        assert_eq!(of("OF_A_LATER_VERSION"), Some(Outcome::Failed));
        assert_eq!(of("QUEUE_FULL"), None);
        let done = Reply::read(r#"{"type":"batch_result","id":"j/a","success":true,"outcomes":[]}"#).unwrap();
        assert_eq!((done.outcome(), done.code), (Some(Outcome::Answered), None));
    }

    #[test]
    fn an_answer_that_is_too_long_is_cut_and_says_so() {
        let out = "é".repeat(MAX_RESULT_BYTES);
        let line =
            format!(r#"{{"id":"j/a","success":false,"error":"{out}","stdout":"{out}","exit_code":3}}"#);
        let reply = Reply::read(&line).unwrap();
        let kept: Value = serde_json::from_str(&reply.result).unwrap();
        assert!(reply.result.len() < MAX_RESULT_BYTES && reply.text.unwrap().len() <= MAX_TEXT_BYTES);
        assert_eq!((&kept["cut"], &kept["exit_code"]), (&json!(true), &json!(3)));
        assert_eq!(kept["stdout"].as_str().unwrap().len(), MAX_OUTPUT_BYTES);
    }

    #[test]
    fn what_the_answers_about_ids_say_is_read() {
        let twice =
            r#"{"id":"j/a","success":false,"error_code":"DUPLICATE_ID","data":{"already_answered":true}}"#;
        assert!(Reply::read(twice).unwrap().already_answered);
        let cancel = r#"{"id":"x:j/a","success":true,"data":{"outcome":"cancelled"}}"#;
        assert_eq!(Reply::read(cancel).unwrap().cancel.as_deref(), Some("cancelled"));
        assert!(Reply::read(r#"{"id":7}"#).is_err());
    }
}
