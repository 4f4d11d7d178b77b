//! Messages from the host to the guest, and their lines for the host's end of the wire.

mod answers;

use crate::batch::{Mode, OnError};
use crate::compression::Codec;
use crate::stream;
use crate::timestamp::rfc3339_millis;
use crate::trace::TraceContext;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::time::SystemTime;

/// A line of the host, understood. Parsing lives in `parse`.
#[derive(Clone, Debug, PartialEq)]
pub enum HostMessage {
    /// Collect now.
    Metrics {
        /// Comes back as `request_id`.
        id: Option<String>,
    },
    /// A validated operation.
    SafeCommand(SafeCommand),
    /// A raw shell command.
    UnsafeCommand(UnsafeCommand),
    /// The answer to a heartbeat of ours.
    KeepAliveResponse {
        /// The number of the heartbeat that it answers.
        sequence_number: u64,
    },
    /// The host's own ping; answered at once by `keep_alive` with the same number.
    KeepAliveRequest {
        /// Comes back unchanged.
        sequence_number: u64,
    },
    /// No more of a command.
    Cancel {
        /// Comes back in the response.
        id: String,
        /// The command's id.
        target: String,
    },
    /// Several commands.
    Batch(Batch),
    /// Send these figures again and again.
    Subscribe(Subscribe),
    /// No more of them.
    Unsubscribe(Unsubscribe),
    /// One of the others, with its place in a trace.
    Traced(Traced),
    /// Who are you, what can you do.
    Hello {
        /// Not on the wire's answer today; kept for the log.
        id: Option<String>,
        /// How lines may be compressed, of what this version knows.
        accept: Vec<Codec>,
    },
    /// A compressed line could not be read: the next one must stand alone.
    ZReset,
}

/// A `SafeCommand` as it stood on the wire: the action is a name and its parameters are merged, not yet typed.
/// `Action::parse` types them.
#[derive(Clone, Debug, PartialEq)]
pub struct SafeCommand {
    /// Chosen by the host; at most 256 characters.
    pub id: String,
    /// The action's name, as sent.
    pub action: String,
    /// Parameters merged in the contract's order: beside `action`, `command_type.params`, the message's `params`.
    pub params: Map<String, Value>,
    /// Seconds; absent or 0 means the action's default.
    pub timeout: Option<u64>,
    /// Whether the guest sends `output` lines while the command runs.
    pub progress: bool,
}

/// An `UnsafeCommand` as it stood on the wire.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct UnsafeCommand {
    /// Chosen by the host; at most 256 characters.
    pub id: String,
    /// The text for the shell.
    pub raw_command: String,
    /// `bash`, `sh`, `cmd` or `powershell`, lower-cased.
    pub shell: Option<String>,
    /// Seconds; absent or 0 means the default.
    pub timeout: Option<u64>,
    /// The working directory, an absolute path.
    pub working_dir: Option<String>,
    /// Added to the clean environment, in this order.
    pub env_vars: Vec<(String, String)>,
    /// The user that the command runs as.
    pub run_as: Option<String>,
    /// Whether the guest sends `output` lines while the command runs.
    pub progress: bool,
}

/// A wish for a stream of metrics.
#[derive(Clone, Debug, PartialEq)]
pub struct Subscribe {
    /// Comes back in the response.
    pub id: String,
    /// A new stream, or an old one for longer.
    pub wanted: Wanted,
    /// How long it goes on unless it is renewed.
    pub lease_secs: u64,
}

/// What a `Subscribe` asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wanted {
    /// A new stream.
    New {
        /// Between two samples.
        interval_ms: u64,
        /// What each sample has.
        fields: stream::Fields,
    },
    /// Another lease.
    Longer {
        /// The stream's number.
        subscription: u64,
    },
}

/// The end of a stream of metrics.
#[derive(Clone, Debug, PartialEq)]
pub struct Unsubscribe {
    /// Comes back in the response.
    pub id: String,
    /// The stream's number.
    pub subscription: u64,
}

/// A `Batch` as it stood on the wire. It has at least one command and at most [`crate::batch::MAX_COMMANDS`], and no id stands in it twice.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Comes back in `batch_result`.
    pub id: String,
    /// In their order.
    pub commands: Vec<BatchCommand>,
    /// Which runs when.
    pub mode: Mode,
    /// What becomes of the others when one fails.
    pub on_error: OnError,
    /// Seconds for all of it; absent or 0 means `max_command_timeout_secs`.
    pub timeout: Option<u64>,
}

/// One command of a batch.
#[derive(Clone, Debug, PartialEq)]
pub enum BatchCommand {
    /// A validated operation.
    Safe(SafeCommand),
    /// A raw shell command.
    Unsafe(UnsafeCommand),
}

impl BatchCommand {
    /// The command's own id.
    pub fn id(&self) -> &str {
        match self {
            Self::Safe(command) => &command.id,
            Self::Unsafe(command) => &command.id,
        }
    }
}

/// A message of the host that has a `traceparent`.
#[derive(Clone, Debug, PartialEq)]
pub struct Traced {
    /// `None` where it was malformed; the message counts all the same.
    pub context: Option<TraceContext>,
    /// The message; never one of these.
    pub message: Box<HostMessage>,
}

/// All fields of the host's messages, in the order in which people read them.
#[derive(Default, Serialize)]
struct Line<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    command_type: Option<CommandType<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    params: Option<&'a Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw_command: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shell: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    working_dir: Option<&'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    env_vars: BTreeMap<&'a str, &'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_as: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    progress: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subscription: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interval_ms: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lease_secs: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence_number: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tracestate: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    commands: Vec<Line<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<Mode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    on_error: Option<OnError>,
    #[serde(skip_serializing_if = "<[Codec]>::is_empty")]
    accept: &'a [Codec],
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<String>,
}

#[derive(Serialize)]
struct CommandType<'a> {
    action: &'a str,
    #[serde(flatten)]
    beside: Option<&'a Map<String, Value>>,
}

impl HostMessage {
    /// The message itself, without its place in a trace.
    pub fn untraced(&self) -> &Self {
        match self {
            Self::Traced(traced) => &traced.message,
            other => other,
        }
    }

    /// Whether a `traceparent` in it is read.
    pub const fn may_be_traced(&self) -> bool {
        matches!(
            self,
            Self::SafeCommand(_)
                | Self::UnsafeCommand(_)
                | Self::Batch(_)
                | Self::Subscribe(_)
                | Self::Metrics { .. }
        )
    }

    /// The line, with its `\n`. `now` goes into the messages that carry a timestamp.
    pub fn to_line(&self, now: SystemTime) -> String {
        self.to_payload(now) + "\n"
    }

    /// The line without its `\n`: what is signed where a secret is set.
    pub fn to_payload(&self, now: SystemTime) -> String {
        // Infallible: every key is a text, and nothing here serialises by hand.
        serde_json::to_string(&self.line(now)).unwrap_or_default()
    }

    fn line(&self, now: SystemTime) -> Line<'_> {
        match self {
            Self::Traced(Traced { context, message }) => Line {
                traceparent: context.as_ref().map(TraceContext::traceparent),
                tracestate: context.as_ref().and_then(TraceContext::tracestate),
                ..message.line(now)
            },
            Self::Metrics { id } => Line { kind: "Metrics", id: id.as_deref(), ..Line::default() },
            Self::Hello { id, accept } => {
                Line { kind: "Hello", id: id.as_deref(), accept, ..Line::default() }
            }
            Self::ZReset => Line { kind: "ZReset", ..Line::default() },
            Self::Cancel { id, target } => {
                Line { kind: "Cancel", id: Some(id), target: Some(target), ..Line::default() }
            }
            Self::Batch(request) => batch(request),
            Self::Subscribe(request) => subscribe(request),
            Self::Unsubscribe(Unsubscribe { id, subscription }) => {
                let (id, subscription) = (Some(id.as_str()), Some(*subscription));
                Line { kind: "Unsubscribe", id, subscription, ..Line::default() }
            }
            Self::SafeCommand(command) => safe_command(command),
            Self::UnsafeCommand(command) => unsafe_command(command),
            Self::KeepAliveResponse { sequence_number } => ping("KeepAliveResponse", *sequence_number, now),
            Self::KeepAliveRequest { sequence_number } => ping("keep_alive_request", *sequence_number, now),
        }
    }
}

fn ping(kind: &'static str, sequence_number: u64, now: SystemTime) -> Line<'static> {
    let (sequence_number, timestamp) = (Some(sequence_number), Some(rfc3339_millis(now)));
    Line { kind, sequence_number, timestamp, ..Line::default() }
}

fn batch(request: &Batch) -> Line<'_> {
    let commands = request.commands.iter().map(|command| match command {
        BatchCommand::Safe(command) => safe_command(command),
        BatchCommand::Unsafe(command) => unsafe_command(command),
    });
    Line {
        kind: "Batch",
        id: Some(&request.id),
        commands: commands.collect(),
        mode: Some(request.mode),
        on_error: Some(request.on_error),
        timeout: request.timeout,
        ..Line::default()
    }
}

fn subscribe(request: &Subscribe) -> Line<'_> {
    let (id, lease_secs) = (Some(request.id.as_str()), Some(request.lease_secs));
    let line = Line { kind: "Subscribe", id, lease_secs, ..Line::default() };
    match request.wanted {
        Wanted::New { interval_ms, fields } => {
            Line { interval_ms: Some(interval_ms), fields: fields.names().collect(), ..line }
        }
        Wanted::Longer { subscription } => Line { subscription: Some(subscription), ..line },
    }
}

fn safe_command(command: &SafeCommand) -> Line<'_> {
    // A parameter of one of these names would be taken for the command's own field if it stood beside `action`.
    let clash = command.params.contains_key("action") || command.params.contains_key("params");
    let params = Some(&command.params);
    Line {
        kind: "SafeCommand",
        id: Some(&command.id),
        command_type: Some(CommandType { action: &command.action, beside: params.filter(|_| !clash) }),
        params: params.filter(|_| clash),
        timeout: command.timeout,
        progress: command.progress,
        ..Line::default()
    }
}

fn unsafe_command(command: &UnsafeCommand) -> Line<'_> {
    Line {
        kind: "UnsafeCommand",
        id: Some(&command.id),
        raw_command: Some(&command.raw_command),
        shell: command.shell.as_deref(),
        timeout: command.timeout,
        working_dir: command.working_dir.as_deref(),
        env_vars: command.env_vars.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
        run_as: command.run_as.as_deref(),
        progress: command.progress,
        ..Line::default()
    }
}
