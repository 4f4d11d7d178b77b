//! Raw commands on Windows: cmd or PowerShell, as the agent itself.

pub(super) mod file;
#[cfg(test)]
mod tests;

use super::command_line::{self, cmd, powershell};
use super::{Prepared, RawCommand, invalid};
use file::TextFile;
use infiniservice_exec::windows::environment::system_directory;
use infiniservice_exec::{Cancellation, CommandError, Request};
use infiniservice_platform::blocking::{self, Lane};
use infiniservice_protocol::ErrorCode;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

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

/// What is longer, or has more lines, than the shell takes on its command line.
pub(super) fn needs_file(text: &str, shell: &str) -> bool {
    if shell == "powershell" { powershell(text).is_err() } else { cmd(text).is_err() }
}

/// How long a file may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Whether two names are those of one environment variable.
pub(super) fn is_same_variable(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// What is to be run.
pub(super) async fn request(command: RawCommand, _: &Cancellation) -> Result<Prepared, CommandError> {
    let of_powershell = command.shell == "powershell";
    if of_powershell {
        refuse_stand_in(&system_directory().join("WindowsPowerShell\\v1.0\\powershell.exe"))?;
    }
    let file = if command.in_file { Some(write(&command, of_powershell).await?) } else { None };
    let mut request = match (&file, of_powershell) {
        (None, true) => Request::new("powershell", powershell(&command.text).map_err(invalid)?),
        (Some(file), true) => Request::new("powershell", command_line::powershell_file(file.path())),
        (None, false) => of_cmd(cmd(&command.text).map_err(invalid)?),
        (Some(file), false) => of_cmd(command_line::cmd_file(file.path())),
    };
    request.directory = command.directory;
    request
        .environment
        .extend(command.environment.into_iter().map(|(name, value)| (name.into(), value.into())));
    Ok(Prepared { request, file })
}

fn of_cmd(line: String) -> Request {
    Request { command_line: Some(line.into()), ..Request::new("cmd", [""; 0]) }
}

async fn write(command: &RawCommand, of_powershell: bool) -> Result<TextFile, CommandError> {
    let (text, extension) = (command.text.clone(), if of_powershell { "ps1" } else { "cmd" });
    let write = move || TextFile::write(&text, extension);
    let written = blocking::run(Lane::Starts, "a script's file", TIMEOUT, write).await;
    let failed = |why: String| {
        let error = format!("the text cannot be put into a file: {why}");
        CommandError::new(ErrorCode::ExecutionFailed, error)
    };
    written.map_err(|blocked| failed(blocked.to_string()))?.map_err(|error| failed(error.to_string()))
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
