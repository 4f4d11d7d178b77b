//! `PackageList`, filtered and limited, and the reading of all installed packages, one after another.

use super::effects::add;
use super::session::PackageSession;
use super::session::Versions;
use crate::context::CommandContext;
use crate::packages::ReadLine;
use crate::safe::listing::{MESSAGES_MAX_BYTES, Tally, within};
use infiniservice_exec::{Cancellation, CommandError, CommandOutcome, CommandResult};
use infiniservice_protocol::ErrorCode;
use infiniservice_protocol::data::{PackageInfo, PackageListData};

/// Takes one package after another.
type Keep<'a> = &'a mut (dyn FnMut(PackageInfo) + Send);

impl PackageSession<'_> {
    /// Hands over the installed packages.
    pub(in crate::safe) async fn each_installed(&self, keep: Keep<'_>) -> Result<Tally, CommandError> {
        self.each_within(self.cancellation, keep).await
    }

    /// The versions of all, which have to be all: what is missing in one of two looks would be taken for a change.
    pub(super) async fn versions_within(
        &self,
        cancellation: &Cancellation,
    ) -> Result<Versions, CommandError> {
        let mut versions = Versions::new();
        let tally = self.each_within(cancellation, &mut |package| add(&mut versions, package)).await?;
        match tally.cut() {
            Some(why) => Err(unread(ErrorCode::ExecutionFailed, &why)),
            None => Ok(versions),
        }
    }

    async fn each_within(&self, cancellation: &Cancellation, keep: Keep<'_>) -> Result<Tally, CommandError> {
        match self.manager().read_lines() {
            Some(read) => self.as_they_come(read, cancellation, keep).await,
            None => self.of_the_whole_list(cancellation, keep).await,
        }
    }

    async fn as_they_come(
        &self,
        mut read: ReadLine<PackageInfo>,
        cancellation: &Cancellation,
        keep: Keep<'_>,
    ) -> Result<Tally, CommandError> {
        let mut tally = Tally::default();
        let request = self.manager().list().max_output(MESSAGES_MAX_BYTES);
        let mut take = |line: infiniservice_exec::Line<'_>| tally.take(line, &mut read, keep);
        let finished = self.context.runner.run_lines(request, cancellation, &mut take).await?;
        if tally.ended(&finished, self.manager().ended_well(&finished)) {
            return Ok(tally);
        }
        let failure = self.read_failure(&finished).await;
        let error = unread(failure.code(), &failure.reason()).error;
        Err(finished.into_error(failure.code(), error))
    }

    async fn of_the_whole_list(
        &self,
        cancellation: &Cancellation,
        keep: Keep<'_>,
    ) -> Result<Tally, CommandError> {
        let finished = self.read_by(self.manager().list(), cancellation, WHAT).await?;
        let reading = self.manager().read_list(&finished.stdout.text);
        reading.rows.into_iter().for_each(keep);
        Ok(Tally::of_the_whole(reading.unreadable))
    }
}

const WHAT: &str = "the installed packages";

fn unread(code: ErrorCode, why: &str) -> CommandError {
    CommandError::new(code, format!("{WHAT} could not be read: {why}"))
}

/// Lists the installed packages in the order of their names.
pub(in crate::safe) async fn list(
    limit: Option<u32>,
    filter: Option<&str>,
    context: &CommandContext,
    cancellation: &Cancellation,
) -> CommandResult {
    let session = PackageSession::of(context, cancellation)?;
    let filter = filter.map(str::to_lowercase);
    let mut packages = Vec::new();
    let tally = session
        .each_installed(&mut |package| {
            packages.extend(Some(package).filter(|one| wants(filter.as_deref(), one)));
        })
        .await?;
    let incomplete: Vec<_> = tally.cut().into_iter().collect();
    let count = u32::try_from(packages.len()).unwrap_or(u32::MAX);
    let mut packages = first(packages, limit);
    let truncated = within("packages", &mut packages, context.max_list_bytes);
    let manager = session.manager().name().to_owned();
    let unreadable = tally.unreadable;
    let data = PackageListData { packages, manager, count, unreadable, incomplete, truncated };
    let mut outcome = CommandOutcome::of(&data)?;
    outcome.stderr = data.incomplete.iter().flat_map(|why| [why.as_str(), "\n"]).collect::<String>().into();
    Ok(outcome)
}

fn wants(filter: Option<&str>, package: &PackageInfo) -> bool {
    let holds = |filter: &str| {
        [&package.name, &package.description].into_iter().any(|text| text.to_lowercase().contains(filter))
    };
    filter.is_none_or(holds)
}

fn first(mut packages: Vec<PackageInfo>, limit: Option<u32>) -> Vec<PackageInfo> {
    packages
        .sort_by(|a, b| (&a.name, &a.architecture, &a.version).cmp(&(&b.name, &b.architecture, &b.version)));
    packages.truncate(limit.map_or(usize::MAX, |limit| limit as usize));
    packages
}
