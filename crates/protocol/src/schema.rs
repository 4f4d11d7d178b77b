//! JSON Schema of the wire, generated from the types; built only with the `schema` feature.
//!
//! The host's messages are read by hand in `parse`, so their shapes stand here once more, for the schema alone; a test
//! holds them against lines that `parse` takes.
#![allow(dead_code, reason = "these types are only looked at by the schema's generator")]

use crate::batch::{Mode, OnError};
use crate::compression::Compressed;
use crate::guest::GuestMessage;
use crate::{Action, ActionName};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A line of the host. `null` is the same as absent, and unknown fields are ignored.
#[derive(Deserialize, JsonSchema)]
#[serde(tag = "type")]
enum HostLine {
    /// Collect now; answered by `system_metrics`.
    Metrics {
        id: Option<Id>,
        #[serde(flatten)]
        trace: TraceContext,
    },
    /// A validated command; answered by `response`.
    SafeCommand {
        #[serde(flatten)]
        command: SafeCommand,
        #[serde(flatten)]
        trace: TraceContext,
    },
    /// End a command; answered by `response`.
    Cancel {
        id: Id,
        /// The command's id.
        target: Id,
    },
    /// A raw shell command, refused unless enabled; answered by `response`.
    UnsafeCommand {
        #[serde(flatten)]
        command: UnsafeCommand,
        #[serde(flatten)]
        trace: TraceContext,
    },
    /// Several commands: the guest accepts all of them or none. Answered by `response` for each, then by `batch_result`.
    Batch {
        id: Id,
        /// Each with an id of its own.
        #[schemars(length(min = 1, max = 64))]
        commands: Vec<BatchCommand>,
        /// One after the other when absent.
        mode: Option<Mode>,
        /// `stop` when absent.
        on_error: Option<OnError>,
        timeout: Option<Timeout>,
        #[serde(flatten)]
        trace: TraceContext,
    },
    /// The answer to a heartbeat.
    KeepAliveResponse { sequence_number: SequenceNumber, timestamp: Option<Value> },
    /// The same as `KeepAliveResponse`.
    #[serde(rename = "keep_alive_response")]
    KeepAliveResponseAlias { sequence_number: SequenceNumber, timestamp: Option<Value> },
    /// The host's own ping; answered by `keep_alive`.
    #[serde(rename = "keep_alive_request")]
    KeepAliveRequest { sequence_number: SequenceNumber, timestamp: Option<Value> },
    /// Who are you; answered by `hello`.
    Hello {
        id: Option<Id>,
        /// Compressions that the host can read; the agent ignores names that it does not know. If absent, lines are not compressed.
        #[schemars(length(max = 16))]
        accept: Option<Vec<String>>,
    },
    /// The host could not read a compressed line; the next one then needs no earlier line.
    ZReset,
    /// Send chosen figures at an interval; answered by `response`, then by `stream`.
    Subscribe {
        id: Id,
        /// The stream whose lease is renewed; `interval_ms` and `fields` are then ignored.
        subscription: Option<SubscriptionNumber>,
        /// Milliseconds between two samples; needed for a new stream.
        #[schemars(range(min = 250, max = 3_600_000))]
        interval_ms: Option<u64>,
        /// Needed for a new stream.
        #[schemars(length(min = 1))]
        fields: Option<Vec<FieldName>>,
        /// Seconds; 300 when absent.
        #[schemars(range(min = 1, max = 300))]
        lease_secs: Option<u64>,
        #[serde(flatten)]
        trace: TraceContext,
    },
    /// End a stream; answered by `response`.
    Unsubscribe { id: Id, subscription: SubscriptionNumber },
    /// Another message of the host, signed. Required if `shared_secret` is set, otherwise refused.
    #[serde(rename = "signed")]
    Signed {
        #[schemars(range(min = 1, max = 1))]
        v: u64,
        /// Milliseconds since 1970.
        ts: u64,
        /// Must never be used twice; no control characters.
        #[schemars(length(min = 1, max = 128))]
        nonce: String,
        /// The inner message as text.
        payload: String,
        /// HMAC-SHA256 over `v\nts\nnonce\npayload`, in hexadecimal.
        #[schemars(regex(pattern = "^[0-9A-Fa-f]{64}$"))]
        sig: String,
    },
    /// Another message of the host, sealed. Required for changes of the machine if `controller_keys` is set; refused if it
    /// is not.
    #[serde(rename = "sealed")]
    Sealed {
        #[schemars(range(min = 1, max = 1))]
        v: u64,
        /// The id of the inner message, for programs that carry the line.
        id: Option<Id>,
        kid: Kid,
        enc: Encapsulated,
        ct: Ciphertext,
    },
}

/// A line of the guest, sealed to who asked.
#[derive(Serialize, JsonSchema)]
#[serde(tag = "type")]
enum GuestSealed {
    /// Another message of the guest, sealed to the controller whose key has the name `to`.
    #[serde(rename = "sealed")]
    Sealed {
        #[schemars(range(min = 1, max = 1))]
        v: u64,
        /// The id of the request, if it was outside the sealed part.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        to: Kid,
        enc: Encapsulated,
        ct: Ciphertext,
        /// When the line was written; the inner message has the time of its sealing.
        timestamp: String,
    },
}

/// Name of a controller's key.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(transparent)]
struct Kid(#[schemars(regex(pattern = "^[A-Za-z0-9._-]{1,64}$"))] String);

/// The encapsulated key, 32 bytes in base64.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(transparent)]
struct Encapsulated(#[schemars(length(min = 44, max = 44))] String);

/// The ciphertext in base64. The plaintext has a multiple of 256 bytes; the tag adds 16 bytes.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(transparent)]
struct Ciphertext(String);

#[derive(Deserialize, JsonSchema)]
struct SafeCommand {
    id: Id,
    command_type: CommandType,
    /// Parameters that are not in `command_type`.
    params: Option<Map<String, Value>>,
    timeout: Option<Timeout>,
    /// Whether the guest sends `output` lines while the command runs.
    progress: Option<bool>,
}

#[derive(Deserialize, JsonSchema)]
struct UnsafeCommand {
    id: Id,
    /// The text for the shell.
    #[schemars(length(min = 1))]
    raw_command: String,
    /// `bash`, `sh`, `cmd` or `powershell`, in any case.
    shell: Option<String>,
    timeout: Option<Timeout>,
    /// The working directory, an absolute path.
    working_dir: Option<String>,
    /// Added to the clean environment.
    env_vars: Option<BTreeMap<String, String>>,
    /// The user that the command runs as.
    run_as: Option<String>,
    /// Whether the guest sends `output` lines while the command runs.
    progress: Option<bool>,
}

/// The place of a request in a trace.
#[derive(Deserialize, JsonSchema)]
struct TraceContext {
    /// W3C Trace Context; one that is malformed is ignored.
    traceparent: Option<TraceParent>,
    /// Beside `traceparent`.
    #[schemars(length(max = 512))]
    tracestate: Option<String>,
}

/// One command of a batch, in the same form as in a line of its own.
#[derive(Deserialize, JsonSchema)]
#[serde(tag = "type")]
enum BatchCommand {
    /// A validated command.
    SafeCommand {
        #[serde(flatten)]
        command: SafeCommand,
    },
    /// A raw shell command, refused unless enabled.
    UnsafeCommand {
        #[serde(flatten)]
        command: UnsafeCommand,
    },
}

/// The action. Its parameters are beside it, in its `params`, or in the message's `params`, in this order of
/// precedence.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum CommandType {
    /// All parameters beside the action.
    Whole(Action),
    /// Parameters elsewhere.
    Named { action: ActionName, params: Option<Map<String, Value>> },
}

/// The answer repeats it; no control characters.
#[derive(Deserialize, JsonSchema)]
#[schemars(transparent)]
struct Id(#[schemars(length(min = 1, max = 256))] String);

/// Version, trace, parent and flags: `00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01`.
#[derive(Deserialize, JsonSchema)]
#[schemars(transparent)]
struct TraceParent(#[schemars(length(min = 55, max = 55))] String);

/// The number in the response to `Subscribe`.
#[derive(Deserialize, JsonSchema)]
#[schemars(transparent)]
struct SubscriptionNumber(#[schemars(range(min = 1, max = 9_007_199_254_740_991_u64))] u64);

/// A group of figures of the metrics, or all figures below a name.
#[derive(Deserialize, JsonSchema)]
enum FieldName {
    #[serde(rename = "system")]
    System,
    #[serde(rename = "system.disk")]
    Disk,
    #[serde(rename = "system.cpu")]
    Cpu,
    #[serde(rename = "system.memory")]
    Memory,
    #[serde(rename = "system.disk.usage_stats")]
    DiskUsage,
    #[serde(rename = "system.disk.io_stats")]
    DiskIo,
    #[serde(rename = "system.network")]
    Network,
    #[serde(rename = "system.uptime_seconds")]
    Uptime,
    #[serde(rename = "system.load_average")]
    LoadAverage,
    #[serde(rename = "system.pressure")]
    Pressure,
    #[serde(rename = "system.host")]
    Host,
    #[serde(rename = "processes")]
    Processes,
    #[serde(rename = "ports")]
    Ports,
    #[serde(rename = "services")]
    Services,
}

/// Seconds. If it is 0 or absent, the action's default; at most `max_command_timeout_secs`.
#[derive(Deserialize, JsonSchema)]
#[schemars(transparent)]
struct Timeout(#[schemars(range(min = 0))] u64);

/// Up to 2^53 - 1.
#[derive(Deserialize, JsonSchema)]
#[schemars(transparent)]
struct SequenceNumber(#[schemars(range(min = 0, max = 9_007_199_254_740_991_u64))] u64);

/// All schemas, by the name of their file.
pub fn all() -> Vec<(&'static str, Value)> {
    vec![("guest.json", guest()), ("host.json", host()), ("data.json", response_data())]
}

/// Lines of the guest.
pub fn guest() -> Value {
    let mut generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let compressed = Compressed::json_schema(&mut generator);
    let mut schema = titled(generator.into_root_schema_for::<GuestMessage>(), "A line of the guest");
    // Only a message that still waits has no timestamp; a line always has one.
    for message in schema.pointer_mut("/oneOf").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(required) = message.pointer_mut("/required").and_then(Value::as_array_mut) {
            required.push("timestamp".into());
        }
    }
    if let Some(kinds) = schema.pointer_mut("/oneOf").and_then(Value::as_array_mut) {
        kinds.push(compressed.into());
    }
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let sealed = Value::from(generator.into_root_schema_for::<GuestSealed>());
    add(&mut schema, "/oneOf", &sealed);
    add(&mut schema, "/$defs", &sealed);
    schema
}

/// Adds what another schema has at the same place.
fn add(schema: &mut Value, place: &str, more: &Value) {
    match (schema.pointer_mut(place), more.pointer(place)) {
        (Some(Value::Array(all)), Some(Value::Array(more))) => all.extend(more.iter().cloned()),
        (Some(Value::Object(all)), Some(Value::Object(more))) => all.extend(more.clone()),
        _ => {}
    }
}

/// Lines of the host.
pub fn host() -> Value {
    let generator = SchemaSettings::draft2020_12().for_deserialize().into_generator();
    titled(generator.into_root_schema_for::<HostLine>(), "A line of the host")
}

/// `data` of a successful response, by the action's name.
pub fn response_data() -> Value {
    let mut generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut actions = Map::new();
    ActionName::each_answer(&mut generator, |action, schema| {
        actions.insert(action.into(), schema.into());
    });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "data of a successful response, by the action's name",
        "properties": actions,
        "$defs": generator.take_definitions(true),
    })
}

fn titled(schema: Schema, title: &str) -> Value {
    let mut schema = Value::from(schema);
    if let Value::Object(members) = &mut schema {
        members.insert("title".into(), title.into());
    }
    schema
}
