//! Host programs run to their end, with an error that holds what they said.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, str};

use anyhow::{Context, Result, bail};

/// Directories that hold administrators' tools but are missing from an ordinary user's `PATH`.
const SYSTEM_DIRS: [&str; 3] = ["/usr/local/sbin", "/usr/sbin", "/sbin"];
/// How much of a failed program's standard error is shown, in bytes.
const SHOWN_BYTES: usize = 8 * 1024;

/// Finds `program` on `PATH` or in the system's own.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let dirs = env::split_paths(&path).chain(SYSTEM_DIRS.iter().map(PathBuf::from));
    dirs.map(|dir| dir.join(program)).find(|candidate| candidate.is_file())
}

/// Starts building a command for `program`, resolved by [`find`], in the C locale and without input.
pub fn program(name: &str) -> Result<Command> {
    let path = find(name).with_context(|| format!("{name} is not installed"))?;
    let mut command = Command::new(path);
    command.env("LC_ALL", "C.UTF-8").stdin(Stdio::null());
    Ok(command)
}

/// Runs `name` with `args` and returns its standard output; its standard error is in the error.
pub fn run<I, S>(name: &str, args: I) -> Result<String>
where
    I: IntoIterator<Item = S>,
    S: AsRef<OsStr>,
{
    let mut command = program(name)?;
    command.args(args);
    output_of(&mut command)
}

/// Runs `command` to its end and returns its standard output.
pub fn output_of(command: &mut Command) -> Result<String> {
    let shown = describe(command);
    let output = command.output().with_context(|| format!("cannot start {shown}"))?;
    if !output.status.success() {
        bail!("{shown} failed ({}):\n{}", output.status, last_part(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn describe(command: &Command) -> String {
    let name = Path::new(command.get_program()).file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

fn last_part(bytes: &[u8]) -> String {
    let start = bytes.len().saturating_sub(SHOWN_BYTES);
    String::from_utf8_lossy(bytes.get(start..).unwrap_or_default()).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_is_returned() {
        assert_eq!(run("echo", ["one"]).unwrap(), "one\n");
    }

    #[test]
    fn failure_holds_the_programs_own_words() {
        let error = run("sh", ["-c", "echo the reason >&2; exit 3"]).unwrap_err().to_string();
        assert!(error.contains("the reason") && error.contains('3'), "{error}");
    }

    #[test]
    fn absent_program_is_named() {
        let error = run("no-such-program-here", [""; 0]).unwrap_err().to_string();
        assert_eq!(error, "no-such-program-here is not installed");
    }
}
