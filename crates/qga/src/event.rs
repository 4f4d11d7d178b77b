//! What the session is told, what it asks for, and what it counts.

use crate::error::Error;
use crate::freeze::FreezeState;
use crate::reply::Reply;
use crate::request::Request;
use crate::table::Row;
use infiniservice_link::PortEvent;

/// Names one command that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Token(pub u64);

/// What happened.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "an event lives on the stack for one call")]
pub enum Event<'a> {
    /// Something happened to the port. [`PortEvent::Opened`] and [`PortEvent::OpenFailed`] answer [`Action::Open`]. A host that
    /// went is told by the level, not by a remembered edge: the next client's first bytes may have been read since. At most
    /// [`crate::limits::READ_BYTES`] come at a time.
    Port(PortEvent<'a>),
    /// What came of [`Action::Execute`]. Each is owed exactly one. A command without a success response that succeeded tells
    /// [`Reply::Empty`].
    Finished(Token, Result<Reply, Error>),
    /// The agent's gate moved. To be told before the [`Event::Finished`] of the command that moved it.
    FreezeChanged(FreezeState),
    /// The deadline of [`crate::Session::next_deadline`] came.
    Timer,
}

/// What is to be done, in order.
#[derive(Debug)]
pub enum Action {
    /// Find and open a port; answer by `Opened` or `OpenFailed`.
    Open,
    /// Close the port.
    Close(String),
    /// [`crate::Session::pending_write`] has bytes again.
    Write,
    /// Carry out a command and answer by [`Event::Finished`]. At most one is waited for; those that a sync overtook run on, and
    /// are never told to stop.
    Execute {
        /// For the answer.
        token: Token,
        /// The command's row of the table: its class decides about the audit and the worker.
        row: &'static Row,
        /// What is to be done. Its `Debug` text shows no secret.
        request: Request,
    },
    /// A command was refused by the policy: one for the audit.
    Refused(&'static Row),
    /// One line for the log, already said only once for a state.
    Log(log::Level, String),
}

/// Counters since the agent started. Commands that only read are told by these alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Bytes read.
    pub bytes_in: u64,
    /// Bytes written.
    pub bytes_out: u64,
    /// Requests that could be read.
    pub requests: u64,
    /// Syncs among them, each of which began a generation.
    pub syncs: u64,
    /// Times that bytes were no request.
    pub unreadable: u64,
    /// Requests of commands that are off, or not allowed while frozen.
    pub refused: u64,
    /// Commands that were handed on.
    pub executed: u64,
    /// Commands that a sync or the host's leaving overtook.
    pub overtaken: u64,
    /// Answers that came after that, and so were dropped.
    pub answers_dropped: u64,
    /// Answers that no client could have taken.
    pub answers_too_long: u64,
    /// Times that a host left.
    pub hosts_left: u64,
}
