//! Records of lines that were refused before they became commands.

use super::{AuditRecord, Origin, PARAMETERS_MAX_CHARS, Subject, redact};
use infiniservice_protocol::{ErrorCode, Rejection};
use serde_json::{Value, json};
use std::time::Duration;

/// Where a line's variables begin: of these only a whole command's names are told.
const VARIABLES: &str = "env_vars";

impl AuditRecord {
    /// The record of a refused line: what could be read of it, without secrets.
    pub fn of_refused(rejection: &Rejection) -> Self {
        Self {
            id: rejection.id.clone().unwrap_or_default(),
            action: cut(&redact::text(rejection.command_type.as_deref().unwrap_or_default())),
            parameters: rejection.details.as_ref().map(details).unwrap_or_default(),
            code: Some(rejection.code),
            error: Some(cut(&redact::text(&rejection.error))),
            ..Self::empty(Subject::Line)
        }
    }

    /// The record of `count` refused lines that have none of their own; no code, as they may differ in it.
    pub fn of_more_refused(count: u64) -> Self {
        let error = Some(format!("{count} more lines of the host were refused"));
        Self { error, ..Self::empty(Subject::MoreLines(count)) }
    }

    pub(super) fn empty(subject: Subject) -> Self {
        Self {
            subject,
            origin: Origin::Host,
            id: String::new(),
            action: String::new(),
            parameters: String::new(),
            success: false,
            code: None,
            error: None,
            exit_code: None,
            duration: Duration::ZERO,
            output_bytes: 0,
            trace_id: None,
        }
    }
}

fn cut(text: &str) -> String {
    text.chars().take(PARAMETERS_MAX_CHARS).collect()
}

/// The field that is wrong, or where the line cannot be read, with its start.
fn details(details: &Value) -> String {
    let mut shown = redact::value(details);
    if let Some(start) = details.get("line_start").and_then(Value::as_str) {
        shown["line_start"] = json!(line_start(start));
    }
    cut(&shown.to_string())
}

fn line_start(start: &str) -> String {
    let shown = match start.find(VARIABLES) {
        Some(at) => format!("{}{VARIABLES}(hidden)", start.get(..at).unwrap_or_default()),
        None => start.to_owned(),
    };
    redact::text(&shown)
}

impl AuditRecord {
    /// The record of a command that was carried out, or failed. `parameters` must hold no secrets.
    pub fn of_guest_agent(command: &str, parameters: &str, failure: Option<&str>, took: Duration) -> Self {
        let cut = |text: &str| text.chars().take(PARAMETERS_MAX_CHARS).collect::<String>();
        Self {
            origin: Origin::Qga,
            action: cut(command),
            parameters: cut(&redact::text(parameters)),
            success: failure.is_none(),
            code: failure.map(|_| ErrorCode::ExecutionFailed),
            error: failure.map(|error| cut(&redact::text(error))),
            duration: took,
            ..Self::empty(Subject::Command)
        }
    }

    /// The record of a command that the settings turn off.
    pub fn of_guest_agent_refused(command: &str) -> Self {
        let error = "this command of the QEMU guest agent's protocol is turned off";
        let failed = Self::of_guest_agent(command, "", Some(error), Duration::ZERO);
        Self { code: Some(ErrorCode::ActionBlocked), ..failed }
    }
}

#[cfg(test)]
mod tests {
    use super::super::line;
    use super::*;
    use infiniservice_protocol::{ErrorCode, parse_host_line};

    fn record(line: &str) -> AuditRecord {
        AuditRecord::of_refused(&parse_host_line(line).unwrap_err())
    }

    #[test]
    fn what_could_be_read_of_a_line_is_kept() {
        let record = record(r#"{"type":"SafeCommand","id":"i","command_type":{"action":"X"},"timeout":[]}"#);
        assert_eq!((record.subject, record.id.as_str(), record.action.as_str()), (Subject::Line, "i", "X"));
        assert_eq!((record.success, record.code), (false, Some(ErrorCode::InvalidMessage)));
        assert_eq!(record.parameters, r#"{"field":"timeout"}"#);
        assert!(record.error.unwrap().contains("timeout"));
    }

    #[test]
    fn of_a_line_that_cannot_be_read_its_start_is_kept_without_secrets() {
        for line in [
            r#"{"type":"UnsafeCommand","env_vars":{"K":"hunter2"},"raw_command""#,
            r#"{"type":"UnsafeCommand","raw_command":"x --password hunter2""#,
            r#"{"token":"hunter2", nonsense"#,
        ] {
            let record = record(line);
            assert_eq!(record.code, Some(ErrorCode::InvalidJson), "{record:?}");
            assert!(record.parameters.contains("line_start"), "{record:?}");
            assert!(!format!("{record:?}").contains("hunter2"), "{record:?}");
        }
    }

    #[test]
    fn a_variable_of_the_wrong_kind_leaves_nothing_of_its_value() {
        for variables in [r#"{"DB_PIN":12345678}"#, r#""DB_PIN=12345678""#, r#"{"DB_PIN=12345678":""}"#] {
            let record = record(&format!(
                r#"{{"type":"UnsafeCommand","id":"u","raw_command":"x","env_vars":{variables}}}"#
            ));
            assert!(!format!("{record:?}").contains("12345678"), "{record:?}");
        }
    }

    #[test]
    fn long_garbage_is_cut() {
        let record = record(&"\u{7f}".repeat(100_000));
        assert!(record.parameters.chars().count() <= PARAMETERS_MAX_CHARS);
    }

    #[test]
    fn a_record_tells_by_which_port_the_host_asked_and_what_came_of_it() {
        let done = AuditRecord::of_guest_agent("guest-shutdown", "", None, Duration::from_millis(7));
        assert_eq!((done.origin, done.success, done.code), (Origin::Qga, true, None));
        let refused = AuditRecord::of_guest_agent_refused("guest-exec");
        assert_eq!((refused.success, refused.code), (false, Some(ErrorCode::ActionBlocked)));
        assert!(line(&refused).contains("\"guest-exec\""), "{}", line(&refused));
    }
}
