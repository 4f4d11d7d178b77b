//! What is refused of a batch, and where it says that the fault is.

use crate::batch::{MAX_COMMANDS, Mode, OnError};

use crate::host::{Batch, BatchCommand};
use crate::{ErrorCode, HostMessage, Rejection, parse_host_line};
use serde_json::{Value, json};

fn safe(id: &str) -> Value {
    json!({"type": "SafeCommand", "id": id, "command_type": {"action": "ServiceList"}})
}

fn read(line: &Value) -> Result<Batch, Rejection> {
    match parse_host_line(&line.to_string())? {
        HostMessage::Batch(batch) => Ok(batch),
        other => panic!("{other:?}"),
    }
}

fn refused(line: &Value) -> (ErrorCode, String, String) {
    let rejection = read(line).expect_err("is refused");
    let named = (rejection.id.as_deref(), rejection.command_type.as_deref());
    assert_eq!(named, (Some("b"), Some("Batch")), "it is the batch that is refused");
    let field = rejection.details.as_ref().and_then(|details| details["field"].as_str().map(str::to_owned));
    (rejection.code, field.unwrap_or_default(), rejection.error)
}

#[test]
fn commands_of_both_kinds_are_read_and_what_is_absent_has_its_default() {
    let raw = json!({"type": "UnsafeCommand", "id": "2", "raw_command": "true", "progress": true});
    let batch = read(&json!({"type": "Batch", "id": "b", "commands": [safe("1"), raw]})).expect("a batch");
    assert_eq!((batch.mode, batch.on_error, batch.timeout), (Mode::Sequential, OnError::Stop, None));
    let [BatchCommand::Safe(first), BatchCommand::Unsafe(second)] = &batch.commands[..] else {
        panic!("{batch:?}")
    };
    assert_eq!((first.action.as_str(), second.raw_command.as_str()), ("ServiceList", "true"));
    assert!(second.progress);
    let all = (0..MAX_COMMANDS).map(|id| safe(&id.to_string())).collect::<Vec<_>>();
    assert!(read(&json!({"type": "Batch", "id": "b", "commands": all})).is_ok());
}

#[test]
fn a_fault_of_the_batch_names_its_field() {
    let too_many = (0..=MAX_COMMANDS).map(|id| safe(&id.to_string())).collect::<Vec<_>>();
    for (line, code, field, part) in [
        (json!({"type": "Batch", "id": "b"}), "INVALID_MESSAGE", "commands", "but it is missing"),
        (json!({"type": "Batch", "id": "b", "commands": []}), "INVALID_PARAMETER", "commands", "not of 0"),
        (
            json!({"type": "Batch", "id": "b", "commands": too_many}),
            "INVALID_PARAMETER",
            "commands",
            "not of 65",
        ),
        (
            json!({"type": "Batch", "id": "b", "commands": safe("1")}),
            "INVALID_MESSAGE",
            "commands",
            "an object",
        ),
        (
            json!({"type": "Batch", "id": "b", "commands": [safe("1")], "mode": "random"}),
            "INVALID_PARAMETER",
            "mode",
            "\"sequential\" or \"parallel\"",
        ),
        (
            json!({"type": "Batch", "id": "b", "commands": [safe("1")], "on_error": 1}),
            "INVALID_MESSAGE",
            "on_error",
            "\"stop\" or \"continue\"",
        ),
        (
            json!({"type": "Batch", "id": "b", "commands": [safe("1")], "timeout": -1}),
            "INVALID_MESSAGE",
            "timeout",
            "whole number",
        ),
    ] {
        let (got, at, error) = refused(&line);
        assert_eq!((got.as_str(), at.as_str()), (code, field), "{line}");
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn a_fault_of_a_command_names_the_command_and_its_field() {
    let wrong = |command: Value| json!({"type": "Batch", "id": "b", "commands": [safe("1"), command]});
    for (command, code, field) in [
        (json!(7), "INVALID_MESSAGE", "commands[1]"),
        (json!({"id": "2"}), "INVALID_MESSAGE", "commands[1].type"),
        (json!({"type": "Metrics", "id": "2"}), "INVALID_PARAMETER", "commands[1].type"),
        (json!({"type": "Batch", "id": "2", "commands": []}), "INVALID_PARAMETER", "commands[1].type"),
        (json!({"type": "SafeCommand"}), "INVALID_MESSAGE", "commands[1].id"),
        (json!({"type": "SafeCommand", "id": "2"}), "INVALID_MESSAGE", "commands[1].command_type"),
        (
            json!({"type": "UnsafeCommand", "id": "2", "raw_command": " "}),
            "INVALID_PARAMETER",
            "commands[1].raw_command",
        ),
        (safe("1"), "INVALID_PARAMETER", "commands[1].id"),
        (safe("b"), "INVALID_PARAMETER", "commands[1].id"),
    ] {
        let line = wrong(command);
        let (got, at, error) = refused(&line);
        assert_eq!((got.as_str(), at.as_str()), (code, field), "{line}");
        assert!(error.contains("commands[1]"), "{error}");
    }
}
