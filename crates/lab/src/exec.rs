//! A program to run in the guest, and what came of it.

use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

/// Limit of a program's running time where none is given.
const DEFAULT_LIMIT: Duration = Duration::from_mins(2);

/// A program, its arguments and standard input, and how long it may run. It is killed with its children after that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exec {
    argv: Vec<String>,
    stdin: Option<Vec<u8>>,
    limit: Duration,
}

/// What a program in the guest left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecOutput {
    /// The exit code; 124 or 137 when it was killed for taking too long, `None` when a signal ended it.
    pub exit_code: Option<i64>,
    /// Standard output, invalid UTF-8 replaced.
    pub stdout: String,
    /// Standard error, invalid UTF-8 replaced.
    pub stderr: String,
    /// Whether the guest agent cut one of them (it keeps 16 MiB).
    pub truncated: bool,
}

impl Exec {
    /// A program by its argument vector.
    pub fn argv<S: AsRef<str>>(argv: &[S]) -> Self {
        let argv = argv.iter().map(|argument| argument.as_ref().to_owned()).collect();
        Self { argv, stdin: None, limit: DEFAULT_LIMIT }
    }

    /// A script for `/bin/sh`.
    pub fn shell(script: &str) -> Self {
        Self::argv(&["/bin/sh", "-c", script])
    }

    /// Bytes given to the program as standard input.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    /// The longest that it may run; fractions of a second are rounded up.
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    pub(crate) fn limit(&self) -> Duration {
        self.limit
    }

    /// The arguments of `timeout(1)` for it.
    pub(crate) fn timed(&self) -> Vec<String> {
        let seconds = self.limit.as_millis().div_ceil(1000).to_string();
        let mut arguments = vec!["--kill-after=5".to_owned(), seconds];
        arguments.extend(self.argv.iter().cloned());
        arguments
    }

    pub(crate) fn input(&self) -> Option<&[u8]> {
        self.stdin.as_deref()
    }

    /// The arguments of `guest-exec`. The guest's own `timeout(1)` ends the program, since qemu-ga cannot.
    pub(crate) fn arguments(&self) -> Value {
        let mut arguments = json!({"path": "/usr/bin/timeout", "arg": self.timed(), "capture-output": true});
        if let Some(bytes) = &self.stdin {
            arguments["input-data"] = BASE64.encode(bytes).into();
        }
        arguments
    }
}

impl fmt::Display for Exec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.argv.join(" "))
    }
}

impl ExecOutput {
    /// Whether the program ended by itself with exit code 0.
    pub fn success(&self) -> bool {
        self.exit_code == Some(0)
    }

    /// Standard output without its last newline; an error with everything in it when the program failed.
    pub fn expect_success(self) -> Result<String> {
        if self.success() {
            return Ok(self.stdout.trim_end().to_owned());
        }
        bail!("exit code {:?} in the guest\nstdout: {}\nstderr: {}", self.exit_code, self.stdout, self.stderr)
    }

    /// Reads the answer of `guest-exec-status`; `None` while the program runs.
    pub(crate) fn from_status(status: &Value) -> Result<Option<Self>> {
        if status["exited"] != true {
            return Ok(None);
        }
        let flag = |name: &str| status[name].as_bool().unwrap_or(false);
        Ok(Some(Self {
            exit_code: status["exitcode"].as_i64().filter(|_| status.get("signal").is_none()),
            stdout: text(&status["out-data"])?,
            stderr: text(&status["err-data"])?,
            truncated: flag("out-truncated") || flag("err-truncated"),
        }))
    }
}

fn text(data: &Value) -> Result<String> {
    let bytes = BASE64.decode(data.as_str().unwrap_or_default()).context("output is not base64")?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_runs_under_the_guests_own_limit() {
        let exec = Exec::argv(&["ss", "-ltn"]).timeout(Duration::from_millis(1500)).stdin("in");
        let expected = json!({
            "path": "/usr/bin/timeout",
            "arg": ["--kill-after=5", "2", "ss", "-ltn"],
            "capture-output": true,
            "input-data": "aW4=",
        });
        assert_eq!(exec.arguments(), expected);
    }

    #[test]
    fn a_running_program_has_no_output_yet() {
        assert_eq!(ExecOutput::from_status(&json!({"exited": false})).unwrap(), None);
    }

    #[test]
    fn output_and_exit_code_are_decoded() {
        let status = json!({"exited": true, "exitcode": 3, "out-data": "b3V0Cg==", "err-data": "ZXJyCg==", "out-truncated": true});
        let output = ExecOutput::from_status(&status).unwrap().unwrap();
        let expected = ExecOutput {
            exit_code: Some(3),
            stdout: "out\n".into(),
            stderr: "err\n".into(),
            truncated: true,
        };
        assert_eq!(output, expected);
        let error = output.expect_success().unwrap_err().to_string();
        assert!(error.contains("err") && error.contains("out") && error.contains('3'), "{error}");
    }

    #[test]
    fn a_program_ended_by_a_signal_has_no_exit_code() {
        let output = ExecOutput::from_status(&json!({"exited": true, "signal": 9})).unwrap().unwrap();
        assert_eq!(output.exit_code, None);
        assert!(!output.success());
    }
}
