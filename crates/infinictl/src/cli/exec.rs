//! `infinictl exec`: a raw shell command in the guest, where its configuration allows that.

use super::error::CliError;
use super::live;
use super::session::{Session, wrong_answer};
use crate::client::Event;
use crate::text::sanitize;
use infiniservice_protocol::action::UNSAFE_COMMAND_TIMEOUT_SECS;
use infiniservice_protocol::guest::GuestMessage;
use infiniservice_protocol::host::UnsafeCommand;
use infiniservice_protocol::{HostMessage, Response};
use serde_json::Value;
use std::io::{Write, stderr, stdout};
use std::time::{Duration, SystemTime};

/// What to run, and how.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// The command, as one argument for the guest's shell
    command: String,
    /// bash or sh; on Windows cmd or powershell [default: chosen by the guest]
    #[arg(long)]
    shell: Option<String>,
    /// User to run the command as [default: the agent's user]
    #[arg(long, value_name = "USER")]
    run_as: Option<String>,
    /// Working directory in the guest
    #[arg(long, value_name = "DIR")]
    working_dir: Option<String>,
    /// Environment variable; may be repeated
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = variable)]
    variables: Vec<(String, String)>,
    /// Show the output while the command runs
    #[arg(long, short)]
    follow: bool,
}

impl Args {
    /// Its message, without an id: for a job.
    pub(super) fn message(self) -> Value {
        let command = UnsafeCommand { progress: false, ..self.command(String::new(), None) };
        let line = HostMessage::UnsafeCommand(command).to_payload(SystemTime::UNIX_EPOCH);
        let mut message: Value = serde_json::from_str(&line).unwrap_or_default();
        message.as_object_mut().map(|members| members.remove("id"));
        message
    }

    fn command(self, id: String, timeout: Option<u64>) -> UnsafeCommand {
        UnsafeCommand {
            id,
            raw_command: self.command,
            shell: self.shell,
            timeout,
            working_dir: self.working_dir,
            env_vars: self.variables,
            run_as: self.run_as,
            progress: self.follow,
        }
    }
}

/// Runs it: what the command wrote comes out where it wrote it.
pub(super) async fn run(session: &Session, args: Args) -> Result<(), CliError> {
    let timeout = session.timeout.map(|t| t.as_secs() + u64::from(t.subsec_nanos() > 0));
    let id = session.client.new_id();
    let follow = args.follow;
    let message = HostMessage::UnsafeCommand(args.command(id.clone(), timeout));
    let default_wait = session.timeout.unwrap_or(Duration::from_secs(UNSAFE_COMMAND_TIMEOUT_SECS));
    let event = if follow {
        live::run(session, &message, &id, default_wait).await?
    } else {
        session.message(&message, default_wait, "running the command").await?
    };
    match event.message() {
        Some(GuestMessage::Response(response)) => conclude(session, &event, response, follow),
        _ => Err(wrong_answer("the command")),
    }
}

/// What was shown while it ran is not shown again.
fn conclude(session: &Session, event: &Event, response: &Response, is_shown: bool) -> Result<(), CliError> {
    if session.out.json {
        session.out.document(&event.raw)?;
    } else if !is_shown {
        pass_on(response)?;
    }
    if response.success {
        return Ok(());
    }
    // What it wrote stands there already.
    Err(CliError::Refused(Box::new(Response { stderr: String::new(), ..response.clone() })))
}

fn pass_on(response: &Response) -> Result<(), CliError> {
    let mut out = stdout().lock();
    out.write_all(sanitize::lines(&response.stdout).as_bytes())?;
    out.flush()?;
    let mut err = stderr().lock();
    err.write_all(sanitize::lines(&response.stderr).as_bytes())?;
    for note in cut(response) {
        writeln!(err, "infinictl: {note}")?;
    }
    Ok(())
}

/// What the guest did not keep of the output.
fn cut(response: &Response) -> Vec<String> {
    let note = |stream, cut: Option<bool>, total: Option<u64>| {
        let total = total.map_or(String::new(), |bytes| format!("; it had {bytes} bytes"));
        cut.filter(|cut| *cut).map(|_| format!("the guest truncated the command's {stream}{total}"))
    };
    let out = note("standard output", response.stdout_truncated, response.stdout_bytes);
    let err = note("standard error", response.stderr_truncated, response.stderr_bytes);
    out.into_iter().chain(err).collect()
}

/// `NAME=VALUE`.
pub(super) fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("must be NAME=VALUE".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn a_variable_has_a_name_and_its_value_may_hold_anything() {
        assert_eq!(variable("A=b=c"), Ok(("A".into(), "b=c".into())));
        assert_eq!(variable("A="), Ok(("A".into(), String::new())));
        assert!(variable("=b").is_err() && variable("A").is_err());
    }

    #[test]
    fn cut_output_is_told_with_its_true_length() {
        let mut response = Response::ok("1", "UnsafeCommand", Value::Null);
        assert!(cut(&response).is_empty());
        (response.stdout_truncated, response.stdout_bytes) = (Some(true), Some(2_000_000));
        assert_eq!(
            cut(&response),
            ["the guest truncated the command's standard output; it had 2000000 bytes"]
        );
    }
}
