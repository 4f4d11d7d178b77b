//! `UnsafeCommand`: a raw shell command. The catalogue lets none through in this version.

use super::outcome::{CommandError, CommandResult};
use infiniservice_protocol::ErrorCode;
use infiniservice_protocol::host::UnsafeCommand;

/// Answers `UNSUPPORTED`.
pub(super) fn run(command: &UnsafeCommand) -> CommandResult {
    let shell = command.shell.as_deref().unwrap_or("a shell");
    let error = format!("raw commands ({shell}) are not in this version of the agent");
    Err(CommandError::new(ErrorCode::Unsupported, error))
}
