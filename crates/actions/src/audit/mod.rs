//! One record for each command, refused ones and bad lines included: who asked for what, and what came of it.

#[cfg(target_os = "linux")]
mod journal;
#[cfg(target_os = "linux")]
pub use journal::of_this_machine;
#[cfg(target_os = "windows")]
mod windows;
#[cfg(target_os = "windows")]
pub use windows::of_this_machine;
#[cfg(any(target_os = "windows", test))]
mod events;
pub(crate) mod redact;
mod refused;

use crate::traced::Tracing;
use infiniservice_protocol::{ErrorCode, Response};
use std::time::Duration;

/// What a record is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A command.
    Command,
    /// A line of the host that was refused before it became one. What could not be read of it is empty.
    Line,
    /// This many refused lines beyond those that have records of their own; only their number is told, and they have
    /// no code.
    MoreLines(u64),
}

/// Who asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// The host, on the agent's own link.
    #[default]
    Host,
    /// The host, on the QEMU guest agent's port.
    Qga,
}

impl Origin {
    fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Qga => "qga",
        }
    }
}

/// What is recorded of one command. Parameters are shortened and hold no secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    /// What it is of.
    pub subject: Subject,
    /// Who asked.
    pub origin: Origin,
    /// The host's id.
    pub id: String,
    /// The action's name as it was sent, or `UnsafeCommand`.
    pub action: String,
    /// The parameters as compact JSON, cut at 512 characters.
    pub parameters: String,
    /// Whether it did what was asked.
    pub success: bool,
    /// Why not; none of [`Subject::MoreLines`].
    pub code: Option<ErrorCode>,
    /// The sentence of the refusal or failure, as the host was told it where it was answered; of [`Subject::MoreLines`] how
    /// many they are.
    pub error: Option<String>,
    /// Exit code of the program that ran.
    pub exit_code: Option<i32>,
    /// From start to end; zero for a refused one.
    pub duration: Duration,
    /// Captured output, both streams, before any cut.
    pub output_bytes: u64,
    /// The trace that it belongs to, 32 hexadecimal digits.
    pub trace_id: Option<String>,
}

impl AuditRecord {
    /// `ok` or the code; `None` of many lines, whose codes may differ.
    fn result(&self) -> Option<&'static str> {
        match (self.code, self.subject) {
            (Some(code), _) => Some(code.as_str()),
            (None, Subject::MoreLines(_)) => None,
            (None, _) => Some("ok"),
        }
    }
}

/// Takes records; called on the main thread, so it must not block.
pub trait Audit: Send + Sync {
    /// Takes one record.
    fn record(&self, record: &AuditRecord);
}

/// [`Audit`] into the log, one line each.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogAudit;

impl Audit for LogAudit {
    fn record(&self, record: &AuditRecord) {
        log::info!("{}", line(record));
    }
}

/// The record as one line; what comes from the host is quoted, so that it cannot forge a second line.
fn line(record: &AuditRecord) -> String {
    let result = record.result().unwrap_or_default();
    let AuditRecord { subject, id, action, duration, output_bytes, .. } = record;
    let error = record.error.as_ref().map(|error| format!("; {error:?}")).unwrap_or_default();
    match subject {
        Subject::Command => {}
        Subject::Line => return format!("refused line {action:?} id {id:?}: {result}{error}"),
        Subject::MoreLines(count) => return format!("{count} more lines of the host were refused"),
    }
    let trace = record.trace_id.as_ref().map(|trace| format!(", trace {trace}")).unwrap_or_default();
    format!(
        "command {action:?} id {id:?}: {result} in {} ms, {output_bytes} bytes of output{trace}{error}",
        duration.as_millis()
    )
}

/// The longest text of parameters that is kept.
const PARAMETERS_MAX_CHARS: usize = 512;

/// What of a command is known before it runs.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) action: String,
    pub(super) parameters: String,
    pub(super) tracing: Option<Tracing>,
}

impl Asked {
    pub(super) fn new(action: &str, parameters: &str) -> Self {
        let cut = |text: &str| text.chars().take(PARAMETERS_MAX_CHARS).collect();
        Self { action: cut(&redact::text(action)), parameters: cut(parameters), tracing: None }
    }

    /// The same, with its place in a trace.
    pub(super) fn traced(self, tracing: Option<Tracing>) -> Self {
        Self { tracing, ..self }
    }

    /// Tells in an answer that is made now where the time went.
    pub(super) fn stamp(&self, response: &mut Response) {
        response.trace = self.tracing.as_ref().map(|tracing| Box::new(tracing.told()));
    }

    /// The record of this command, once answered.
    pub(super) fn answered(&self, response: &Response) -> AuditRecord {
        let total = |text: &str, bytes: Option<u64>| bytes.unwrap_or(text.len() as u64);
        AuditRecord {
            subject: Subject::Command,
            origin: Origin::Host,
            id: response.id.clone(),
            action: self.action.clone(),
            parameters: self.parameters.clone(),
            success: response.success,
            code: response.error_code,
            error: response.error.as_deref().map(redact::text),
            exit_code: response.exit_code,
            duration: Duration::from_millis(response.execution_time_ms),
            output_bytes: total(&response.stdout, response.stdout_bytes)
                + total(&response.stderr, response.stderr_bytes),
            trace_id: self.tracing.as_ref().map(|tracing| tracing.context().trace_id().to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_id_cannot_forge_a_line_of_the_log() {
        let response =
            Response::failed("a\nroot logged in", "X", ErrorCode::UnknownAction, "no such\naction");
        let text = line(&Asked::new("X\n", "{}").answered(&response));
        assert!(!text.contains('\n'), "{text}");
        assert!(text.contains("UNKNOWN_ACTION"), "{text}");
    }

    #[test]
    fn an_error_that_quotes_a_secret_is_recorded_without_it() {
        let error = "`package` must be a name, not \"https://me:k1@host/x?token=k2\"";
        let response = Response::failed("a", "PackageInstall", ErrorCode::InvalidParameter, error);
        let record = Asked::new("PackageInstall", "{}").answered(&response);
        let shown = format!("{} {}", record.error.clone().unwrap(), line(&record));
        assert!(
            !shown.contains("k1") && !shown.contains("k2") && shown.contains("must be a name"),
            "{shown}"
        );
    }

    #[test]
    fn long_parameters_are_cut() {
        assert_eq!(Asked::new("X", &"é".repeat(10_000)).parameters.chars().count(), 512);
    }
}
