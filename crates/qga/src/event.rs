//! What the session is told, and what it asks for.

use crate::error::Error;
use crate::freeze::FreezeState;
use crate::reply::Reply;
use crate::request::Request;
use crate::table::Row;
use infiniservice_link::OpenFailure;

/// Names one command that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Token(pub u64);

/// What happened.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "an event lives on the stack for one call")]
pub enum Event<'a> {
    /// A port is open. `host` is `None` on a device that cannot tell whether a host is connected (a terminal, a socket).
    Opened {
        /// The device's path.
        path: &'a str,
        /// Whether a host is connected.
        host: Option<bool>,
    },
    /// [`Action::Open`] failed.
    OpenFailed(OpenFailure),
    /// A host opened its end.
    HostConnected,
    /// The host's end is closed now, and what it wrote before was read. To be told by the level, not by a remembered edge: the
    /// next client's first bytes may have been read since.
    HostDisconnected,
    /// Bytes arrived, at most [`crate::limits::READ_BYTES`], and no more than [`crate::Session::read_room`] allows.
    Read(&'a [u8]),
    /// The port took this many bytes of [`crate::Session::pending_write`].
    Wrote(usize),
    /// A read or write failed; the device may still be there.
    IoFailed(String),
    /// The device is gone (`ENODEV`, unplugged).
    DeviceGone,
    /// The set of devices changed: one may have come.
    DevicesChanged,
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
