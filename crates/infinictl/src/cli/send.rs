//! `infinictl send`: lines as they are, and the answers to them.

use super::error::{CliError, advice};
use super::session::Session;
use super::terminal::while_waiting;
use crate::client::{Event, Heard, Subscription};
use infiniservice_protocol::guest::GuestMessage;
use serde_json::Value;
use std::io::Read;
use std::sync::Arc;

/// Longest input from standard input, in bytes.
const MAX_INPUT_BYTES: u64 = 64 << 20;

/// What to send.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// The line; `-` reads lines from standard input
    pub(super) line: String,
}

/// Which answer a line will have.
#[derive(Clone, Debug, PartialEq)]
enum Expected {
    /// A response, or metrics, with this id.
    Id(String),
    /// A `keep_alive` with this number.
    Beat(u64),
    /// `hello`.
    Hello,
    /// Metrics without an id.
    Metrics,
    /// None: the answer to a heartbeat is not answered.
    Nothing,
    /// It is no message of the contract, so an error.
    Error,
}

/// Runs it: sends all lines, then prints the answers as they come.
pub(super) async fn run(session: &Session, args: &Args) -> Result<(), CliError> {
    if session.sealed {
        let text = "send writes lines unchanged, so it cannot seal them: leave --seal-key out, or use another command";
        return Err(CliError::Usage(text.into()));
    }
    let input = if args.line == "-" { stdin_text()? } else { args.line.clone() };
    let lines: Vec<&str> = input.lines().filter(|line| !line.trim().is_empty()).collect();
    let expected: Vec<Expected> =
        lines.iter().map(|line| expect(line)).filter(|e| *e != Expected::Nothing).collect();
    let mut answers = session.client.subscribe();
    let exchange = async {
        for line in &lines {
            session.client.send_raw(format!("{line}\n")).await?;
        }
        collect(session, &mut answers, expected).await
    };
    let late = while_waiting("waiting for the guest", tokio::time::timeout(session.wait(), exchange)).await;
    late.unwrap_or_else(|_| {
        Err(CliError::TimedOut(format!("not every line was answered: {}", advice(&heard(session)))))
    })
}

async fn collect(
    session: &Session,
    answers: &mut Subscription,
    mut expected: Vec<Expected>,
) -> Result<(), CliError> {
    let mut failed = 0;
    while !expected.is_empty() {
        let Some(event) = answers.next().await else { return Err(session.client.closed().await.into()) };
        if let Some(at) = expected.iter().position(|expected| answers_to(&event, expected)) {
            expected.remove(at);
            failed += usize::from(is_failure(&event));
            session.out.document(&event.raw)?;
        }
    }
    match failed {
        0 => Ok(()),
        _ => Err(CliError::Failed(format!("the guest answered {failed} of the lines with an error"))),
    }
}

fn expect(line: &str) -> Expected {
    let Ok(message) = serde_json::from_str::<Value>(line) else { return Expected::Error };
    let id = message.get("id").and_then(Value::as_str).map(str::to_owned);
    let number = message.get("sequence_number").and_then(Value::as_u64);
    match (message.get("type").and_then(Value::as_str), id, number) {
        (Some("KeepAliveResponse" | "keep_alive_response"), _, Some(_)) => Expected::Nothing,
        (Some("keep_alive_request"), _, Some(number)) => Expected::Beat(number),
        (Some("Hello"), _, _) => Expected::Hello,
        (_, Some(id), _) => Expected::Id(id),
        (Some("Metrics"), None, _) => Expected::Metrics,
        _ => Expected::Error,
    }
}

/// An `error` belongs to no line that can be told, so it answers the first that waits.
fn answers_to(event: &Arc<Event>, expected: &Expected) -> bool {
    match (event.message(), expected) {
        (Some(GuestMessage::Response(response)), Expected::Id(id)) => response.id == *id,
        (Some(GuestMessage::BatchResult(result)), Expected::Id(id)) => result.id == *id,
        (Some(GuestMessage::SystemMetrics(metrics)), Expected::Id(id)) => {
            metrics.request_id.as_ref() == Some(id)
        }
        (Some(GuestMessage::Error(_)), _)
        | (Some(GuestMessage::Response(_)), Expected::Error)
        | (Some(GuestMessage::SystemMetrics(_)), Expected::Metrics)
        | (Some(GuestMessage::Hello(_)), Expected::Hello) => true,
        (Some(GuestMessage::KeepAlive(beat)), Expected::Beat(number)) => beat.sequence_number == *number,
        _ => false,
    }
}

fn is_failure(event: &Arc<Event>) -> bool {
    match event.message() {
        Some(GuestMessage::Response(response)) => !response.success,
        Some(GuestMessage::BatchResult(result)) => !result.success,
        Some(GuestMessage::Error(_)) => true,
        _ => false,
    }
}

fn heard(session: &Session) -> Heard {
    let stats = session.client.stats();
    Heard {
        lines: stats.lines,
        error: stats.last_error,
        unreadable: stats.last_malformed,
        silent_for: stats.last_line.map(|last| last.elapsed()),
    }
}

fn stdin_text() -> Result<String, CliError> {
    let mut text = String::new();
    let read = std::io::stdin().lock().take(MAX_INPUT_BYTES).read_to_string(&mut text);
    read.map_err(|error| CliError::Failed(format!("cannot read standard input: {error}")))?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_waits_for_its_own_kind_of_answer() {
        let id = |id: &str| Expected::Id(id.into());
        assert_eq!(expect(r#"{"type":"SafeCommand","id":"a"}"#), id("a"));
        assert_eq!(expect(r#"{"type":"Metrics","id":"m"}"#), id("m"));
        assert_eq!(expect(r#"{"type":"Metrics"}"#), Expected::Metrics);
        assert_eq!(expect(r#"{"type":"keep_alive_request","sequence_number":4}"#), Expected::Beat(4));
        assert_eq!(expect(r#"{"type":"KeepAliveResponse","sequence_number":4}"#), Expected::Nothing);
        assert_eq!(expect("not json"), Expected::Error);
    }
}
