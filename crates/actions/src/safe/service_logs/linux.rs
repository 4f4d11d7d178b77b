//! Asks systemd's journal, by journalctl.

use super::{Found, Query, journal};
use crate::context::CommandContext;
use infiniservice_exec::{Cancellation, CommandError, CommandOutcome, CommandResult, Finished};
use infiniservice_platform::systemd::name::UnitName;
use infiniservice_protocol::timestamp::rfc3339_millis;
use infiniservice_protocol::{ErrorCode, ServiceOperation};
use std::time::SystemTime;

/// What journalctl says where the agent may not read.
const DENIED: &str = "insufficient permissions";
/// What it says where nothing is kept: `Storage=none`, or no journald.
const NO_FILES: &str = "No journal files were found";

/// The newest lines of a unit. A unit that is gone may have some; one that has none must be there.
pub(in crate::safe) async fn run(
    query: Query,
    context: &CommandContext,
    cancellation: &Cancellation,
) -> CommandResult {
    let unit = UnitName::parse(&query.service)?;
    let now = SystemTime::now();
    let (wanted, now) = (query.wanted(now)?, rfc3339_millis(now));
    let mut found = Found::at_most(wanted.lines);
    let request = journal::request(unit.as_str(), &wanted);
    let mut finished = context.runner.run(request, cancellation).await?;
    let output = std::mem::take(&mut finished.stdout);
    journal::read_all(&output, &now, &mut found);
    let finished = understood(finished, found.lines.is_empty())?;
    if found.lines.is_empty() {
        context.services.control(unit.as_str(), ServiceOperation::Status, cancellation).await?;
    }
    // Such as that lines of other users are not seen.
    Ok(CommandOutcome { stderr: finished.stderr, ..CommandOutcome::of(&found.data(unit.as_str()))? })
}

/// The newest journalctl also fails where there is no entry, and says nothing.
fn understood(finished: Finished, is_empty: bool) -> Result<Finished, CommandError> {
    let said = &finished.stderr.text;
    if said.contains(DENIED) {
        return Err(finished.into_error(ErrorCode::PermissionDenied, "the agent may not read the journal"));
    }
    if said.contains(NO_FILES) {
        return Err(finished.into_error(ErrorCode::ExecutionFailed, "no journal is kept here"));
    }
    let found_none = is_empty && said.is_empty() && finished.exit_code().is_some();
    if finished.succeeded() || found_none {
        return Ok(finished);
    }
    Err(finished.into_error(ErrorCode::ExecutionFailed, "journalctl could not read the journal"))
}
