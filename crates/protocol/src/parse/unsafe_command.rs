//! The fields of `UnsafeCommand`.

use super::rejection::{Rejection, describe, kind, quote, quote_name};
use super::{Fields, Key};
use crate::ErrorCode::{InvalidMessage, InvalidParameter};
use crate::host::UnsafeCommand;
use serde_json::Value;

/// Shells that may be asked for.
pub const SHELLS: [&str; 4] = ["bash", "sh", "cmd", "powershell"];

/// An `UnsafeCommand`; whether it is allowed at all is decided elsewhere.
pub(super) fn read(fields: &Fields) -> Result<UnsafeCommand, Rejection> {
    let missing = || {
        let error = "the field `raw_command` is missing; it must be the command for the shell";
        fields.reject(InvalidMessage, Key::RawCommand, error)
    };
    Ok(UnsafeCommand {
        id: fields.id()?,
        raw_command: text(fields, Key::RawCommand)?.ok_or_else(missing)?,
        shell: shell(fields)?,
        timeout: fields.timeout()?,
        working_dir: text(fields, Key::WorkingDir)?,
        env_vars: env_vars(fields)?,
        run_as: text(fields, Key::RunAs)?,
        progress: fields.progress()?,
    })
}

/// A text field that, where it stands, is neither empty nor holds U+0000, which no argument vector can carry.
fn text(fields: &Fields, key: Key) -> Result<Option<String>, Rejection> {
    let wrong = |code, what: String| Err(fields.reject(code, key, format!("`{}` must {what}", key.name())));
    match fields.get(key) {
        None => Ok(None),
        Some(Value::String(text)) if text.trim().is_empty() => wrong(InvalidParameter, "not be empty".into()),
        Some(Value::String(text)) if text.contains('\0') => {
            wrong(InvalidParameter, "not contain U+0000".into())
        }
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(other) => wrong(InvalidMessage, format!("be a string, not {}", describe(other))),
    }
}

fn shell(fields: &Fields) -> Result<Option<String>, Rejection> {
    let Some(asked) = text(fields, Key::Shell)? else { return Ok(None) };
    let shell = asked.to_ascii_lowercase();
    if SHELLS.contains(&shell.as_str()) {
        return Ok(Some(shell));
    }
    let error = format!("`shell` must be one of {}, not {}", SHELLS.join(", "), quote(&asked));
    Err(fields.reject(InvalidParameter, Key::Shell, error))
}

fn env_vars(fields: &Fields) -> Result<Vec<(String, String)>, Rejection> {
    let wrong = |code, error: String| fields.reject(code, Key::EnvVars, error);
    match fields.get(Key::EnvVars) {
        None => Ok(Vec::new()),
        Some(Value::Object(vars)) => vars
            .iter()
            .map(|(name, value)| env_var(name, value).map_err(|e| wrong(InvalidParameter, e)))
            .collect(),
        Some(other) => {
            let error = format!("`env_vars` must be an object of strings, not {}", kind(other));
            Err(wrong(InvalidMessage, error))
        }
    }
}

/// One variable. Its value may be a secret, and an error reaches the audit: of the value only the kind is told.
fn env_var(name: &str, value: &Value) -> Result<(String, String), String> {
    if name.is_empty() || name.contains(['=', '\0']) {
        return Err(format!(
            "`env_vars`: a name must not be empty or contain = or U+0000: {}",
            quote_name(name)
        ));
    }
    match value {
        Value::String(text) if !text.contains('\0') => Ok((name.to_owned(), text.clone())),
        Value::String(_) => Err(format!("`env_vars`: {} must not contain U+0000", quote(name))),
        other => Err(format!("`env_vars`: {} must be a string, not {}", quote(name), kind(other))),
    }
}
