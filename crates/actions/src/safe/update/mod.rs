//! `UpdateCheck` and `UpdateInstall`: what is pending, and bringing it in.

#[cfg(test)]
mod tests;

use crate::autochecks::Known;
use crate::context::CommandContext;
use crate::packages::{HELD, PHASED, Reading, Replaced, Scope, compare_versions, explain, mark};
use crate::safe::package::{Attempt, Effects, PackageSession, Reboot, Versions, Weighed, labels, outcome};
use infiniservice_exec::{
    Cancellation, CommandError, CommandOutcome, CommandResult, Finished, Request, Status,
};
use infiniservice_protocol::data::{
    FailedUpdate, PendingUpdate, UpdateCheckData, UpdateInstallData, UpdatedPackage,
};
use infiniservice_protocol::{ErrorCode, timestamp};
use std::collections::{HashMap, HashSet};
use std::time::SystemTime;

/// Checks for updates. Repository metadata that cannot be fetched does not fail it: what the old metadata knows is told, with the reason.
pub(super) async fn check(context: &CommandContext, cancellation: &Cancellation) -> CommandResult {
    let session = PackageSession::of(context, cancellation)?;
    let before = session.site().lists().await.fetched();
    let stale = session.refresh().await?.err();
    let fetched = if stale.is_none() { Some(SystemTime::now()) } else { before };
    let pending = pending(&session).await?;
    let mut outcome = CommandOutcome::of(&check_data(&session, pending, fetched, stale.as_ref()).await)?;
    if let Some(why) = stale {
        outcome.stderr = why.partial.stderr;
    }
    Ok(outcome)
}

/// The same without fetching anything: what is known already, and how fresh it is.
pub(super) async fn known(
    context: &CommandContext,
    cancellation: &Cancellation,
) -> Result<Known, CommandError> {
    let session = PackageSession::of(context, cancellation)?;
    let pending = pending(&session).await?;
    let lists = session.site().lists().await;
    Ok(Known { updates: check_data(&session, pending, lists.fetched(), None).await, lists })
}

/// What is pending by the lists that are there, security updates first.
async fn pending(session: &PackageSession<'_>) -> Result<Reading<PendingUpdate>, CommandError> {
    let query = session.manager().pending();
    let all = session.read(query.all, "pending updates").await?.stdout.text;
    let security = match query.security {
        Some(query) => session.read(query, "pending security updates").await?.stdout.text,
        None => String::new(),
    };
    let read = session.manager().read_pending(&all, &security);
    let mut reading = read.map_err(|why| unreadable(&why))?;
    let pending = &mut reading.rows;
    if let Some(query) = query.doable.filter(|_| !pending.is_empty()) {
        block(session, query, pending).await?;
    }
    if pending.iter().any(|update| update.version_installed.is_none()) {
        add_installed(session, pending).await?;
    }
    pending.sort_by(|a, b| (!a.is_security_update, &a.package).cmp(&(!b.is_security_update, &b.package)));
    Ok(reading)
}

fn unreadable(why: &str) -> CommandError {
    let error = format!("pending updates could not be read: {why}");
    CommandError::new(ErrorCode::ExecutionFailed, error)
}

/// Marks the updates that installing all would leave out, each with the reason.
async fn block(
    session: &PackageSession<'_>,
    query: Request,
    pending: &mut [PendingUpdate],
) -> Result<(), CommandError> {
    let manager = session.manager();
    match session.simulate(query).await? {
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
        answers.push(session.read(request, "what keeps updates back").await?.stdout.text);
    }
    explain(pending, &manager.read_reasons(&answers));
    Ok(())
}

/// Some package managers tell only what is new. What is still without an installed version then is new itself.
async fn add_installed(
    session: &PackageSession<'_>,
    pending: &mut [PendingUpdate],
) -> Result<(), CommandError> {
    let mut versions = HashMap::new();
    let wanted: HashSet<_> = pending.iter().map(|update| update.package.clone()).collect();
    session
        .each_installed(&mut |one| {
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

async fn check_data(
    session: &PackageSession<'_>,
    pending: Reading<PendingUpdate>,
    fetched: Option<SystemTime>,
    stale: Option<&CommandError>,
) -> UpdateCheckData {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let Reading { rows: pending, unreadable } = pending;
    let reboot = session.reboot().await;
    UpdateCheckData {
        pending_count: count(pending.len()),
        security_count: count(pending.iter().filter(|update| update.is_security_update).count()),
        blocked_count: count(pending.iter().filter(|update| update.blocked_by.is_some()).count()),
        unreadable,
        pending_updates: pending,
        manager: session.manager().name().to_owned(),
        last_check: fetched.map(timestamp::rfc3339_millis),
        refresh_error: stale.map(|why| why.error.clone()),
        reboot_required: reboot.required,
        reboot_unknown: reboot.unknown,
    }
}

/// Why an update did not come of which nothing else is known.
const KEPT_BACK: &str = "kept back by the package manager";

/// Installs pending updates, all or the security ones.
pub(super) async fn install(
    security_only: bool,
    cascade: bool,
    context: &CommandContext,
    cancellation: &Cancellation,
) -> CommandResult {
    let session = PackageSession::of(context, cancellation)?;
    if security_only && !session.manager().knows_security() {
        let error = format!("{} does not distinguish security updates from others", session.manager().name());
        return Err(CommandError::new(ErrorCode::Unsupported, error));
    }
    let stale = session.refresh().await?.err();
    let Reading { rows: mut wanted, unreadable } = pending(&session).await?;
    wanted.retain(|update| update.is_security_update || !security_only);
    if unreadable > 0 && (security_only || wanted.is_empty()) {
        return Err(not_understood(&session, unreadable));
    }
    if wanted.is_empty() {
        return nothing_pending(&session, stale).await;
    }
    let doable: Vec<_> = wanted.iter().filter(|update| comes(update, cascade)).cloned().collect();
    if doable.is_empty() {
        return all_blocked(&session, &wanted).await;
    }
    let scope = if security_only { Scope::Security(&doable) } else { Scope::All };
    weigh(&session, scope, cascade).await?;
    let before = session.versions().await?;
    let attempt = session.attempt(session.manager().update(scope, cascade, session.lock_wait())).await?;
    let after = session.versions_now().await;
    conclude(&session, attempt, &wanted, &before, after).await
}

/// Whether an installation brings it.
fn comes(update: &PendingUpdate, cascade: bool) -> bool {
    update.blocked_by.as_ref().is_none_or(|why| cascade && why != HELD && why != PHASED)
}

fn not_understood(session: &PackageSession<'_>, unreadable: u32) -> CommandError {
    let name = session.manager().name();
    let error = format!(
        "{unreadable} lines in which {name} announces updates could not be parsed; nothing was installed"
    );
    CommandError::new(ErrorCode::ExecutionFailed, error)
}

async fn all_blocked(session: &PackageSession<'_>, wanted: &[PendingUpdate]) -> CommandResult {
    let data =
        UpdateInstallData { failed: missing(wanted, &Versions::new(), KEPT_BACK), ..nothing(session).await };
    CommandOutcome::of(&data)
}

async fn nothing(session: &PackageSession<'_>) -> UpdateInstallData {
    let manager = session.manager().name().to_owned();
    let Reboot { required: reboot_required, unknown: reboot_unknown } = session.reboot().await;
    UpdateInstallData { manager, reboot_required, reboot_unknown, ..UpdateInstallData::default() }
}

/// Refuses what takes other packages away.
async fn weigh(session: &PackageSession<'_>, scope: Scope<'_>, cascade: bool) -> Result<(), CommandError> {
    let manager = session.manager();
    let Some(simulation) = manager.simulate_update(scope, cascade).filter(|_| !cascade) else {
        return Ok(());
    };
    let sentence = |why: &str| format!("{} could not install all updates: {why}", manager.name());
    let plan = match session.weigh(simulation, |_| false, None, sentence).await? {
        Weighed::Free => return Ok(()),
        Weighed::Failed(error) => return Err(error),
        Weighed::Conflict(plan) => plan,
    };
    let data = UpdateInstallData {
        would_remove: labels(&plan.removed),
        would_downgrade: labels(&plan.downgraded),
        ..nothing(session).await
    };
    let why = sentence(&format!("{}; `cascade` allows it", plan.sentence()));
    Err(CommandError::new(ErrorCode::Conflict, why).with_data(CommandOutcome::of(&data)?.data))
}

async fn nothing_pending(session: &PackageSession<'_>, stale: Option<CommandError>) -> CommandResult {
    if let Some(why) = stale {
        let error = format!(
            "the repository metadata could not be refreshed, and the old metadata has nothing newer: {}",
            why.error
        );
        return Err(CommandError { error, ..why });
    }
    CommandOutcome::of(&nothing(session).await)
}

/// What could not be read after the attempt takes nothing from how the attempt itself ended.
async fn conclude(
    session: &PackageSession<'_>,
    attempt: Attempt,
    wanted: &[PendingUpdate],
    before: &Versions,
    after: Result<Versions, CommandError>,
) -> CommandResult {
    let data = match &after {
        Ok(after) => {
            let failed = failed(&attempt, wanted, after);
            let mut effects = Effects::between(before, after);
            effects.explain(&replaced(session, &attempt));
            CommandOutcome::of(&data(session, before, after, (effects, failed)).await)?
        }
        Err(_) => CommandOutcome::default(),
    };
    match (attempt, after) {
        (Attempt::Done(finished), Ok(_)) => Ok(outcome(finished, data)),
        (Attempt::Done(finished), Err(why)) => Err(session.unseen(finished, &why)),
        (Attempt::Failed(finished, failure), _) => {
            let why = failure.reason();
            let error = format!("{} could not install all updates: {why}", session.manager().name());
            Err(finished.into_error(failure.code(), error).with_data(data.data))
        }
    }
}

async fn data(
    session: &PackageSession<'_>,
    before: &Versions,
    after: &Versions,
    (effects, failed): (Effects, Vec<FailedUpdate>),
) -> UpdateInstallData {
    UpdateInstallData {
        installed: installed(before, after),
        failed,
        changed: before != after,
        removed: effects.removed,
        downgraded: effects.downgraded,
        ..nothing(session).await
    }
}

/// What the package manager replaced, by its own words; where they cannot be read, what went is told without them.
fn replaced(session: &PackageSession<'_>, attempt: &Attempt) -> Vec<Replaced> {
    let (Attempt::Done(finished) | Attempt::Failed(finished, _)) = attempt;
    session.manager().read_plan(finished).map(|plan| plan.replaced).unwrap_or_default()
}

/// What did not come, and why. What was stopped, or goes on without the agent, has not failed: it has not ended.
fn failed(attempt: &Attempt, wanted: &[PendingUpdate], after: &Versions) -> Vec<FailedUpdate> {
    match attempt {
        Attempt::Failed(Finished { status: Status::Stopped(_) | Status::Detached, .. }, _) => Vec::new(),
        Attempt::Failed(_, failure) => missing(wanted, after, &failure.reason()),
        Attempt::Done(_) => missing(wanted, after, KEPT_BACK),
    }
}

/// Packages whose versions differ, and those that came with them.
fn installed(before: &Versions, after: &Versions) -> Vec<UpdatedPackage> {
    let changed = after.iter().filter_map(|(key, versions)| {
        let old = before.get(key);
        let came = versions.iter().rev().find(|version| old.is_none_or(|old| !old.contains(version)))?;
        Some(UpdatedPackage {
            package: key.0.clone(),
            version_before: old.and_then(|old| old.last().cloned()),
            version_after: came.clone(),
        })
    });
    changed.collect()
}

/// What was wanted and is not there in that version or a newer one. apt names a package of another architecture with it:
/// `name:i386`.
fn missing(wanted: &[PendingUpdate], after: &Versions, why: &str) -> Vec<FailedUpdate> {
    let came = |update: &PendingUpdate| {
        let bare = update.package.split(':').next().unwrap_or_default().to_owned();
        let all = after.get(&(bare, update.architecture.clone()));
        let reached = |version: &String| compare_versions(version, &update.version_available).is_ge();
        all.is_some_and(|versions| versions.iter().any(reached))
    };
    let error = |update: &PendingUpdate| match &update.blocked_by {
        Some(blocked) => format!("{KEPT_BACK}: {blocked}"),
        None => why.to_owned(),
    };
    let missing = wanted.iter().filter(|update| !came(update));
    missing.map(|update| FailedUpdate { package: update.package.clone(), error: error(update) }).collect()
}
