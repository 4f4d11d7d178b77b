//! `infinictl batch`: several commands in one line. Each result is shown as it comes; the exit code is that of all of them.

mod input;

use super::error::CliError;
use super::output::ascii_json;
use super::session::{Session, wrong_answer};
use crate::client::{Event, Subscription};
use crate::text::{sanitize, units};
use infiniservice_protocol::batch::{BatchResult, Mode, OnError};
use infiniservice_protocol::guest::GuestMessage;
use infiniservice_protocol::host::Batch;
use infiniservice_protocol::{ErrorCode, HostMessage, Limits, Response};
use std::collections::HashSet;
use std::io::{Write, stderr, stdout};
use std::sync::Arc;
use std::time::Duration;

/// What to run, and how.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// File of commands: one JSON object per line, or one JSON array of them; `-` reads standard input
    file: String,
    /// Run the commands in parallel instead of one after the other
    #[arg(long)]
    parallel: bool,
    /// Continue after a command has failed
    #[arg(long)]
    keep_going: bool,
}

/// How long a large response may come after the result, by the bulk port: longer than the guest waits for that to be read.
const LATE: Duration = Duration::from_secs(15);

/// Runs it.
pub(super) async fn run(session: &Session, args: &Args) -> Result<(), CliError> {
    let head = Batch {
        id: session.client.new_id(),
        commands: Vec::new(),
        mode: if args.parallel { Mode::Parallel } else { Mode::Sequential },
        on_error: if args.keep_going { OnError::Continue } else { OnError::Stop },
        timeout: session.timeout.map(|t| t.as_secs() + u64::from(t.subsec_nanos() > 0)),
    };
    let batch = input::read(&args.file, head)?;
    let mut ids: HashSet<String> = batch.commands.iter().map(|command| command.id().to_owned()).collect();
    let event = exchange(session, &HostMessage::Batch(batch), &mut ids).await?;
    match event.message() {
        Some(GuestMessage::BatchResult(result)) => conclude(session, &event, result),
        Some(GuestMessage::Response(response)) => {
            if session.out.json {
                session.out.document(&event.raw)?;
            }
            Err(CliError::Refused(Box::new(response.clone())))
        }
        _ => Err(wrong_answer("the batch")),
    }
}

/// Sends it, and shows the responses of these ids until its result comes, and those that come after it by another port.
async fn exchange(
    session: &Session,
    message: &HostMessage,
    ids: &mut HashSet<String>,
) -> Result<Arc<Event>, CliError> {
    let longest = Duration::from_secs(Limits::default().max_command_timeout_secs);
    let default_wait = session.timeout.unwrap_or(longest);
    let mut lines = session.client.subscribe();
    let event = {
        let mut answer = std::pin::pin!(session.message_unseen(message, default_wait, "running the batch"));
        loop {
            tokio::select! {
                biased;
                event = &mut answer => break event?,
                // Where nobody reads any more, the batch goes on all the same: its result is the exit code.
                shown = show_next(session, &mut lines, ids) => drop(shown),
            }
        }
    };
    // Who has the result finds all responses before it in the subscription.
    while let Some(event) = lines.try_next() {
        drop(show(session, &event, ids));
    }
    if session.client.stats().has_bulk && matches!(event.message(), Some(GuestMessage::BatchResult(_))) {
        let late = async {
            while !ids.is_empty() {
                drop(show_next(session, &mut lines, ids).await);
            }
        };
        let _all_or_late = tokio::time::timeout(LATE, late).await;
    }
    Ok(event)
}

/// Never ends where the connection has, which the answer tells.
async fn show_next(
    session: &Session,
    lines: &mut Subscription,
    ids: &mut HashSet<String>,
) -> Result<(), CliError> {
    match lines.next().await {
        Some(event) => show(session, &event, ids),
        None => std::future::pending().await,
    }
}

fn show(session: &Session, event: &Event, ids: &mut HashSet<String>) -> Result<(), CliError> {
    let Some(GuestMessage::Response(response)) = event.message() else { return Ok(()) };
    match ids.remove(&response.id) {
        false => Ok(()),
        true if session.out.json => session.out.document(&event.raw),
        true => print(response),
    }
}

/// What became of it in one line, then what it says.
fn print(response: &Response) -> Result<(), CliError> {
    let mut out = stdout().lock();
    writeln!(out, "{}", headline(response))?;
    let is_empty = response.data.as_object().is_some_and(serde_json::Map::is_empty);
    if response.success && !is_empty {
        let data = serde_json::to_string_pretty(&response.data).unwrap_or_default();
        data.lines().try_for_each(|line| writeln!(out, "{}", ascii_json(line)))?;
    }
    write_output(&mut out, &response.stdout)?;
    out.flush()?;
    Ok(write_output(&mut stderr().lock(), &response.stderr)?)
}

/// What a program wrote, on lines of its own.
fn write_output(out: &mut impl Write, text: &str) -> std::io::Result<()> {
    let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    write!(out, "{}{end}", sanitize::lines(text))
}

fn headline(response: &Response) -> String {
    let took = units::millis(Duration::from_millis(response.execution_time_ms));
    let (id, action) = (sanitize::brief(&response.id), sanitize::brief(&response.command_type));
    if response.success {
        return format!("{id}: {action} done in {took}");
    }
    let error = sanitize::brief(response.error.as_deref().unwrap_or("the guest gives no reason"));
    let code = response.error_code.map_or("no code", ErrorCode::as_str);
    format!("{id}: {action} failed: {error} ({code})")
}

fn conclude(session: &Session, event: &Event, result: &BatchResult) -> Result<(), CliError> {
    if session.out.json {
        session.out.document(&event.raw)?;
    }
    if result.success {
        return Ok(());
    }
    let with = |code| result.outcomes.iter().filter(|outcome| outcome.error_code == Some(code)).count();
    let failed = result.outcomes.iter().filter(|outcome| !outcome.success).count();
    let sentence = match with(ErrorCode::Cancelled) {
        0 => format!("{failed} of {} commands failed", result.outcomes.len()),
        ended => format!(
            "{} of {} commands failed, {ended} did not run or were ended",
            failed - ended,
            result.outcomes.len()
        ),
    };
    if with(ErrorCode::Timeout) > 0 {
        Err(CliError::TimedOut(sentence))
    } else {
        Err(CliError::Failed(sentence))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_result_has_one_line_that_says_what_became_of_it() {
        let mut done = Response::ok("b-1", "ServiceList", json!([]));
        done.execution_time_ms = 12;
        assert_eq!(headline(&done), "b-1: ServiceList done in 12.0 ms");
        let failed = Response::failed("b-2", "Bogus", ErrorCode::UnknownAction, "no\u{1b}[31m such action");
        assert_eq!(headline(&failed), "b-2: Bogus failed: no\\u{1b}[31m such action (UNKNOWN_ACTION)");
    }

    #[test]
    fn a_programs_output_ends_its_line() {
        for (text, shown) in [("", ""), ("a", "a\n"), ("a\n", "a\n")] {
            let mut out = Vec::new();
            write_output(&mut out, text).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), shown);
        }
    }
}
