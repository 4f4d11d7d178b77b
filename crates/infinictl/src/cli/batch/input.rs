//! The commands of a file, in the form that they have on the wire: JSON lines, or one JSON array. `id` and `type` may be left out.

use crate::cli::error::CliError;
use infiniservice_protocol::host::{Batch, BatchCommand};
use infiniservice_protocol::{HostMessage, Rejection, parse_host_line};
use serde_json::{Map, Value, json};
use std::fs::File;
use std::io::Read;

/// Longest file, in bytes: as much as the longest line that a guest takes.
const MAX_FILE_BYTES: u64 = 16 << 20;

/// One command, and where it stands for people.
#[derive(Debug, PartialEq)]
struct Item {
    value: Value,
    place: String,
}

/// The batch with the commands of a file; `-` is standard input.
pub(super) fn read(file: &str, head: Batch) -> Result<Batch, CliError> {
    let name = if file == "-" { "standard input" } else { file };
    let text = text(file, name)?;
    let usage = |what: String| CliError::Usage(format!("{name}: {what}"));
    let items = items(&text).map_err(usage)?;
    complete(items, head).map_err(usage)
}

fn text(file: &str, name: &str) -> Result<String, CliError> {
    let failed = |error| CliError::Failed(format!("cannot read {name}: {error}"));
    let mut text = String::new();
    let read = if file == "-" {
        std::io::stdin().lock().take(MAX_FILE_BYTES + 1).read_to_string(&mut text)
    } else {
        File::open(file).and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_string(&mut text))
    };
    read.map_err(failed)?;
    if text.len() as u64 > MAX_FILE_BYTES {
        return Err(CliError::Usage(format!("{name} is longer than {} MiB", MAX_FILE_BYTES >> 20)));
    }
    Ok(text)
}

fn items(text: &str) -> Result<Vec<Item>, String> {
    let items = if text.trim_start().starts_with('[') { list(text)? } else { lines(text)? };
    if items.is_empty() { Err("there is no command in it".into()) } else { Ok(items) }
}

fn list(text: &str) -> Result<Vec<Item>, String> {
    let values: Vec<Value> = serde_json::from_str(text).map_err(|error| {
        format!(
            "line {}, column {}: it is not a JSON array: {}",
            error.line(),
            error.column(),
            reason(&error)
        )
    })?;
    let named = values.into_iter().enumerate();
    Ok(named.map(|(at, value)| Item { value, place: format!("command {} of the array", at + 1) }).collect())
}

fn lines(text: &str) -> Result<Vec<Item>, String> {
    let filled = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let items = filled.map(|(at, line)| {
        let value = serde_json::from_str(line).map_err(|error| {
            let column = error.column();
            format!("line {}, column {column}: it is not JSON: {}", at + 1, reason(&error))
        })?;
        Ok(Item { value, place: format!("line {}", at + 1) })
    });
    items.collect()
}

/// What serde says without the place, which is counted otherwise here.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.clone(), |(what, _)| what.to_owned())
}

/// Gives each command what it lacks, and looks at all of them as the guest will.
fn complete(items: Vec<Item>, head: Batch) -> Result<Batch, String> {
    let (values, places): (Vec<_>, Vec<_>) = items.into_iter().map(|item| (item.value, item.place)).unzip();
    let numbered = values.into_iter().enumerate();
    let commands: Vec<Value> = numbered.map(|(at, value)| filled(value, &head.id, at + 1)).collect();
    let line = json!({ "type": "Batch", "id": head.id, "commands": commands }).to_string();
    let commands = parsed(&line).map_err(|rejection| explained(&rejection, &places))?;
    Ok(Batch { commands, ..head })
}

/// The commands as the guest will read them.
fn parsed(line: &str) -> Result<Vec<BatchCommand>, Rejection> {
    match parse_host_line(line)? {
        HostMessage::Batch(batch) => Ok(batch.commands),
        // The line's type is Batch.
        _ => Ok(Vec::new()),
    }
}

fn filled(value: Value, batch: &str, number: usize) -> Value {
    let Value::Object(mut members) = value else { return value };
    let kind = if members.contains_key("raw_command") { "UnsafeCommand" } else { "SafeCommand" };
    set_absent(&mut members, "type", kind);
    set_absent(&mut members, "id", &format!("{batch}-{number}"));
    Value::Object(members)
}

fn set_absent(members: &mut Map<String, Value>, name: &str, value: &str) {
    if members.get(name).is_none_or(Value::is_null) {
        members.insert(name.to_owned(), value.into());
    }
}

/// The parser names a command by its index; people look for its line.
fn explained(rejection: &Rejection, places: &[String]) -> String {
    let error = &rejection.error;
    let field = rejection.details.as_ref().and_then(|details| details.get("field")).and_then(Value::as_str);
    let index = field.and_then(|field| field.strip_prefix("commands[")?.split_once(']'));
    let place = index.and_then(|(at, _)| places.get(at.parse::<usize>().ok()?));
    let Some(place) = place else { return error.clone() };
    let inner = error.strip_prefix("in `commands[").and_then(|rest| rest.split_once("]`: "));
    let error = inner.map_or(error.as_str(), |(_, error)| error);
    format!("{place}: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use infiniservice_protocol::batch::{Mode, OnError};

    fn head() -> Batch {
        let (mode, on_error) = (Mode::Sequential, OnError::Stop);
        Batch { id: "b".into(), commands: Vec::new(), mode, on_error, timeout: None }
    }

    fn batch(text: &str) -> Result<Vec<BatchCommand>, String> {
        complete(items(text)?, head()).map(|batch| batch.commands)
    }

    #[test]
    fn lines_and_an_array_say_the_same_and_what_is_missing_is_added() {
        let lines =
            "{\"command_type\":{\"action\":\"ServiceList\"}}\n\n{\"raw_command\":\"id\",\"id\":\"mine\"}\n";
        let array =
            "[ {\"command_type\":{\"action\":\"ServiceList\"}},\n {\"raw_command\":\"id\",\"id\":\"mine\"} ]";
        let commands = batch(lines).unwrap();
        assert_eq!(commands, batch(array).unwrap());
        let ids: Vec<_> = commands.iter().map(BatchCommand::id).collect();
        assert_eq!(ids, ["b-1", "mine"]);
        assert!(matches!(&commands[1], BatchCommand::Unsafe(raw) if raw.raw_command == "id"));
    }

    #[test]
    fn a_fault_is_told_with_its_line() {
        let good = "{\"raw_command\":\"id\"}\n";
        for (text, said) in [
            (String::new(), "there is no command in it"),
            (" \n\n".to_owned(), "there is no command in it"),
            (format!("{good}\n{{\"raw_command\":}}\n"), "line 3, column 16: it is not JSON: expected value"),
            (format!("{good}7\n"), "line 2: `commands[1]` must be an object"),
            (
                format!("{good}\n\n{{\"raw_command\":\"id\",\"timeout\":-1}}"),
                "line 4: `timeout` must be a whole number",
            ),
            (format!("{good}{{\"command_type\":{{}}}}"), "line 2: `command_type.action` is missing"),
            (
                format!("{good}{{\"id\":\"b-1\",\"raw_command\":\"id\"}}"),
                "line 2: `commands[1].id` must not be that of",
            ),
            (good.repeat(65), "`commands` must be a list of 1 to 64 commands, not of 65"),
            (
                "[{\"raw_command\":\"id\"},\n{}]".to_owned(),
                "command 2 of the array: the field `command_type` is missing",
            ),
            ("[{\"raw_command\":\"id\"},\n".to_owned(), "line 2, column 0: it is not a JSON array: EOF"),
        ] {
            let error = batch(&text).unwrap_err();
            assert!(error.starts_with(said), "{error}");
        }
    }
}
