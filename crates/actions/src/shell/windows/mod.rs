//! Raw commands on Windows: cmd or PowerShell, as the agent itself.

#[cfg(test)]
mod tests;

use super::command_line::{cmd, powershell};
use super::{RawCommand, invalid};
use infiniservice_exec::windows::environment::system_directory;
use infiniservice_exec::{Cancellation, CommandError, Request};
use infiniservice_protocol::ErrorCode;
use std::io::Read;
use std::path::Path;

/// What Wine's own programs have behind the DOS header.
const STAND_IN: &[u8] = b"Wine builtin DLL";

/// cmd where none is asked for: it is there on every Windows.
pub(super) fn shell(asked: Option<&str>) -> Result<&'static str, CommandError> {
    match asked.unwrap_or("cmd") {
        "cmd" => Ok("cmd"),
        "powershell" => Ok("powershell"),
        other => {
            let error =
                format!("the shell {other:?} exists on Linux only; `shell` must be cmd or powershell here");
            Err(CommandError::new(ErrorCode::Unsupported, error))
        }
    }
}

/// Windows starts a program as another user only with his password, which no command carries.
pub(super) fn check_user(name: &str) -> Result<(), CommandError> {
    let own = ["system", "localsystem", r"nt authority\system"];
    if own.iter().any(|own| name.eq_ignore_ascii_case(own)) {
        return Ok(());
    }
    let shown: String = name.chars().take(80).collect();
    let error = format!(
        "`run_as` can only be SYSTEM here, not {shown:?}: Windows requires a password for other users"
    );
    Err(CommandError::new(ErrorCode::Unsupported, error))
}

/// What is to be run.
#[allow(clippy::unused_async)]
pub(super) async fn request(command: RawCommand, _: &Cancellation) -> Result<Request, CommandError> {
    let mut request = if command.shell == "powershell" {
        refuse_stand_in(&system_directory().join("WindowsPowerShell\\v1.0\\powershell.exe"))?;
        Request::new("powershell", powershell(&command.text).map_err(invalid)?)
    } else {
        let line = cmd(&command.text).map_err(invalid)?;
        Request { command_line: Some(line.into()), ..Request::new("cmd", [""; 0]) }
    };
    request.directory = command.directory;
    request
        .environment
        .extend(command.environment.into_iter().map(|(name, value)| (name.into(), value.into())));
    Ok(request)
}

/// Wine's PowerShell does nothing, and says that it did it well.
fn refuse_stand_in(path: &Path) -> Result<(), CommandError> {
    let mut beginning = [0u8; 128];
    let read = std::fs::File::open(path).and_then(|mut file| file.read(&mut beginning));
    let beginning = beginning.get(..read.unwrap_or_default()).unwrap_or_default();
    if beginning.windows(STAND_IN.len()).any(|window| window == STAND_IN) {
        let error = "PowerShell is not installed: there is only Wine's substitute, which does nothing";
        return Err(CommandError::new(ErrorCode::Unsupported, error));
    }
    Ok(())
}
