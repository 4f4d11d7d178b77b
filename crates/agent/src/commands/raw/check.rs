//! The fields of an `UnsafeCommand`, checked before anything is started. What holds on every platform the wire's parser has
//! checked: types, no U+0000, a known shell, variables with a name.

use crate::commands::outcome::CommandError;
use infiniservice_protocol::ErrorCode;
use infiniservice_protocol::host::UnsafeCommand;
use std::path::{Path, PathBuf};

/// Longest single argument or variable that Linux gives to a program, its NUL included (`MAX_ARG_STRLEN`, execve(2)).
const MAX_ARGUMENT_BYTES: usize = 128 << 10;
/// All of the command's text and variables together: an eighth of what execve(2) takes where the stack is 8 MiB.
const MAX_TOTAL_BYTES: usize = 256 << 10;
/// Longest path, its NUL included (`PATH_MAX`).
const MAX_PATH_BYTES: usize = 4096;
/// Longest login name (`LOGIN_NAME_MAX`).
const MAX_USER_BYTES: usize = 256;

/// A raw command that may be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::commands) struct RawCommand {
    pub(super) shell: &'static str,
    pub(super) text: String,
    pub(super) directory: Option<PathBuf>,
    pub(super) environment: Vec<(String, String)>,
    pub(super) run_as: Option<String>,
}

impl RawCommand {
    /// Checks what the wire's parser cannot know.
    pub(in crate::commands) fn check(command: UnsafeCommand) -> Result<Self, CommandError> {
        let shell = shell(command.shell.as_deref())?;
        check_sizes(&command)?;
        if let Some(user) = &command.run_as {
            check_user(user)?;
        }
        let directory = command.working_dir.map(directory).transpose()?;
        let (text, environment) = (command.raw_command, command.env_vars);
        Ok(Self { shell, text, directory, environment, run_as: command.run_as })
    }
}

/// `sh` where none is asked for: it is there on every Linux.
fn shell(asked: Option<&str>) -> Result<&'static str, CommandError> {
    match asked.unwrap_or("sh") {
        "sh" => Ok("sh"),
        "bash" => Ok("bash"),
        other => {
            let error =
                format!("the shell {other:?} exists on Windows only; `shell` must be bash or sh here");
            Err(CommandError::new(ErrorCode::Unsupported, error))
        }
    }
}

fn check_sizes(command: &UnsafeCommand) -> Result<(), CommandError> {
    if command.raw_command.len() >= MAX_ARGUMENT_BYTES {
        return Err(invalid(format!(
            "`raw_command` must be shorter than {MAX_ARGUMENT_BYTES} bytes, not {}",
            command.raw_command.len()
        )));
    }
    let size = |(name, value): &(String, String)| name.len() + value.len() + 2;
    if let Some((name, _)) = command.env_vars.iter().find(|variable| size(variable) > MAX_ARGUMENT_BYTES) {
        let name: String = name.chars().take(40).collect();
        return Err(invalid(format!("`env_vars`: {name:?} must be shorter than {MAX_ARGUMENT_BYTES} bytes")));
    }
    let total = command.raw_command.len() + command.env_vars.iter().map(size).sum::<usize>();
    if total > MAX_TOTAL_BYTES {
        let error = format!("`raw_command` and `env_vars` together must not exceed {MAX_TOTAL_BYTES} bytes");
        return Err(invalid(format!("{error}, not {total}")));
    }
    Ok(())
}

fn directory(text: String) -> Result<PathBuf, CommandError> {
    if !Path::new(&text).is_absolute() {
        let shown: String = text.chars().take(80).collect();
        return Err(invalid(format!("`working_dir` must be an absolute path, not {shown:?}")));
    }
    if text.len() >= MAX_PATH_BYTES {
        return Err(invalid(format!(
            "`working_dir` must be shorter than {MAX_PATH_BYTES} bytes, not {}",
            text.len()
        )));
    }
    Ok(text.into())
}

/// A name as it can stand in passwd(5); a sign in front has a meaning of its own in some such files.
fn check_user(name: &str) -> Result<(), CommandError> {
    let odd = |c: char| c.is_control() || c.is_whitespace() || matches!(c, ':' | '/' | ',');
    if name.len() >= MAX_USER_BYTES {
        return Err(invalid(format!(
            "`run_as` must be shorter than {MAX_USER_BYTES} bytes, not {}",
            name.len()
        )));
    }
    if name.starts_with(['-', '+', '#']) || name.contains(odd) {
        return Err(invalid(format!("`run_as` must be a login name such as \"nobody\", not {name:?}")));
    }
    Ok(())
}

fn invalid(error: String) -> CommandError {
    CommandError::new(ErrorCode::InvalidParameter, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command() -> UnsafeCommand {
        UnsafeCommand { raw_command: "id".into(), ..UnsafeCommand::default() }
    }

    fn refused(command: UnsafeCommand) -> (ErrorCode, String) {
        let error = RawCommand::check(command).unwrap_err();
        (error.code, error.error)
    }

    fn invalid_with(command: UnsafeCommand, word: &str) {
        let (code, error) = refused(command);
        assert_eq!(code, ErrorCode::InvalidParameter);
        assert!(error.contains(word), "{error}");
    }

    #[test]
    fn the_shell_is_sh_unless_bash_is_asked_for_and_those_of_windows_are_told_apart() {
        let shell = |shell: Option<&str>| {
            RawCommand::check(UnsafeCommand { shell: shell.map(Into::into), ..command() })
        };
        assert_eq!(shell(None).unwrap().shell, "sh");
        assert_eq!(shell(Some("bash")).unwrap().shell, "bash");
        for windows in ["cmd", "powershell"] {
            let error = shell(Some(windows)).unwrap_err();
            assert_eq!(error.code, ErrorCode::Unsupported);
            assert!(error.error.contains(windows) && error.error.contains("bash or sh"), "{error}");
        }
    }

    #[test]
    fn a_directory_is_absolute_and_of_bounded_length() {
        let directory = |text: &str| UnsafeCommand { working_dir: Some(text.into()), ..command() };
        for relative in ["tmp", "./tmp", "../etc", "~", "C:\\Windows"] {
            invalid_with(directory(relative), "absolute");
        }
        invalid_with(directory(&format!("/{}", "x".repeat(4096))), "4096");
        assert!(RawCommand::check(directory("/srv/a b/../c")).is_ok());
    }

    #[test]
    fn a_user_is_a_login_name() {
        let user = |name: &str| UnsafeCommand { run_as: Some(name.into()), ..command() };
        for odd in ["-u", "+", "+nis", "a:b", "a b", "a\nb", "../a", "a,b", "#1000", "a\u{1b}[0m"] {
            invalid_with(user(odd), "run_as");
        }
        invalid_with(user(&"x".repeat(256)), "run_as");
        assert!(RawCommand::check(user("www-data")).is_ok());
        assert!(RawCommand::check(user("DOMAIN\\user")).is_ok());
    }

    #[test]
    fn what_execve_would_refuse_is_refused_with_its_name() {
        let long = "x".repeat(MAX_ARGUMENT_BYTES);
        invalid_with(UnsafeCommand { raw_command: long.clone(), ..command() }, "raw_command");
        let one = vec![("LONG".to_owned(), long.clone())];
        invalid_with(UnsafeCommand { env_vars: one, ..command() }, "LONG");
        let many = (0..3).map(|n| (format!("V{n}"), "x".repeat(100 << 10))).collect();
        invalid_with(UnsafeCommand { env_vars: many, ..command() }, "together");
        let fits = UnsafeCommand { raw_command: "x".repeat(MAX_ARGUMENT_BYTES - 1), ..command() };
        assert!(RawCommand::check(fits).is_ok());
    }
}
