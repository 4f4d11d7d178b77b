//! `UpdateInstall`: brings in what is pending, and tells what came and what did not.

use super::check::pending;
use crate::context::CommandContext;
use crate::packages::{HELD, PHASED, Reading, Replaced, Scope, compare_versions};
use crate::safe::package::{Attempt, Desk, Effects, Reboot, Versions, Weighed, labels, outcome};
use infiniservice_exec::{CommandError, CommandOutcome, CommandResult, Control, Finished, Status};
use infiniservice_protocol::ErrorCode;
use infiniservice_protocol::data::{FailedUpdate, PendingUpdate, UpdateInstallData, UpdatedPackage};

/// Why an update did not come of which nothing else is known.
const KEPT_BACK: &str = "kept back by the package manager";

/// Installs pending updates, all or the security ones.
pub(in crate::safe) async fn run(
    security_only: bool,
    cascade: bool,
    context: &CommandContext,
    control: &Control,
) -> CommandResult {
    let desk = Desk::of(context, control)?;
    if security_only && !desk.manager().knows_security() {
        let error = format!("{} does not distinguish security updates from others", desk.manager().name());
        return Err(CommandError::new(ErrorCode::Unsupported, error));
    }
    let stale = desk.refresh().await?.err();
    let Reading { rows: mut wanted, unreadable } = pending(&desk).await?;
    wanted.retain(|update| update.is_security_update || !security_only);
    if unreadable > 0 && (security_only || wanted.is_empty()) {
        return Err(not_understood(&desk, unreadable));
    }
    if wanted.is_empty() {
        return nothing_pending(&desk, stale).await;
    }
    let doable: Vec<_> = wanted.iter().filter(|update| comes(update, cascade)).cloned().collect();
    if doable.is_empty() {
        return all_blocked(&desk, &wanted).await;
    }
    let scope = if security_only { Scope::Security(&doable) } else { Scope::All };
    weigh(&desk, scope, cascade).await?;
    let before = desk.versions().await?;
    let attempt = desk.attempt(desk.manager().update(scope, cascade, desk.lock_wait())).await?;
    let after = desk.versions_now().await;
    conclude(&desk, attempt, &wanted, &before, after).await
}

/// Whether an installation brings it.
fn comes(update: &PendingUpdate, cascade: bool) -> bool {
    update.blocked_by.as_ref().is_none_or(|why| cascade && why != HELD && why != PHASED)
}

fn not_understood(desk: &Desk<'_>, unreadable: u32) -> CommandError {
    let name = desk.manager().name();
    let error = format!(
        "{unreadable} lines in which {name} announces updates could not be parsed; nothing was installed"
    );
    CommandError::new(ErrorCode::ExecutionFailed, error)
}

async fn all_blocked(desk: &Desk<'_>, wanted: &[PendingUpdate]) -> CommandResult {
    let data =
        UpdateInstallData { failed: missing(wanted, &Versions::new(), KEPT_BACK), ..nothing(desk).await };
    CommandOutcome::of(&data)
}

async fn nothing(desk: &Desk<'_>) -> UpdateInstallData {
    let manager = desk.manager().name().to_owned();
    let Reboot { required: reboot_required, unknown: reboot_unknown } = desk.reboot().await;
    UpdateInstallData { manager, reboot_required, reboot_unknown, ..UpdateInstallData::default() }
}

/// Refuses what takes other packages away.
async fn weigh(desk: &Desk<'_>, scope: Scope<'_>, cascade: bool) -> Result<(), CommandError> {
    let manager = desk.manager();
    let Some(simulation) = manager.simulate_update(scope, cascade).filter(|_| !cascade) else {
        return Ok(());
    };
    let sentence = |why: &str| format!("{} could not install all updates: {why}", manager.name());
    let plan = match desk.weigh(simulation, |_| false, None, sentence).await? {
        Weighed::Free => return Ok(()),
        Weighed::Failed(error) => return Err(error),
        Weighed::Conflict(plan) => plan,
    };
    let data = UpdateInstallData {
        would_remove: labels(&plan.removed),
        would_downgrade: labels(&plan.downgraded),
        ..nothing(desk).await
    };
    let why = sentence(&format!("{}; `cascade` allows it", plan.sentence()));
    Err(CommandError::new(ErrorCode::Conflict, why).with_data(CommandOutcome::of(&data)?.data))
}

async fn nothing_pending(desk: &Desk<'_>, stale: Option<CommandError>) -> CommandResult {
    if let Some(why) = stale {
        let error = format!(
            "the repository metadata could not be refreshed, and the old metadata has nothing newer: {}",
            why.error
        );
        return Err(CommandError { error, ..why });
    }
    CommandOutcome::of(&nothing(desk).await)
}

/// What could not be read after the attempt takes nothing from how the attempt itself ended.
async fn conclude(
    desk: &Desk<'_>,
    attempt: Attempt,
    wanted: &[PendingUpdate],
    before: &Versions,
    after: Result<Versions, CommandError>,
) -> CommandResult {
    let data = match &after {
        Ok(after) => {
            let failed = failed(&attempt, wanted, after);
            let mut effects = Effects::between(before, after);
            effects.explain(&replaced(desk, &attempt));
            CommandOutcome::of(&data(desk, before, after, (effects, failed)).await)?
        }
        Err(_) => CommandOutcome::default(),
    };
    match (attempt, after) {
        (Attempt::Done(finished), Ok(_)) => Ok(outcome(finished, data)),
        (Attempt::Done(finished), Err(why)) => Err(desk.unseen(finished, &why)),
        (Attempt::Failed(finished, failure), _) => {
            let why = failure.reason();
            let error = format!("{} could not install all updates: {why}", desk.manager().name());
            Err(finished.into_error(failure.code(), error).with_data(data.data))
        }
    }
}

async fn data(
    desk: &Desk<'_>,
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
        ..nothing(desk).await
    }
}

/// What the package manager replaced, by its own words; where they cannot be read, what went is told without them.
fn replaced(desk: &Desk<'_>, attempt: &Attempt) -> Vec<Replaced> {
    let (Attempt::Done(finished) | Attempt::Failed(finished, _)) = attempt;
    desk.manager().read_plan(finished).map(|plan| plan.replaced).unwrap_or_default()
}

/// What did not come, and why. What was stopped, or goes on without the agent, has not failed: it has not ended.
fn failed(attempt: &Attempt, wanted: &[PendingUpdate], after: &Versions) -> Vec<FailedUpdate> {
    match attempt {
        Attempt::Failed(Finished { status: Status::Stopped(_) | Status::GoesOn, .. }, _) => Vec::new(),
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
