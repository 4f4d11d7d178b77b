//! Reading all installed packages, one after another.

use super::desk::Desk;
use super::effects::{Versions, add};
use crate::packages::ReadLine;
use crate::safe::listing::{MESSAGES_MAX_BYTES, Tally};
use infiniservice_exec::{CommandError, Control};
use infiniservice_protocol::ErrorCode;
use infiniservice_protocol::data::PackageInfo;

/// Takes one package after another.
type Keep<'a> = &'a mut (dyn FnMut(PackageInfo) + Send);

impl Desk<'_> {
    /// Hands over the installed packages.
    pub(in crate::safe) async fn each_installed(&self, keep: Keep<'_>) -> Result<Tally, CommandError> {
        self.each_within(self.control, keep).await
    }

    /// The versions of all, which have to be all: what is missing in one of two looks would be taken for a change.
    pub(super) async fn versions_within(&self, control: &Control) -> Result<Versions, CommandError> {
        let mut versions = Versions::new();
        let tally = self.each_within(control, &mut |package| add(&mut versions, package)).await?;
        match tally.cut() {
            Some(why) => Err(unread(ErrorCode::ExecutionFailed, &why)),
            None => Ok(versions),
        }
    }

    async fn each_within(&self, control: &Control, keep: Keep<'_>) -> Result<Tally, CommandError> {
        match self.manager().read_lines() {
            Some(read) => self.as_they_come(read, control, keep).await,
            None => self.of_the_whole_list(control, keep).await,
        }
    }

    async fn as_they_come(
        &self,
        mut read: ReadLine<PackageInfo>,
        control: &Control,
        keep: Keep<'_>,
    ) -> Result<Tally, CommandError> {
        let mut tally = Tally::default();
        let request = self.manager().list().max_output(MESSAGES_MAX_BYTES);
        let mut take = |line: infiniservice_exec::Line<'_>| tally.take(line, &mut read, keep);
        let finished = self.context.runner.run_lines(request, control, &mut take).await?;
        if tally.ended(&finished, self.manager().ended_well(&finished)) {
            return Ok(tally);
        }
        let failure = self.read_failure(&finished).await;
        let error = unread(failure.code(), &failure.reason()).error;
        Err(finished.into_error(failure.code(), error))
    }

    async fn of_the_whole_list(&self, control: &Control, keep: Keep<'_>) -> Result<Tally, CommandError> {
        let finished = self.read_by(self.manager().list(), control, WHAT).await?;
        let reading = self.manager().read_list(&finished.stdout.text);
        reading.rows.into_iter().for_each(keep);
        Ok(Tally::of_the_whole(reading.unreadable))
    }
}

const WHAT: &str = "the installed packages";

fn unread(code: ErrorCode, why: &str) -> CommandError {
    CommandError::new(code, format!("{WHAT} could not be read: {why}"))
}
