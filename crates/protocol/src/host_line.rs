//! Messages of the host as lines, for the host's end of the wire.

use crate::host::{HostMessage, SafeCommand, UnsafeCommand};
use crate::timestamp::rfc3339_millis;
use serde_json::{Map, Value, json};
use std::time::SystemTime;

impl HostMessage {
    /// The line, with its `\n`. `now` goes into the messages that carry a timestamp.
    pub fn to_line(&self, now: SystemTime) -> String {
        let mut line = self.to_json(now).to_string();
        line.push('\n');
        line
    }

    /// The message as JSON: the payload of a signed line.
    pub fn to_json(&self, now: SystemTime) -> Value {
        match self {
            Self::Metrics { id } => with_id("Metrics", id.as_deref()),
            Self::Hello { id } => with_id("Hello", id.as_deref()),
            Self::SafeCommand(command) => safe_command(command),
            Self::UnsafeCommand(command) => unsafe_command(command),
            Self::KeepAliveResponse { sequence_number } => ping("KeepAliveResponse", *sequence_number, now),
            Self::KeepAliveRequest { sequence_number } => ping("keep_alive_request", *sequence_number, now),
        }
    }
}

fn with_id(kind: &str, id: Option<&str>) -> Value {
    let mut message = json!({ "type": kind });
    put(&mut message, "id", id);
    message
}

fn ping(kind: &str, sequence_number: u64, now: SystemTime) -> Value {
    json!({ "type": kind, "sequence_number": sequence_number, "timestamp": rfc3339_millis(now) })
}

fn safe_command(command: &SafeCommand) -> Value {
    let mut message = json!({ "type": "SafeCommand", "id": command.id });
    let mut command_type = Map::new();
    // A parameter of one of these names would be taken for the command's own field if it stood beside `action`.
    if command.params.contains_key("action") || command.params.contains_key("params") {
        put(&mut message, "params", Some(command.params.clone()));
    } else {
        command_type.clone_from(&command.params);
    }
    command_type.insert("action".into(), command.action.clone().into());
    put(&mut message, "command_type", Some(command_type));
    put(&mut message, "timeout", command.timeout);
    message
}

fn unsafe_command(command: &UnsafeCommand) -> Value {
    let mut message =
        json!({ "type": "UnsafeCommand", "id": command.id, "raw_command": command.raw_command });
    put(&mut message, "shell", command.shell.as_deref());
    put(&mut message, "timeout", command.timeout);
    put(&mut message, "working_dir", command.working_dir.as_deref());
    put(&mut message, "run_as", command.run_as.as_deref());
    let vars: Map<_, _> = command.env_vars.iter().map(|(k, v)| (k.clone(), v.clone().into())).collect();
    put(&mut message, "env_vars", Some(vars).filter(|vars| !vars.is_empty()));
    message
}

fn put(message: &mut Value, name: &str, value: Option<impl Into<Value>>) {
    if let (Value::Object(fields), Some(value)) = (message, value) {
        fields.insert(name.to_owned(), value.into());
    }
}
