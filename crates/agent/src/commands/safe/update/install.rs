//! `UpdateInstall`: brings in what is pending, and tells what came and what did not.

use super::check::pending;
use crate::commands::context::CommandContext;
use crate::commands::control::Control;
use crate::commands::outcome::{CommandError, CommandOutcome, CommandResult};
use crate::commands::runner::{Finished, Status};
use crate::commands::safe::package::{Attempt, Desk, outcome};
use crate::packages::Scope;
use infiniservice_protocol::ErrorCode;
use infiniservice_protocol::data::{
    FailedUpdate, PackageInfo, PendingUpdate, UpdateInstallData, UpdatedPackage,
};
use std::collections::BTreeMap;

/// Installs pending updates, all or the security ones.
pub(in crate::commands::safe) async fn run(
    security_only: bool,
    context: &CommandContext,
    control: &Control,
) -> CommandResult {
    let desk = Desk::of(context, control)?;
    if security_only && !desk.manager().knows_security() {
        let error = format!("{} does not tell security updates from others", desk.manager().name());
        return Err(CommandError::new(ErrorCode::Unsupported, error));
    }
    let stale = desk.refresh().await?.err();
    let mut wanted = pending(&desk).await?;
    wanted.retain(|update| update.is_security_update || !security_only);
    if wanted.is_empty() {
        return nothing_pending(&desk, stale).await;
    }
    let scope = if security_only { Scope::Security(&wanted) } else { Scope::All };
    let before = versions(&desk.read(desk.manager().list(), "the installed packages").await?, &desk);
    let attempt = desk.attempt(desk.manager().update(scope, desk.lock_wait())).await?;
    let after = desk.read_now(desk.manager().list()).await.map(|list| versions(&list, &desk));
    conclude(&desk, attempt, &wanted, &before, after).await
}

async fn nothing_pending(desk: &Desk<'_>, stale: Option<CommandError>) -> CommandResult {
    if let Some(why) = stale {
        let error =
            format!("the lists could not be refreshed, and the old ones have nothing newer: {}", why.error);
        return Err(CommandError { error, ..why });
    }
    let manager = desk.manager().name().to_owned();
    let reboot_required = desk.reboot_required().await;
    CommandOutcome::of(&UpdateInstallData { manager, reboot_required, ..UpdateInstallData::default() })
}

/// Installed versions by name and architecture; of parallel versions all, in order.
type Versions = BTreeMap<(String, Option<String>), Vec<String>>;

fn versions(list: &Finished, desk: &Desk<'_>) -> Versions {
    let mut versions = Versions::new();
    for PackageInfo { name, architecture, version, .. } in desk.manager().read_list(&list.stdout.text) {
        versions.entry((name, architecture)).or_default().push(version);
    }
    versions
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
            CommandOutcome::of(&data(desk, before, after, failed).await)?
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
    failed: Vec<FailedUpdate>,
) -> UpdateInstallData {
    UpdateInstallData {
        manager: desk.manager().name().to_owned(),
        installed: installed(before, after),
        failed,
        changed: before != after,
        reboot_required: desk.reboot_required().await,
    }
}

/// What did not come, and why. What was stopped, or goes on without the agent, has not failed: it has not ended.
fn failed(attempt: &Attempt, wanted: &[PendingUpdate], after: &Versions) -> Vec<FailedUpdate> {
    match attempt {
        Attempt::Failed(Finished { status: Status::Stopped(_) | Status::GoesOn, .. }, _) => Vec::new(),
        Attempt::Failed(_, failure) => missing(wanted, after, &failure.reason()),
        Attempt::Done(_) => missing(wanted, after, "kept back by the package manager"),
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

/// What was wanted and is not there in that version.
fn missing(wanted: &[PendingUpdate], after: &Versions, why: &str) -> Vec<FailedUpdate> {
    let came = |update: &PendingUpdate| {
        let all = after.get(&(update.package.clone(), update.architecture.clone()));
        all.is_some_and(|versions| versions.contains(&update.version_available))
    };
    let missing = wanted.iter().filter(|update| !came(update));
    missing.map(|update| FailedUpdate { package: update.package.clone(), error: why.to_owned() }).collect()
}
