//! What can go wrong between the host and the guest.

use infiniservice_protocol::{ErrorCode, Response};
use std::time::Duration;

/// Why a request has no answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[allow(missing_docs, reason = "the fields are named for what they hold, and the variants say the rest")]
pub enum ClientError {
    /// There is no wire: no such socket, nobody listens, or the agent did not start.
    #[error("cannot reach the guest through {endpoint}: {reason}")]
    NoConnection { endpoint: String, reason: String },
    /// The wire was there, and went.
    #[error("the connection to {endpoint} ended: {reason}")]
    Closed { endpoint: String, reason: String },
    /// The wire is there, and no answer came. `heard` is what the guest said meanwhile, if it said anything.
    #[error("no answer to {what} from {endpoint} within {}", seconds(*.after))]
    TimedOut { endpoint: String, what: String, after: Duration, heard: Box<Heard> },
    /// The guest answered a request for metrics, or the like, with a failure.
    #[error("the guest refused {what}: {error} ({})", .code.map_or("no code", ErrorCode::as_str))]
    Refused { what: String, code: Option<ErrorCode>, error: String },
    /// The guest's answer is a message of another kind than the request has.
    #[error("the guest gave an unexpected answer to {what}")]
    WrongAnswer { what: String },
}

/// What came from the guest while an answer was waited for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// Lines of any kind.
    pub lines: u64,
    /// The text of the last `error` message.
    pub error: Option<String>,
    /// Why the last line that could not be read was none.
    pub unreadable: Option<String>,
    /// Since the last line, if there was one before on this connection.
    pub silent_for: Option<Duration>,
}

impl Heard {
    /// Whether it tells why no answer came.
    pub fn explains(&self) -> bool {
        self.error.is_some() || self.unreadable.is_some()
    }
}

impl ClientError {
    pub(super) fn refused(what: &str, response: &Response) -> Self {
        let error = response.error.clone().unwrap_or_else(|| "without a reason".into());
        Self::Refused { what: what.into(), code: response.error_code, error }
    }
}

/// A duration for people, in seconds: `10 s`, `0.25 s`.
fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f64())
}
