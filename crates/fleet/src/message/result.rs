//! How a machine's part of an order ended.

use super::order::{Wrong, wrong};
use crate::MAX_RESULT_BYTES;
use infiniservice_hub_core::job::Outcome;
use serde::{Deserialize, Serialize};

/// Longest sentence and code in a result, in bytes.
const MAX_TEXT_BYTES: usize = 4 << 10;

/// How a machine's part of an order ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetResult {
    /// The order's id.
    pub job: String,
    /// The hub that had the machine; [`crate::subject::NOWHERE`] where none had it.
    pub hub: String,
    /// The machine.
    pub vm: String,
    /// How it ended.
    pub outcome: Outcome,
    /// The guest's code, where it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// In a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The guest's answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// When its command was handed to the guest, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at_ms: Option<u64>,
    /// When it ended, in milliseconds since 1970.
    pub ended_at_ms: u64,
    /// The wave that it was in.
    pub wave: u32,
    /// The place of its command in a trace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// The coordinator that says so, where it is not the hub's own word. The hub's, when it comes, counts instead of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coordinator: Option<String>,
}

impl TargetResult {
    /// Reads one that came over the engine.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(bytes: &[u8]) -> Result<Self, Wrong> {
        let result: Self = serde_json::from_slice(bytes).map_err(|error| wrong("job", error.to_string()))?;
        let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        for (field, text, most) in [
            ("result", &result.result, MAX_RESULT_BYTES),
            ("text", &result.text, MAX_TEXT_BYTES),
            ("code", &result.code, MAX_TEXT_BYTES),
        ] {
            if length(text) > most {
                let error = format!("`{field}` has {} bytes; at most {most} are allowed", length(text));
                return Err(wrong(field, error));
            }
        }
        Ok(result)
    }

    /// Its subject.
    pub fn subject(&self) -> String {
        crate::subject::result(&self.job, &self.hub, &self.vm)
    }

    /// The id by which the engine stores it once. A coordinator's word and the hub's are two.
    pub fn id(&self) -> String {
        let id = crate::subject::result_id(&self.job, &self.hub, &self.vm);
        if self.coordinator.is_some() { format!("{id}/by") } else { id }
    }

    /// Whether it is the hub's own word.
    pub const fn is_of_hub(&self) -> bool {
        self.coordinator.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_is_short_and_has_what_it_needs() {
        let text =
            r#"{"job":"j","hub":"h","vm":"web","outcome":"answered","result":"x","ended_at_ms":1,"wave":0}"#;
        let result = TargetResult::read(text.as_bytes()).unwrap();
        assert_eq!(crate::message::text(&result), text);
        assert_eq!((result.subject().as_str(), result.id().as_str()), ("infini.v1.res.j.h.web", "j/h/web"));
        let word = TargetResult { coordinator: Some("c".into()), ..result.clone() };
        assert_eq!((word.id().as_str(), word.is_of_hub()), ("j/h/web/by", false));
        let long = TargetResult { result: Some("x".repeat(MAX_RESULT_BYTES + 1)), ..result };
        let read = TargetResult::read(crate::message::text(&long).as_bytes());
        assert_eq!(read.unwrap_err().field, "result");
    }
}
