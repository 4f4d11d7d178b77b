//! The package actions: the list, and one flow for all changes, whatever the package manager.

mod effects;
mod installed;
#[cfg(test)]
mod list_tests;
mod search;
mod session;
#[cfg(test)]
pub(super) mod test_runner;
#[cfg(test)]
mod tests;

pub(super) use effects::{Effects, Weighed, labels};
pub(super) use installed::list;
pub(super) use search::search;
pub(super) use session::{Attempt, PackageSession, Reboot, Versions, outcome};

use crate::context::CommandContext;
use crate::packages::{Cause, Change, Failure, Installed, PackageSpec, Plan};
use infiniservice_exec::{Cancellation, CommandError, CommandOutcome, CommandResult, Finished};
use infiniservice_protocol::data::PackageChangeData;
use infiniservice_protocol::{ErrorCode, ParamError};
use session::Seen;

/// Makes one change.
pub(super) async fn change(
    change: Change,
    package: &str,
    cascade: bool,
    context: &CommandContext,
    cancellation: &Cancellation,
) -> CommandResult {
    let session = PackageSession::of(context, cancellation)?;
    let target = target(&session, change, package)?;
    let before = session.installed(&target).await?;
    let work = Work { session, change, package, cascade, target, before };
    work.run().await
}

fn target(session: &PackageSession<'_>, change: Change, package: &str) -> Result<PackageSpec, CommandError> {
    let invalid = |must: &str| {
        CommandError::from(ParamError::invalid("package", format!("`package` must {must}, not {package:?}")))
    };
    let target = session.manager().target(package).map_err(|must| invalid(&must))?;
    if change == Change::Remove && target.version.is_some() {
        return Err(invalid("not name a version when it is to be removed"));
    }
    Ok(target)
}

struct Work<'a> {
    session: PackageSession<'a>,
    change: Change,
    package: &'a str,
    cascade: bool,
    target: PackageSpec,
    before: Vec<Installed>,
}

impl Work<'_> {
    async fn run(&self) -> CommandResult {
        match self.change {
            Change::Install if self.before.iter().any(|one| one.satisfies(&self.target)) => {
                self.nothing_to_do().await
            }
            Change::Install => {
                self.find().await?;
                self.carry_out(None).await
            }
            Change::Update if self.before.is_empty() => Err(self.not_installed()),
            Change::Update => {
                let stale = self.session.refresh().await?.err();
                self.carry_out(stale).await
            }
            Change::Remove if self.before.is_empty() => {
                self.find().await?;
                self.nothing_to_do().await
            }
            Change::Remove => self.carry_out(None).await,
        }
    }

    /// Whether there is such a package at all; lists that do not know it are fetched anew before that is believed.
    async fn find(&self) -> Result<(), CommandError> {
        if self.is_known(false).await? {
            return Ok(());
        }
        let refreshed = self.session.refresh().await?;
        if refreshed.is_ok() && self.is_known(true).await? {
            return Ok(());
        }
        let mut error = format!("{} knows no package {}", self.session.manager().name(), self.package);
        if let Err(why) = &refreshed {
            error = format!("{error}, and its repository metadata could not be refreshed: {}", why.error);
        }
        let stderr = refreshed.err().map(|why| why.partial.stderr).unwrap_or_default();
        Err(CommandError::new(ErrorCode::NotFound, error).with_stderr(stderr))
    }

    /// What cannot be asked of lists that may be missing or old is not known; of lists that were `fetched`, it is an error.
    async fn is_known(&self, fetched: bool) -> Result<bool, CommandError> {
        let Some(request) = self.session.manager().known(&self.target) else { return Ok(true) };
        match self.session.attempt(request).await? {
            Attempt::Done(finished) => Ok(self.session.manager().read_known(&finished)),
            Attempt::Failed(finished, failure) => match failure.cause {
                Cause::NotFound => Ok(false),
                Cause::Busy => Err(self.failed(finished, &failure)),
                _ if fetched => Err(self.failed(finished, &failure)),
                _ => Ok(false),
            },
        }
    }

    async fn carry_out(&self, stale: Option<CommandError>) -> CommandResult {
        let all = self.weigh().await?;
        let mut attempt = self.attempt().await?;
        if let Attempt::Failed(_, Failure { cause: Cause::Stale, .. }) = &attempt
            && self.change == Change::Install
            && self.session.refresh().await?.is_ok()
        {
            attempt = self.attempt().await?;
        }
        let after = self.session.seen_now(&self.target, all.is_some()).await;
        let data = match &after {
            Ok(after) => CommandOutcome::of(&self.data(after, all.as_ref()).await)?,
            Err(_) => CommandOutcome::default(),
        };
        let after = after.map(|seen| seen.target);
        match (attempt, after) {
            (Attempt::Failed(finished, failure), _) => {
                Err(self.failed(finished, &failure).with_data(data.data))
            }
            (Attempt::Done(finished), Ok(after)) => self.conclude(finished, data, &after, stale),
            (Attempt::Done(finished), Err(why)) => Err(self.session.unseen(finished, &why)),
        }
    }

    /// Simulates the change where that can be done, and refuses one at the cost of others; then looks at all packages.
    async fn weigh(&self) -> Result<Option<Versions>, CommandError> {
        let manager = self.session.manager();
        let Some(simulation) = manager.simulate(self.change, &self.target) else { return Ok(None) };
        let is_named = |one: &crate::packages::Planned| manager.is_named(&self.target, one);
        let sentence = |why: &str| self.sentence(why);
        match self.session.weigh(simulation, is_named, Some(self.change), sentence).await? {
            Weighed::Conflict(plan) if !self.cascade => Err(self.refused(&plan).await?),
            Weighed::Failed(error) => Err(error.with_data(CommandOutcome::of(&self.unchanged().await)?.data)),
            Weighed::Free | Weighed::Conflict(_) => self.session.versions().await.map(Some),
        }
    }

    async fn refused(&self, plan: &Plan) -> Result<CommandError, CommandError> {
        let data = PackageChangeData {
            would_remove: labels(&plan.removed),
            would_downgrade: labels(&plan.downgraded),
            ..self.unchanged().await
        };
        let why = format!("{}; `cascade` allows it", plan.sentence());
        let error = CommandError::new(ErrorCode::Conflict, self.sentence(&why));
        Ok(error.with_data(CommandOutcome::of(&data)?.data))
    }

    async fn attempt(&self) -> Result<Attempt, CommandError> {
        let wait = self.session.lock_wait();
        let request = self.session.manager().change(self.change, &self.target, self.cascade, wait);
        self.session.attempt(request).await
    }

    /// The tool was content; what is there decides.
    fn conclude(
        &self,
        finished: Finished,
        data: CommandOutcome,
        after: &[Installed],
        stale: Option<CommandError>,
    ) -> CommandResult {
        let outcome = outcome(finished, data);
        let failed = |why: String| {
            let error = CommandError::new(ErrorCode::ExecutionFailed, self.sentence(&why));
            Err(CommandError { partial: Box::new(outcome.clone()), ..error })
        };
        if !self.is_reached(after) {
            let still = match self.change {
                Change::Remove => "the package is still installed",
                Change::Install | Change::Update => "the requested version is not installed",
            };
            return failed(format!("{} reported success, but {still}", self.session.manager().name()));
        }
        match stale {
            Some(why) if self.before == after => failed(format!(
                "the repository metadata could not be refreshed, and the old metadata has nothing newer: {}",
                why.error
            )),
            _ => Ok(outcome),
        }
    }

    fn is_reached(&self, after: &[Installed]) -> bool {
        match self.change {
            Change::Install => after.iter().any(|one| one.satisfies(&self.target)),
            Change::Update => after.iter().any(|one| one.ready),
            Change::Remove => after.is_empty(),
        }
    }

    async fn nothing_to_do(&self) -> CommandResult {
        CommandOutcome::of(&self.unchanged().await)
    }

    async fn unchanged(&self) -> PackageChangeData {
        self.data(&Seen { target: self.before.clone(), all: None }, None).await
    }

    async fn data(&self, after: &Seen, all_before: Option<&Versions>) -> PackageChangeData {
        let version = |all: &[Installed]| all.first().map(|one| one.version.clone());
        let effects = match (all_before, &after.all) {
            (Some(before), Some(after)) => Effects::between(before, after),
            _ => Effects::between(&self.alone(&self.before), &self.alone(&after.target)),
        };
        let reboot = self.session.reboot().await;
        PackageChangeData {
            package: self.package.to_owned(),
            manager: self.session.manager().name().to_owned(),
            version_before: version(&self.before),
            version_after: version(&after.target),
            changed: self.before != after.target || effects != Effects::default(),
            reboot_required: reboot.required,
            reboot_unknown: reboot.unknown,
            state: after.target.first().and_then(|one| one.state.clone()),
            removed: effects.removed,
            installed: effects.installed,
            upgraded: effects.upgraded,
            downgraded: effects.downgraded,
            ..PackageChangeData::default()
        }
    }

    /// The named package in the form of all.
    fn alone(&self, all: &[Installed]) -> Versions {
        let mut versions = Versions::new();
        for one in all {
            let key = (self.target.name.clone(), one.architecture.clone());
            versions.entry(key).or_default().push(one.version.clone());
        }
        versions
    }

    fn not_installed(&self) -> CommandError {
        let error = format!("{} is not installed; PackageInstall installs it", self.package);
        CommandError::new(ErrorCode::NotFound, error)
    }

    fn failed(&self, finished: Finished, failure: &Failure) -> CommandError {
        finished.into_error(failure.code(), self.sentence(&failure.reason_against(self.change)))
    }

    fn sentence(&self, why: &str) -> String {
        let (manager, verb) = (self.session.manager().name(), self.change.verb());
        format!("{manager} could not {verb} {}: {why}", self.package)
    }
}
