//! What became of a command: for the audit, for how long commands take, and for the spans of its trace.

use super::Client;
use infiniservice_protocol::trace::TraceContext;
use std::time::Duration;

/// A command that is with the guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Who asked; it may have gone meanwhile.
    pub client: Client,
    /// Its id.
    pub id: String,
    /// The action's name, or the message's type.
    pub what: String,
    /// Who asked, as the audit names it.
    pub by: String,
    /// Whether it may change something.
    pub changes: bool,
    /// Its place in a trace.
    pub trace: Option<TraceContext>,
    /// When it was asked for, by the monotonic clock.
    pub offered: Duration,
    /// When it was written to the guest.
    pub sent: Duration,
}

/// A command of which nothing more comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// The command.
    pub sent: Sent,
    /// How it ended.
    pub end: End,
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// With this code; `None` for a success.
    Answered(Option<String>),
    /// With a line that only who asked can open: how, the hub cannot tell.
    Sealed,
    /// No answer came in its time.
    Unheard,
    /// The agent is another process.
    Lost,
}

impl End {
    /// The code of a failure, in the protocol's words; `None` for a success.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Answered(code) => code.as_deref(),
            Self::Sealed => None,
            Self::Unheard => Some("TIMEOUT"),
            Self::Lost => Some("CANCELLED"),
        }
    }
}
