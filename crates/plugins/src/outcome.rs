//! What a run came to: figures, or the reason why there are none.

use crate::format::Format;
use crate::spec::Spec;
use infiniservice_exec::{Finished, RunError, Status, Stop};
use infiniservice_platform::sanitize;
use infiniservice_protocol::metrics::Plugin;
use infiniservice_protocol::number::millis;
use std::time::Duration;

/// One run.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Outcome {
    /// What is told of it.
    pub(crate) plugin: Plugin,
    /// How many series there were.
    pub(crate) total: usize,
}

impl Outcome {
    /// It failed.
    pub(crate) fn failed(error: impl Into<String>) -> Self {
        Self { plugin: Plugin { error: Some(error.into()), ..Plugin::default() }, total: 0 }
    }

    /// Of a program that ran for `took`. Reads all that it wrote, so not for the main thread.
    pub(crate) fn of(spec: &Spec, finished: Result<Finished, RunError>, took: Duration) -> Self {
        let finished = match finished {
            Ok(finished) => finished,
            Err(error) => return Self::failed(error.to_string()),
        };
        let exit_code = finished.exit_code();
        let mut outcome = match read(spec, &finished) {
            Ok(outcome) => outcome,
            Err(error) => Self::failed(error),
        };
        outcome.plugin.exit_code = exit_code;
        outcome.plugin.duration_ms = Some(millis(took));
        outcome
    }
}

fn read(spec: &Spec, finished: &Finished) -> Result<Outcome, String> {
    let flooded = finished.status == Status::Enough || finished.stdout.truncated;
    if let Status::Stopped(Stop::TimedOut(after)) = finished.status {
        return Err(format!("it did not end within timeout_secs ({}) and was ended", after.as_secs()));
    }
    if flooded {
        return Err(format!(
            "it wrote more than max_output_bytes ({}) and was not read",
            spec.max_output_bytes
        ));
    }
    let exit_code = match finished.status {
        Status::Exited(code) => code,
        Status::Signalled(signal) => return Err(format!("it was ended by signal {signal}")),
        Status::Stopped(_) | Status::Detached => return Err("it was ended with the agent".into()),
        Status::Enough | Status::Lost => return Err("the system did not report its exit status".into()),
    };
    if !spec.format.is_done(exit_code) {
        return Err(gave_up(spec.format, exit_code, finished));
    }
    let reading = spec.format.read(&finished.stdout.text, exit_code, spec.max_series)?;
    let plugin = Plugin {
        ok: true,
        series: reading.series,
        message: reading.message,
        error: reading.complaint,
        ..Plugin::default()
    };
    Ok(Outcome { plugin, total: reading.total })
}

/// With what it said last, where it said anything.
fn gave_up(format: Format, exit_code: i32, finished: &Finished) -> String {
    let allowed = if format == Format::Nagios { "0 to 3 are allowed" } else { "0 is expected" };
    let last = |text: &str| text.lines().rfind(|line| !line.trim().is_empty()).map(sanitize::quote);
    let said = last(&finished.stderr.text).or_else(|| last(&finished.stdout.text));
    let said = said.map(|said| format!(": {said}")).unwrap_or_default();
    format!("it returned exit code {exit_code}, where {allowed}{said}")
}
