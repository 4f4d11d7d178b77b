//! The words of infinictl's own subcommands as the message of a job.

use crate::cli::error::CliError;
use crate::cli::{Cli, Command};
use clap::Parser as _;
use infiniservice_protocol::Action;
use serde_json::{Map, Value, json};

/// The message, without an id, that `infinictl WORDS` would send.
///
/// # Errors
/// Where the words make no sense, or no message of a job.
pub(in crate::cli) fn message(words: &[String]) -> Result<Map<String, Value>, CliError> {
    let all = std::iter::once("infinictl").chain(words.iter().map(String::as_str));
    let cli = Cli::try_parse_from(all).map_err(|error| CliError::Usage(told(&error)))?;
    let message = match cli.command {
        Command::Exec(args) => Some(args.message()),
        Command::Send(args) => Some(raw(&args.line)?),
        other => other.action().as_ref().map(of_action),
    };
    match message {
        Some(Value::Object(message)) => Ok(message),
        _ => Err(CliError::Usage(format!(
            "`{}` cannot be a job: use service, power, package, update, cleanup, apps, users, autochecks, \
             exec, or send with a line of JSON",
            words.join(" ")
        ))),
    }
}

/// The first sentence of what clap says.
fn told(error: &clap::Error) -> String {
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default();
    format!("after `--`: {}", first.trim_start_matches("error: "))
}

fn of_action(action: &Action) -> Value {
    json!({ "type": "SafeCommand", "command_type": action })
}

/// A line of the wire; its id would be the same for all machines.
fn raw(line: &str) -> Result<Value, CliError> {
    let mut message: Value = serde_json::from_str(line)
        .map_err(|error| CliError::Usage(format!("the line after `send` is not JSON: {error}")))?;
    if let Some(members) = message.as_object_mut() {
        members.remove("id");
    }
    Ok(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(words: &str) -> Result<Value, String> {
        let words: Vec<_> = words.split_whitespace().map(str::to_owned).collect();
        message(&words).map(Value::Object).map_err(|error| error.sentence())
    }

    fn action(words: &str) -> Value {
        let message = of(words).unwrap();
        assert_eq!(message["type"], "SafeCommand");
        message["command_type"].clone()
    }

    #[test]
    fn the_words_mean_what_they_mean_for_one_machine() {
        assert_eq!(
            action("service restart nginx"),
            json!({"action": "ServiceControl", "service": "nginx", "operation": "restart"})
        );
        assert_eq!(action("power reboot"), json!({"action": "Reboot"}));
        assert_eq!(action("package install --cascade jq")["cascade"], true);
        assert_eq!(action("update install --security-only")["security_only"], true);
        assert_eq!(action("cleanup --dry-run --target temp")["targets"], json!(["temp"]));
        assert_eq!(action("autochecks")["action"], "Autochecks");
        assert_eq!(action("apps")["action"], "ApplicationInventory");
        let raw = of("exec uptime --shell bash").unwrap();
        assert_eq!(raw, json!({"type": "UnsafeCommand", "raw_command": "uptime", "shell": "bash"}));
        let sent = of(r#"send {"type":"Batch","id":"x","commands":[]}"#).unwrap();
        assert_eq!(sent, json!({"type": "Batch", "commands": []}));
    }

    #[test]
    fn what_cannot_be_a_job_is_told() {
        assert!(of("watch").unwrap_err().contains("cannot be a job"));
        assert!(of("autochecks --fix").unwrap_err().contains("cannot be a job"));
        assert!(of("service explode").unwrap_err().starts_with("after `--`: unrecognized subcommand"));
        assert!(of("send {").unwrap_err().contains("not JSON"));
    }
}
