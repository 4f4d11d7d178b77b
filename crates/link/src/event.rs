//! What a port tells the session that speaks on it; what the link is told besides, and what it asks for.

use super::dialect::Said;
use super::quality::Quality;
use infiniservice_protocol::clock::Now;
use infiniservice_protocol::{GuestMessage, HostMessage, Rejection, Response};

/// Why no port could be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpenFailure {
    /// No candidate exists. Waiting for the device is not a fault of the channel's: it is named once, and retried.
    Absent,
    /// Every candidate is held open by somebody else.
    Busy(String),
    /// No access; the text names path, owner and mode.
    Denied(String),
    /// Anything else.
    Other(String),
}

/// What happened to the port: told by whoever moves its bytes, to any protocol that is spoken on it.
#[derive(Debug)]
pub enum PortEvent<'a> {
    /// A port is open. `host` is `None` on a device that cannot tell whether a host is connected (a terminal).
    Opened {
        /// The device's path.
        path: &'a str,
        /// Whether a host is connected.
        host: Option<bool>,
    },
    /// No port could be opened.
    OpenFailed(OpenFailure),
    /// A host opened its end. Ignored while one is connected already.
    HostConnected,
    /// The host closed its end, and what it wrote before was read; the port stays open. Ignored while none is connected.
    HostDisconnected,
    /// Bytes arrived, no more than the session's room for reading allows.
    Read(&'a [u8]),
    /// The port took this many of the bytes that wait to be written. The driver continues with those that are left until there
    /// are none or the port would block.
    Wrote(usize),
    /// Waiting, reading or writing failed; the device may still be there.
    IoFailed(String),
    /// The device is gone (`ENODEV`, unplugged).
    DeviceGone,
    /// The set of devices changed: one may have come.
    DevicesChanged,
}

/// One protocol's end on a port, pure: it holds no clock and does no I/O. To add a protocol: its state machine in a crate of its
/// own, with this trait.
pub trait Session {
    /// What it asks of whoever owns it.
    type Action;

    /// Takes note of what happened at `now`, and appends what is to be done.
    fn handle(&mut self, now: Now, event: PortEvent<'_>, actions: &mut Vec<Self::Action>);

    /// What is to be written next; empty: nothing.
    fn pending_write(&mut self, now: Now) -> &[u8];

    /// How many bytes may be read now, so that whatever they ask for can be answered. 0 holds the host up.
    fn read_room(&self) -> usize;
}

/// What happened.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "an event lives on the stack for one call")]
pub enum Event<'a> {
    /// Something happened to the port. [`PortEvent::Opened`] and [`PortEvent::OpenFailed`] answer [`Action::Open`],
    /// [`PortEvent::Wrote`] counts bytes of [`super::Link::pending_write`].
    Port(PortEvent<'a>),
    /// A message for the host. Each delivered command is owed exactly one `Response`; a batch one for each of its commands, and then
    /// its `BatchResult`.
    Send(Outgoing),
    /// A line that only the dialect has.
    Say(Said),
    /// The answer to a command that was not accepted, see [`Action::NoRoom`].
    TurnedAway(Response),
    /// So many answers that a delivered batch was owed will not come, as one response refuses all of it.
    Spared(usize),
    /// The metrics that the request of this id asked for will not come. It is told so.
    MetricsGivenUp(String, GivenUp),
    /// The service's health check is due: quality is assessed, and [`Action::QualityChanged`] tells when its band moved.
    HealthCheck,
    /// The deadline of [`super::Link::next_deadline`] came.
    Timer,
}

/// Why metrics that were asked for will not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GivenUp {
    /// Too many others ask: `QUEUE_FULL`.
    CrowdedOut,
    /// The agent ends: `CANCELLED`.
    Stopping,
}

/// A message for the host.
#[derive(Debug)]
pub struct Outgoing {
    /// What to send; without a timestamp.
    pub message: GuestMessage,
}

/// What is to be done, in order.
#[derive(Debug)]
pub enum Action {
    /// Find and open a port; answer by `Opened` or `OpenFailed`.
    Open,
    /// Close the port.
    Close(String),
    /// [`super::Link::pending_write`] has bytes again: write them now if the port is writable, else at its next edge; answer
    /// by `Wrote`. Told once, not again while bytes wait.
    Write,
    /// A message of the host arrived: `Metrics`, `Hello` or a command. Heartbeats and bad lines are dealt with in the link.
    Deliver(HostMessage),
    /// A line arrived of a type that only the dialect has: its text.
    DeliverLine(String),
    /// The port took the line with this receipt.
    Left(u64),
    /// A command arrived for whose answer the outbox has no room: it must not run. Answer at once by [`Event::TurnedAway`], with
    /// `DUPLICATE_ID` where its id is known, else with `QUEUE_FULL`.
    NoRoom(HostMessage),
    /// A signed line with this `ts`, the newest so far, was taken: to be kept before the line is carried out, so that the agent's
    /// successor does not take it again.
    NewestSigned(u64),
    /// A host has just connected: it is owed fresh metrics at once.
    CollectMetrics,
    /// Quality moved between bands; its log line stands beside it. The collection interval may change.
    QualityChanged {
        /// The band until now.
        from: Quality,
        /// The band from now on.
        to: Quality,
    },
    /// A line of the host was refused: one for the audit. A flood of them is told in part only, see [`Action::RefusedLeftOut`].
    Refused(Rejection),
    /// This many more lines were refused since the last such action, and are told by their number alone.
    RefusedLeftOut(u64),
    /// One line for the log, already said only once for a state.
    Log(log::Level, String),
}
