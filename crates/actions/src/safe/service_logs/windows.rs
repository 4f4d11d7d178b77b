//! Asks the event logs System and Application, where services and programs write.

use super::{Found, Query, Wanted, events};
use crate::context::CommandContext;
use infiniservice_exec::{Cancellation, CommandError, CommandOutcome, CommandResult};
use infiniservice_platform::blocking::{self, Blocked, Lane};
use infiniservice_platform::win32::event_log_unsafe::each_event;
use infiniservice_protocol::ErrorCode;
use std::ops::ControlFlow;
use std::time::SystemTime;
use windows_registry::LOCAL_MACHINE;

const LOGS: [&str; 2] = ["System", "Application"];
const REGISTERED: &str = r"SYSTEM\CurrentControlSet\Services\EventLog";

/// The newest events of a source.
pub(in crate::safe) async fn run(
    query: Query,
    _: &CommandContext,
    cancellation: &Cancellation,
) -> CommandResult {
    let wanted = query.wanted(SystemTime::now())?;
    let source = query.service;
    if !events::can_name(&source) {
        let error = "`service` must be the name of a source of events, such as Service Control Manager: it must not hold quotes or backslashes";
        return Err(CommandError::new(ErrorCode::InvalidParameter, error));
    }
    let failed = |blocked: Blocked| CommandError::new(ErrorCode::ExecutionFailed, blocked.to_string());
    let name = source.clone();
    let asked = blocking::start(Lane::Managers, "the event log", move || gather(&name, &wanted));
    let found = cancellation.run_until_cancelled(asked.map_err(failed)?).await?.map_err(failed)??;
    CommandOutcome::of(&found.data(&source))
}

/// As many of both logs as are wanted, then the newest of these.
fn gather(source: &str, wanted: &Wanted) -> Result<Found, CommandError> {
    let (query, mut lines) = (events::query(source, wanted), Vec::new());
    for log in LOGS {
        let mut left = wanted.lines as usize + 1;
        let mut take = |xml: &str, text: Option<String>| {
            lines.extend(events::read(xml, text));
            left -= 1;
            if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        each_event(log, &query, source, &mut take).map_err(|error| {
            let error = format!("the log {log} cannot be read: {}", error.message());
            CommandError::new(ErrorCode::ExecutionFailed, error)
        })?;
    }
    if lines.is_empty() && !LOGS.iter().any(|log| is_registered(log, source)) {
        let error = format!("there is no source of events {source:?} in the logs System and Application");
        return Err(CommandError::new(ErrorCode::NotFound, error));
    }
    lines.sort_by(|one, other| other.time.cmp(&one.time));
    let mut found = Found::at_most(wanted.lines);
    let _ = lines.into_iter().try_for_each(|line| found.take(line));
    Ok(found)
}

fn is_registered(log: &str, source: &str) -> bool {
    LOCAL_MACHINE.open(format!(r"{REGISTERED}\{log}\{source}")).is_ok()
}
