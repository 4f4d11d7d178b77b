//! Changes of packages, which go on in the guest after their time is over: how to look after one, and `--wait`, which
//! stays with it to its end.

use super::error::{CliError, how_to_look, still_runs};
use super::output::Output;
use super::session::{READING, Session, answer_timeout, data, wrong_answer};
use super::terminal::while_waiting;
use crate::client::{ClientError, Event};
use infiniservice_protocol::data::{PackageChange, PackageChangeState, PackageChangeStatusData};
use infiniservice_protocol::guest::GuestMessage;
use infiniservice_protocol::{Action, Response};
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// From one question about a change that goes on to the next.
const ASK_AGAIN: Duration = Duration::from_secs(2);

/// Runs a change and shows what came of it. Where the guest answers that it goes on, `--wait` follows it.
pub(super) async fn run<D: DeserializeOwned>(
    session: &Session,
    action: &Action,
    what: &str,
    render: impl FnOnce(&D, Output) -> String,
) -> Result<(), CliError> {
    let begin = Instant::now();
    let event = session.request(action, answer_timeout(action), what).await?;
    let Some(id) = goes_on(&event) else {
        return session.show(&event, |message, out| match message {
            GuestMessage::Response(response) => Ok(render(&data(response)?, out)),
            _ => Err(wrong_answer(what)),
        });
    };
    let Some(wait) = session.wait else { return session.show(&event, |_, _| Err(wrong_answer(what))) };
    let (event, change) = follow(session, &id, begin + wait, what).await?;
    if session.out.json {
        session.out.document(&event.raw)?;
    }
    match (change.state, change.result) {
        (PackageChangeState::Succeeded, _) if session.out.json => Ok(()),
        (PackageChangeState::Succeeded, Some(result)) => {
            let result = Response::ok(change.id, change.command_type, result);
            session.out.text(&render(&data(&result)?, session.out))
        }
        (PackageChangeState::Succeeded, None) => session.out.text(&format!("done: {what}")),
        (_, _) => Err(failed(&change.command_type, change.error, change.error_code)),
    }
}

/// The id of a change that goes on though its time is over.
fn goes_on(event: &Event) -> Option<String> {
    match event.message()? {
        GuestMessage::Response(response) if still_runs(response) => Some(response.id.clone()),
        _ => None,
    }
}

/// Asks until the change has ended, or `until`.
async fn follow(
    session: &Session,
    id: &str,
    until: Instant,
    what: &str,
) -> Result<(Arc<Event>, PackageChange), CliError> {
    let asked = Action::PackageChangeStatus { id: Some(id.to_owned()) };
    while Instant::now() < until {
        session.goes_on_with(Some(format!("{what}; {}", how_to_look(id))));
        let question = session.client.command(&asked, None);
        let event = while_waiting(what, session.client.call(&question, READING)).await?;
        if let Some(ended) = ended(&event)? {
            session.goes_on_with(None);
            return Ok((event, ended));
        }
        while_waiting(what, tokio::time::sleep_until(until.min(Instant::now() + ASK_AGAIN))).await;
    }
    Err(CliError::TimedOut(format!("--wait is over; the guest continues: {what}; {}", how_to_look(id))))
}

/// The change that was asked for, if it has ended.
fn ended(event: &Event) -> Result<Option<PackageChange>, CliError> {
    let Some(GuestMessage::Response(response)) = event.message() else {
        return Err(CliError::Client(ClientError::WrongAnswer { what: "PackageChangeStatus".into() }));
    };
    if !response.success {
        return Err(CliError::Refused(Box::new(response.clone())));
    }
    let status: PackageChangeStatusData = data(response)?;
    Ok(status.changes.into_iter().next().filter(|change| change.state != PackageChangeState::Running))
}

fn failed(action: &str, error: Option<String>, code: Option<String>) -> CliError {
    let error = error.unwrap_or_else(|| "the guest gives no reason".into());
    let code = code.map(|code| format!(" ({code})")).unwrap_or_default();
    CliError::Failed(format!("{action} failed: {error}{code}"))
}
