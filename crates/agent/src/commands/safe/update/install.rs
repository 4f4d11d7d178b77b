//! `UpdateInstall`: brings in what is pending, and tells what came and what did not.

use super::check::pending;
use crate::commands::context::CommandContext;
use crate::commands::control::Control;
use crate::commands::outcome::{CommandError, CommandOutcome, CommandResult};
use crate::commands::runner::Finished;
use crate::commands::safe::package::{Attempt, Desk};
use crate::packages::{Failure, Scope};
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
    let after = versions(&desk.read_now(desk.manager().list()).await?, &desk);
    conclude(&desk, attempt, &wanted, &before, &after).await
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

async fn conclude(
    desk: &Desk<'_>,
    attempt: Attempt,
    wanted: &[PendingUpdate],
    before: &Versions,
    after: &Versions,
) -> CommandResult {
    let (finished, failure) = match attempt {
        Attempt::Done(finished) => (finished, None),
        Attempt::Failed(finished, failure) => (finished, Some(failure)),
    };
    let why = failure.as_ref().map_or_else(|| "kept back by the package manager".to_owned(), Failure::reason);
    let data = UpdateInstallData {
        manager: desk.manager().name().to_owned(),
        installed: installed(before, after),
        failed: missing(wanted, after, &why),
        changed: before != after,
        reboot_required: desk.reboot_required().await,
    };
    let data = CommandOutcome::of(&data)?;
    let Some(failure) = failure else {
        let exit_code = finished.exit_code();
        return Ok(CommandOutcome { stdout: finished.stdout, stderr: finished.stderr, exit_code, ..data });
    };
    let error = format!("{} could not install all updates: {why}", desk.manager().name());
    let mut error = finished.into_error(failure.code(), error);
    error.partial.data = data.data;
    Err(error)
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
