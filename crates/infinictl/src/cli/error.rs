//! Errors as exit codes and as one sentence that a person can act on.

use crate::client::{ClientError, Heard};
use crate::fleet::FleetError;
use crate::hub::HubError;
use crate::qga::QgaError;
use crate::text::{sanitize, units};
use crate::watch::WatchError;
use infiniservice_protocol::{ErrorCode, Response};
use std::io;
use std::process::ExitCode;

/// The guest decides how long its sentence is, and a terminal has its limits.
const MAX_SENTENCE_COLUMNS: usize = 2000;

/// The action in the answer to a line that the guest did not look into.
const UNREAD: &str = "Unknown";
/// As shells tell a program that SIGINT ended.
const INTERRUPTED: u8 = 130;

/// Why the command did not do what was asked.
#[derive(Debug)]
pub(super) enum CliError {
    /// 1: the guest, or this machine, could not do it.
    Failed(String),
    /// 1: the guest answered with a failure.
    Refused(Box<Response>),
    /// 2: the command line makes no sense.
    Usage(String),
    /// 3 or 4, by the kind.
    Client(ClientError),
    /// 1, 3 or 4, by the kind: on the QEMU guest agent's channel.
    Qga(QgaError),
    /// 1 or 3, by the kind: of the host's infinihub.
    Hub(HubError),
    /// 1 or 3, by the kind: of a fleet of many hosts.
    Fleet(FleetError),
    /// 4: it took too long, with the sentence.
    TimedOut(String),
    /// 130: Ctrl-C, with what goes on in the guest.
    Interrupted(String),
    /// 0 to 3, by what the checks found, which is told already.
    Health(u8),
    /// 0: whoever read our output has enough.
    OutputClosed,
}

impl From<ClientError> for CliError {
    fn from(error: ClientError) -> Self {
        Self::Client(error)
    }
}

impl From<HubError> for CliError {
    fn from(error: HubError) -> Self {
        Self::Hub(error)
    }
}

impl From<FleetError> for CliError {
    fn from(error: FleetError) -> Self {
        Self::Fleet(error)
    }
}

impl From<infiniservice_engine::Error> for CliError {
    fn from(error: infiniservice_engine::Error) -> Self {
        Self::Fleet(error.into())
    }
}

impl From<QgaError> for CliError {
    fn from(error: QgaError) -> Self {
        Self::Qga(error)
    }
}

impl From<WatchError> for CliError {
    fn from(error: WatchError) -> Self {
        match error {
            WatchError::Client(error) => Self::Client(error),
            WatchError::Terminal(_) => Self::Failed(error.to_string()),
        }
    }
}

impl From<io::Error> for CliError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::OutputClosed,
            _ => Self::Failed(format!("cannot write the output: {error}")),
        }
    }
}

impl CliError {
    /// Says it on standard error, and gives the exit code.
    pub(super) fn report(&self) -> ExitCode {
        if !matches!(self, Self::OutputClosed | Self::Health(_)) {
            eprintln!("infinictl: {}", sanitize::fit(&self.sentence(), MAX_SENTENCE_COLUMNS));
        }
        if let Self::Refused(response) = self {
            let output = sanitize::lines(response.stderr.trim_end());
            output.lines().for_each(|line| eprintln!("  {line}"));
        }
        ExitCode::from(self.code())
    }

    fn code(&self) -> u8 {
        match self {
            Self::OutputClosed => 0,
            Self::Health(code) => *code,
            Self::Interrupted(_) => INTERRUPTED,
            Self::Refused(response) if response.error_code == Some(ErrorCode::Timeout) => 4,
            Self::Failed(_)
            | Self::Refused(_)
            | Self::Fleet(FleetError::Engine(_))
            | Self::Hub(HubError::Refused { .. } | HubError::Unreadable { .. })
            | Self::Client(ClientError::Refused { .. } | ClientError::WrongAnswer { .. })
            | Self::Qga(QgaError::Refused { .. } | QgaError::Unreadable { .. } | QgaError::TooLong { .. }) => {
                1
            }
            Self::Usage(_) => 2,
            Self::Client(ClientError::NoConnection { .. } | ClientError::Closed { .. })
            | Self::Hub(HubError::NoConnection { .. })
            | Self::Fleet(FleetError::NoConnection(_))
            | Self::Qga(QgaError::NoConnection { .. } | QgaError::Closed { .. }) => 3,
            Self::Client(ClientError::TimedOut { .. })
            | Self::Qga(QgaError::Silent { .. } | QgaError::TimedOut { .. })
            | Self::TimedOut(_) => 4,
        }
    }

    /// What a person is told, not cleaned yet.
    pub(super) fn sentence(&self) -> String {
        match self {
            Self::Failed(text) | Self::Usage(text) | Self::TimedOut(text) | Self::Interrupted(text) => {
                text.clone()
            }
            Self::Refused(response) => refused(response),
            Self::Client(error @ ClientError::TimedOut { heard, .. }) => {
                format!("{error}: {}", advice(heard))
            }
            Self::Client(error @ ClientError::Refused { code, .. }) => format!("{error}{}", hint(*code)),
            Self::Client(error) => error.to_string(),
            Self::Qga(error) => error.to_string(),
            Self::Hub(error) => error.to_string(),
            Self::Fleet(error) => error.to_string(),
            Self::OutputClosed | Self::Health(_) => String::new(),
        }
    }
}

fn refused(response: &Response) -> String {
    let error = response.error.as_deref().unwrap_or("the guest gives no reason");
    let code = response.error_code.map(|code| code.to_string());
    let exit = response.exit_code.map(|code| format!("exit code {code}"));
    let marks: Vec<String> = code.into_iter().chain(exit).collect();
    let code = if marks.is_empty() { String::new() } else { format!(" ({})", marks.join(", ")) };
    let action = &response.command_type;
    let hint = if still_runs(response) {
        format!(": {}, and with --wait infinictl waits for its end", how_to_look(&response.id))
    } else {
        hint(response.error_code).to_owned()
    };
    if action == UNREAD {
        format!("the guest refused it: {error}{code}{hint}")
    } else if error.starts_with(action.as_str()) {
        format!("{error}{code}{hint}")
    } else {
        format!("{action} failed: {error}{code}{hint}")
    }
}

/// What to do about a refusal, where this end can do something.
const fn hint(code: Option<ErrorCode>) -> &'static str {
    match code {
        Some(ErrorCode::SignatureInvalid) => {
            "; infinictl signs its lines only with --secret-file, which names the file with the guest's secret, \
             and seals them only with --seal-key and --guest-key"
        }
        _ => "",
    }
}

/// What to check when no answer came.
pub(super) fn advice(heard: &Heard) -> String {
    match heard {
        Heard { error: Some(error), .. } => format!("the guest said: {error}"),
        Heard { lines: 0, silent_for: Some(silence), .. } => format!(
            "the guest answered before, but has been silent for {}: its agent was stopped, or the machine \
             hangs or is paused",
            units::age(silence.as_secs())
        ),
        Heard { lines: 0, .. } => {
            "received nothing from the guest; check that infiniservice runs in it, and that no other \
             program holds this channel"
                .into()
        }
        Heard { unreadable: Some(reason), .. } => {
            format!("meanwhile a line from the guest could not be parsed: {reason}")
        }
        Heard { lines, .. } => format!(
            "the guest is alive ({lines} lines arrived meanwhile); try a \
            longer --wait"
        ),
    }
}

/// How to see later what came of a change.
pub(super) fn how_to_look(id: &str) -> String {
    format!("`infinictl package status --id {id}` shows the result")
}

/// Whether the guest goes on with what it answers `TIMEOUT` for.
pub(super) fn still_runs(response: &Response) -> bool {
    let said = response.data.get("still_running").and_then(serde_json::Value::as_bool);
    response.error_code == Some(ErrorCode::Timeout) && said == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn timed_out(heard: Heard) -> CliError {
        let after = Duration::from_secs(10);
        CliError::Client(ClientError::TimedOut {
            endpoint: "the socket /s".into(),
            what: "Metrics".into(),
            after,
            heard: Box::new(heard),
        })
    }

    #[test]
    fn a_silent_guest_and_a_slow_one_are_told_apart() {
        let silent = timed_out(Heard::default());
        assert_eq!(silent.code(), 4);
        assert!(
            silent
                .sentence()
                .starts_with("no answer to Metrics from the socket /s within 10 s: received nothing")
        );
        assert!(timed_out(Heard { lines: 3, ..Heard::default() }).sentence().contains("3 lines arrived"));
        assert!(
            timed_out(Heard { lines: 1, error: Some("unsigned".into()), ..Heard::default() })
                .sentence()
                .contains("unsigned")
        );
    }

    #[test]
    fn a_guest_that_answered_before_is_not_called_silent() {
        let heard = Heard { silent_for: Some(Duration::from_secs(61)), ..Heard::default() };
        let said = timed_out(heard).sentence();
        assert!(
            said.contains("has been silent for 1 min 1 s") && !said.contains("received nothing"),
            "{said}"
        );
    }

    #[test]
    fn a_refusal_names_the_action_and_its_code() {
        let response =
            Response::failed("1", "ServiceControl", ErrorCode::NotFound, "there is no nginx.service");
        let error = CliError::Refused(Box::new(response));
        assert_eq!(error.code(), 1);
        assert_eq!(error.sentence(), "ServiceControl failed: there is no nginx.service (NOT_FOUND)");
        let unread = Response::failed("1", "Unknown", ErrorCode::SignatureInvalid, "the line is not signed");
        let said = CliError::Refused(Box::new(unread)).sentence();
        assert!(said.starts_with(
            "the guest refused it: the line is not signed (SIGNATURE_INVALID); infinictl signs"
        ));
    }

    #[test]
    fn a_guest_that_timed_out_is_a_timeout() {
        let response = Response::failed("1", "ProcessList", ErrorCode::Timeout, "late");
        assert_eq!(CliError::Refused(Box::new(response)).code(), 4);
    }
}
