//! One command, checked and ready to run.

use super::audit::redact;
use super::catalogue::CommandName;
use super::raw::RawCommand;
use super::registry::{Class, Request};
use infiniservice_exec::CommandError;
use infiniservice_protocol::Action;
use infiniservice_protocol::host::{SafeCommand, UnsafeCommand};
use serde_json::Value;
use std::time::Duration;

/// A command as it came.
#[derive(Debug)]
pub(super) enum Work {
    Safe(SafeCommand),
    Unsafe(UnsafeCommand),
}

/// A command with typed parameters.
#[derive(Clone, Debug)]
pub(super) enum Typed {
    Safe(Action),
    Unsafe(RawCommand),
}

/// A command that may run.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) name: &'static str,
    pub(super) class: Class,
    pub(super) timeout: Duration,
    pub(super) work: Typed,
    pub(super) id: String,
    bytes: usize,
}

impl Work {
    /// Parameters for the audit, without secrets. Of a raw command's environment only the names are told; its text is told, as
    /// an audit must, but for what follows a secret's name: secrets belong into `env_vars`.
    pub(super) fn parameters(&self) -> String {
        match self {
            Self::Safe(command) => redact::value(&Value::Object(command.params.clone())).to_string(),
            Self::Unsafe(command) => {
                let names: Vec<_> = command.env_vars.iter().map(|(name, _)| name.as_str()).collect();
                serde_json::json!({
                    "raw_command": redact::text(&command.raw_command), "shell": shown(command.shell.as_deref()), "run_as": shown(command.run_as.as_deref()),
                    "working_dir": shown(command.working_dir.as_deref()), "env_vars": names,
                })
                .to_string()
            }
        }
    }

    fn id(&self) -> &str {
        match self {
            Self::Safe(command) => &command.id,
            Self::Unsafe(command) => &command.id,
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Safe(command) => serde_json::to_vec(&command.params).map_or(0, |json| json.len()),
            Self::Unsafe(command) => {
                let env: usize = command.env_vars.iter().map(|(name, value)| name.len() + value.len()).sum();
                command.raw_command.len() + env
            }
        }
    }
}

/// No field of a command is without it.
fn shown(field: Option<&str>) -> Option<String> {
    field.map(redact::text)
}

impl Job {
    pub(super) fn new(command: CommandName, timeout: Duration, work: Work) -> Result<Self, CommandError> {
        let (bytes, id) = (work.bytes(), work.id().to_owned());
        let work = match work {
            Work::Safe(safe) => Typed::Safe(Action::parse(&safe.action, &safe.params)?),
            Work::Unsafe(raw) => Typed::Unsafe(RawCommand::check(raw)?),
        };
        Ok(Self { name: command.name(), class: command.class(), timeout, work, id, bytes })
    }

    /// What the registry needs to know. Reads are equal when action, parameters and timeout are.
    pub(super) fn request(&self, id: &str) -> Request {
        let key = (self.class == Class::Read).then(|| format!("{:?} {:?}", self.timeout, self.work));
        Request { id: id.to_owned(), class: self.class, key, bytes: self.bytes }
    }
}
