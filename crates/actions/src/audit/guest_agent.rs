//! Records of commands of the QEMU guest agent's protocol.

use super::{AuditRecord, Origin, PARAMETERS_MAX_CHARS, Subject, redact};
use infiniservice_protocol::ErrorCode;
use std::time::Duration;

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

    #[test]
    fn a_record_tells_by_which_port_the_host_asked_and_what_came_of_it() {
        let done = AuditRecord::of_guest_agent("guest-shutdown", "", None, Duration::from_millis(7));
        assert_eq!((done.origin, done.success, done.code), (Origin::Qga, true, None));
        let refused = AuditRecord::of_guest_agent_refused("guest-exec");
        assert_eq!((refused.success, refused.code), (false, Some(ErrorCode::ActionBlocked)));
        assert!(line(&refused).contains("\"guest-exec\""), "{}", line(&refused));
    }
}
