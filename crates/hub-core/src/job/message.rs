//! The guest's message of a job: checked once as the guest will read it, and given its id for each machine.

use super::MAX_MESSAGE_BYTES;
use super::wrong::{Wrong, wrong};
use crate::request;
use crate::trace::Place;
use infiniservice_protocol::action::{ActionName, UNSAFE_COMMAND_TIMEOUT_SECS};
use infiniservice_protocol::host::{BatchCommand, SafeCommand};
use infiniservice_protocol::{Action, HostMessage, Rejection, parse_host_line};
use serde_json::{Map, Value};

/// Longest id on the wire, in characters.
const MAX_WIRE_ID_CHARS: usize = 256;
/// The longest that a guest lets a command run.
const LONGEST_SECS: u64 = 3600;
/// What comes on top of a command's own time.
const GRACE_SECS: u64 = 60;

/// A message that the guests will understand.
#[derive(Debug)]
pub(super) struct Checked {
    /// The message, without an id.
    pub message: Map<String, Value>,
    /// What of it changes anything, by the names that rules have for it.
    pub changes: Vec<String>,
    /// How long an answer may take: a command waits for its place as long as it may run.
    pub patience_secs: u64,
}

/// What a message does: the action's name, or the message's type.
pub fn what(message: &Map<String, Value>) -> &str {
    let action = message.get("command_type").and_then(|it| it.get("action")?.as_str());
    action.or_else(|| message.get("type")?.as_str()).unwrap_or_default()
}

/// Checks a message without an id.
pub(super) fn check(mut message: Map<String, Value>, timeout: Option<u64>) -> Result<Checked, Wrong> {
    if message.contains_key("id") {
        return Err(wrong("message.id", "`message` must have no `id`: each machine gets its own"));
    }
    set_timeout(&mut message, timeout);
    let line = line(&message, "job/vm");
    if line.len() > MAX_MESSAGE_BYTES {
        let error = format!("`message` has {} bytes; at most {MAX_MESSAGE_BYTES} are allowed", line.len());
        return Err(wrong("message", error));
    }
    let parsed = parse_host_line(&line).map_err(|rejection| of_rejection(&rejection))?;
    let secs = secs(parsed.untraced())?;
    let changes = request::changes(parsed.untraced());
    Ok(Checked { message, changes, patience_secs: 2 * secs.min(LONGEST_SECS) + GRACE_SECS })
}

/// Gives the message its own time, where one is asked for.
pub(super) fn set_timeout(message: &mut Map<String, Value>, timeout: Option<u64>) {
    if let Some(secs) = timeout {
        message.insert("timeout".to_owned(), secs.into());
    }
}

fn of_rejection(rejection: &Rejection) -> Wrong {
    let field = rejection.details.as_ref().and_then(|details| details.get("field")?.as_str());
    let field = field.map_or("message".to_owned(), |field| format!("message.{field}"));
    wrong(&field, rejection.error.clone())
}

/// How long it may run, in seconds.
fn secs(message: &HostMessage) -> Result<u64, Wrong> {
    match message {
        HostMessage::SafeCommand(command) => safe(command),
        HostMessage::UnsafeCommand(command) => Ok(or(command.timeout, UNSAFE_COMMAND_TIMEOUT_SECS)),
        HostMessage::Batch(batch) => {
            for command in &batch.commands {
                if let BatchCommand::Safe(command) = command {
                    safe(command)?;
                }
            }
            Ok(or(batch.timeout, LONGEST_SECS))
        }
        _ => Err(wrong("message.type", "`type` must be SafeCommand, UnsafeCommand or Batch in a job")),
    }
}

fn safe(command: &SafeCommand) -> Result<u64, Wrong> {
    let action = Action::parse(&command.action, &command.params)
        .map_err(|error| wrong("message.command_type", error.message))?;
    if action.name() == ActionName::JoinDomain {
        let error = "JoinDomain has a password, and a job's message is kept in a file: send it to each \
                     machine by itself";
        return Err(wrong("message.command_type", error));
    }
    Ok(or(command.timeout, action.name().default_timeout_secs()))
}

/// 0 means the default, as on the wire.
fn or(secs: Option<u64>, default: u64) -> u64 {
    secs.filter(|secs| *secs > 0).unwrap_or(default)
}

/// The id of a machine's command: `JOB/VM`, or `JOB/#NUMBER` where the name would be too long for the wire.
pub fn id(job: &str, vm: &str, number: usize) -> String {
    let named = format!("{job}/{vm}");
    // A batch's commands add a number of at most three characters.
    let fits = named.chars().count() + 4 <= MAX_WIRE_ID_CHARS;
    let plain = fits && !vm.starts_with('#') && !vm.chars().any(char::is_control);
    if plain { named } else { format!("{job}/#{number}") }
}

/// The line for one machine, without its `\n`.
pub fn line(message: &Map<String, Value>, id: &str) -> String {
    let mut message = message.clone();
    message.insert("id".to_owned(), id.into());
    // What the guest starts belongs below the span of this machine's command.
    if let Some(place) = Place::of_message(&message) {
        let own = place.traceparent(place.span("command", id));
        message.insert("traceparent".to_owned(), own.into());
    }
    let commands = message.get_mut("commands").and_then(Value::as_array_mut);
    for (n, command) in commands.into_iter().flatten().enumerate() {
        if let Some(command) = command.as_object_mut() {
            command.insert("id".to_owned(), format!("{id}-{}", n + 1).into());
        }
    }
    Value::Object(message).to_string()
}

/// The line that ends a machine's command.
pub fn cancel_line(id: &str) -> String {
    let mut message = Map::new();
    for (name, value) in [("type", "Cancel"), ("id", &cancel_id(id)), ("target", id)] {
        message.insert(name.to_owned(), value.into());
    }
    Value::Object(message).to_string()
}

/// The id of the message that ends a command.
pub fn cancel_id(id: &str) -> String {
    format!("x:{id}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn checked(mut message: Value, timeout: Option<u64>) -> Result<Checked, Wrong> {
        check(std::mem::take(message.as_object_mut().unwrap()), timeout)
    }

    fn service(operation: &str) -> Value {
        json!({"type": "SafeCommand", "command_type":
            {"action": "ServiceControl", "service": "nginx", "operation": operation}})
    }

    #[test]
    fn the_action_table_says_what_is_a_change_and_how_long_it_may_take() {
        let restart = checked(service("restart"), None).unwrap();
        assert_eq!((restart.changes, restart.patience_secs), (vec!["ServiceControl".to_owned()], 300));
        let status = checked(service("status"), Some(5)).unwrap();
        assert_eq!((status.changes, status.patience_secs), (vec![], 70));
        let raw = checked(json!({"type": "UnsafeCommand", "raw_command": "id"}), Some(u64::MAX)).unwrap();
        assert_eq!((raw.changes, raw.patience_secs), (vec!["UnsafeCommand".to_owned()], 7260));
    }

    #[test]
    fn a_batch_is_a_change_if_one_of_it_is_and_its_commands_get_ids() {
        let of = |commands: Vec<Value>| checked(json!({"type": "Batch", "commands": commands}), Some(9));
        assert!(of(vec![service("status"), service("status")]).unwrap().changes.is_empty());
        let batch = of(vec![service("status"), service("stop")]).unwrap();
        assert_eq!(batch.changes, ["ServiceControl"]);
        let line: Value = serde_json::from_str(&line(&batch.message, "j/web")).unwrap();
        assert_eq!((&line["id"], &line["commands"][1]["id"]), (&json!("j/web"), &json!("j/web-2")));
        assert_eq!(line["timeout"], 9);
    }

    #[test]
    fn what_a_guest_would_refuse_is_refused_here_with_its_field() {
        let field = |message| checked(message, None).unwrap_err().field;
        assert_eq!(field(json!({"id": "x"})), "message.id");
        assert_eq!(field(json!({"type": "Metrics"})), "message.type");
        assert_eq!(field(json!({"type": "UnsafeCommand"})), "message.raw_command");
        assert_eq!(field(service("explode")), "message.command_type");
        let long = json!({"type": "UnsafeCommand", "raw_command": "x".repeat(MAX_MESSAGE_BYTES)});
        assert_eq!(field(long), "message");
        let join = json!({"type": "SafeCommand", "command_type": {"action": "JoinDomain",
            "domain": "lab.example", "username": "admin", "password": "secret"}});
        assert!(checked(join, None).unwrap_err().error.contains("password"));
    }

    #[test]
    fn ids_fit_the_wire_whatever_a_machine_is_called() {
        assert_eq!(id("j", "web", 7), "j/web");
        for odd in ["#1", "a\nb", &"é".repeat(255)] {
            assert_eq!(id("j", odd, 7), "j/#7");
        }
        let longest = id(&"j".repeat(64), &"v".repeat(187), 0);
        assert!(parse_host_line(&cancel_line(&longest)).is_ok());
        assert_eq!(longest.len(), 252);
    }
}
