//! `UpdateCheck`: fetches the lists and tells what they have that is newer.

use crate::autochecks::Known;
use crate::context::CommandContext;
use crate::packages::{Reading, explain, mark};
use crate::safe::package::{Attempt, Desk};
use infiniservice_exec::{CommandError, CommandOutcome, CommandResult, Control, Request};
use infiniservice_protocol::data::{PendingUpdate, UpdateCheckData};
use infiniservice_protocol::{ErrorCode, timestamp};
use std::collections::{HashMap, HashSet};
use std::time::SystemTime;

/// Checks for updates. Lists that cannot be fetched do not fail it: what the old ones know is told, with the reason.
pub(in crate::safe) async fn run(context: &CommandContext, control: &Control) -> CommandResult {
    let desk = Desk::of(context, control)?;
    let before = desk.site().lists().await.fetched();
    let stale = desk.refresh().await?.err();
    let fetched = if stale.is_none() { Some(SystemTime::now()) } else { before };
    let pending = pending(&desk).await?;
    let mut outcome = CommandOutcome::of(&data(&desk, pending, fetched, stale.as_ref()).await)?;
    if let Some(why) = stale {
        outcome.stderr = why.partial.stderr;
    }
    Ok(outcome)
}

/// The same without fetching anything: what is known already, and how fresh it is.
pub(in crate::safe) async fn known(
    context: &CommandContext,
    control: &Control,
) -> Result<Known, CommandError> {
    let desk = Desk::of(context, control)?;
    let pending = pending(&desk).await?;
    let lists = desk.site().lists().await;
    Ok(Known { updates: data(&desk, pending, lists.fetched(), None).await, lists })
}

/// What is pending by the lists that are there, security updates first.
pub(super) async fn pending(desk: &Desk<'_>) -> Result<Reading<PendingUpdate>, CommandError> {
    let query = desk.manager().pending();
    let all = desk.read(query.all, "pending updates").await?.stdout.text;
    let security = match query.security {
        Some(query) => desk.read(query, "pending security updates").await?.stdout.text,
        None => String::new(),
    };
    let read = desk.manager().read_pending(&all, &security);
    let mut reading = read.map_err(|why| unreadable(&why))?;
    let pending = &mut reading.rows;
    if let Some(query) = query.doable.filter(|_| !pending.is_empty()) {
        block(desk, query, pending).await?;
    }
    if pending.iter().any(|update| update.version_installed.is_none()) {
        add_installed(desk, pending).await?;
    }
    pending.sort_by(|a, b| (!a.is_security_update, &a.package).cmp(&(!b.is_security_update, &b.package)));
    Ok(reading)
}

fn unreadable(why: &str) -> CommandError {
    let error = format!("pending updates could not be read: {why}");
    CommandError::new(ErrorCode::ExecutionFailed, error)
}

/// Marks the updates that installing all would leave out, each with the reason.
async fn block(desk: &Desk<'_>, query: Request, pending: &mut [PendingUpdate]) -> Result<(), CommandError> {
    let manager = desk.manager();
    match desk.simulate(query).await? {
        Attempt::Done(finished) => {
            let doable = manager.read_doable(&finished.stdout.text).map_err(|why| unreadable(&why))?;
            mark(pending, &doable);
        }
        Attempt::Failed(_, failure) => {
            let why = failure.reason();
            for update in pending.iter_mut() {
                update.blocked_by = Some(why.clone());
            }
            return Ok(());
        }
    }
    let reasons = manager.reasons();
    if reasons.is_empty() || pending.iter().all(|update| update.blocked_by.is_none()) {
        return Ok(());
    }
    let mut answers = Vec::new();
    for request in reasons {
        answers.push(desk.read(request, "what keeps updates back").await?.stdout.text);
    }
    explain(pending, &manager.read_reasons(&answers));
    Ok(())
}

/// Some package managers tell only what is new. What is still without an installed version then is new itself.
async fn add_installed(desk: &Desk<'_>, pending: &mut [PendingUpdate]) -> Result<(), CommandError> {
    let mut versions = HashMap::new();
    let wanted: HashSet<_> = pending.iter().map(|update| update.package.clone()).collect();
    desk.each_installed(&mut |one| {
        if wanted.contains(&one.name) {
            versions.insert((one.name, one.architecture), one.version);
        }
    })
    .await?;
    for update in pending.iter_mut().filter(|update| update.version_installed.is_none()) {
        let key = (update.package.clone(), update.architecture.clone());
        update.version_installed = versions.get(&key).cloned();
    }
    Ok(())
}

async fn data(
    desk: &Desk<'_>,
    pending: Reading<PendingUpdate>,
    fetched: Option<SystemTime>,
    stale: Option<&CommandError>,
) -> UpdateCheckData {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let Reading { rows: pending, unreadable } = pending;
    let reboot = desk.reboot().await;
    UpdateCheckData {
        pending_count: count(pending.len()),
        security_count: count(pending.iter().filter(|update| update.is_security_update).count()),
        blocked_count: count(pending.iter().filter(|update| update.blocked_by.is_some()).count()),
        unreadable,
        pending_updates: pending,
        manager: desk.manager().name().to_owned(),
        last_check: fetched.map(timestamp::rfc3339_millis),
        refresh_error: stale.map(|why| why.error.clone()),
        reboot_required: reboot.required,
        reboot_unknown: reboot.unknown,
    }
}
