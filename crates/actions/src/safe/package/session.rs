//! Running a package manager's plans: locks waited for, an interrupted database repaired, and all of it bounded.

use crate::changes::CHANGE_MAX;
use crate::context::CommandContext;
use crate::packages::{
    Cause, Failure, Files, Installed, PackageManager, PackageSpec, PackageSystem, RebootSign,
};
use infiniservice_exec::{Cancellation, CommandError, CommandOutcome, Finished, Request, Status};
use infiniservice_protocol::ErrorCode;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Installed versions by name and architecture; of parallel versions all, in order.
pub(in crate::safe) type Versions = BTreeMap<(String, Option<String>), Vec<String>>;

/// Longest wait for another process's lock.
const LOCK_WAIT: Duration = Duration::from_secs(60);
/// Between two attempts where the tool itself cannot wait for a lock.
const LOCK_PAUSE: Duration = Duration::from_secs(2);
/// Longest refresh of the lists on the way to something else.
const REFRESH: Duration = Duration::from_secs(150);
/// For looking at what is there after a change, also when the change's own time is over; less than the executor's grace.
pub(super) const AFTERMATH: Duration = Duration::from_secs(4);

/// A package manager with what runs it.
pub(in crate::safe) struct PackageSession<'a> {
    site: &'a PackageSystem,
    pub(super) context: &'a CommandContext,
    pub(super) cancellation: &'a Cancellation,
}

/// What was seen after a change.
pub(super) struct Seen {
    /// Of the package that was named.
    pub(super) target: Vec<Installed>,
    /// Of all, where that was asked.
    pub(super) all: Option<Versions>,
}

/// How a plan ended.
#[derive(Debug)]
pub(in crate::safe) enum Attempt {
    /// As it should.
    Done(Finished),
    /// Not so.
    Failed(Finished, Failure),
}

/// What a program is run for.
#[derive(Clone, Copy, Debug)]
enum Sort {
    /// To read, or to change.
    Real,
    /// To see what a change would do.
    Trial,
}

impl<'a> PackageSession<'a> {
    pub(in crate::safe) fn of(
        context: &'a CommandContext,
        cancellation: &'a Cancellation,
    ) -> Result<Self, CommandError> {
        let missing =
            || CommandError::new(ErrorCode::Unsupported, "there is no supported package manager here");
        let site = context.packages.as_deref().ok_or_else(missing)?;
        Ok(Self { site, context, cancellation })
    }

    pub(in crate::safe) fn manager(&self) -> &'a dyn PackageManager {
        &*self.site.manager
    }

    pub(in crate::safe) fn site(&self) -> &'a PackageSystem {
        self.site
    }

    /// How long a lock may be waited for: never more than half of the time that is left.
    pub(in crate::safe) fn lock_wait(&self) -> Duration {
        LOCK_WAIT.min(self.cancellation.remaining() / 2)
    }

    /// Runs a plan to its end.
    pub(in crate::safe) async fn attempt(&self, request: Request) -> Result<Attempt, CommandError> {
        self.attempt_within(request, self.cancellation, Sort::Real).await
    }

    /// Runs a simulation to its end.
    pub(in crate::safe) async fn simulate(&self, request: Request) -> Result<Attempt, CommandError> {
        self.attempt_within(request, self.cancellation, Sort::Trial).await
    }

    fn is_well(&self, finished: &Finished, sort: Sort) -> bool {
        match sort {
            Sort::Real => self.manager().ended_well(finished),
            Sort::Trial => self.manager().simulated_well(finished),
        }
    }

    async fn attempt_within(
        &self,
        request: Request,
        cancellation: &Cancellation,
        sort: Sort,
    ) -> Result<Attempt, CommandError> {
        let deadline = Instant::now() + LOCK_WAIT.min(cancellation.remaining() / 2);
        let committed;
        let cancellation = if request.outlives_the_agent {
            committed = cancellation.commit(CHANGE_MAX)?;
            &committed
        } else {
            cancellation
        };
        let mut repaired = false;
        loop {
            let finished = self.context.runner.run(self.bounded(request.clone()), cancellation).await?;
            if self.is_well(&finished, sort) {
                return Ok(Attempt::Done(finished));
            }
            let failure = self.read_failure(&finished).await;
            match failure.cause {
                _ if matches!(finished.status, Status::Stopped(_) | Status::Detached) => {
                    return Ok(Attempt::Failed(finished, failure));
                }
                Cause::Busy if Instant::now() + LOCK_PAUSE < deadline => {
                    cancellation.run_until_cancelled(sleep(LOCK_PAUSE)).await?;
                }
                Cause::Interrupted if !repaired => {
                    repaired = true;
                    self.repair(cancellation).await?;
                }
                _ => return Ok(Attempt::Failed(finished, failure)),
            }
        }
    }

    fn bounded(&self, request: Request) -> Request {
        let bytes = self.context.max_output_bytes.max(request.max_output_bytes);
        request.max_output(bytes)
    }

    async fn repair(&self, cancellation: &Cancellation) -> Result<(), CommandError> {
        if let Some(repair) = self.manager().repair() {
            self.context.runner.run(repair, &cancellation.commit(CHANGE_MAX)?).await?;
        }
        Ok(())
    }

    /// The failure, with the name of the process that holds a lock where only its pid was told.
    pub(super) async fn read_failure(&self, finished: &Finished) -> Failure {
        let mut failure = self.manager().failure(finished);
        if let Some(holder) = &mut failure.holder
            && holder.name.is_none()
        {
            let pid = holder.pid;
            holder.name = self.site.ask(move |files| files.process_name(pid)).await.ok().flatten();
        }
        failure
    }

    /// What is there of a package.
    pub(in crate::safe) async fn installed(
        &self,
        target: &PackageSpec,
    ) -> Result<Vec<Installed>, CommandError> {
        self.installed_within(target, self.cancellation).await
    }

    /// The same after a change, whose time may be over; with all packages, where they were looked at before.
    pub(super) async fn seen_now(&self, target: &PackageSpec, all: bool) -> Result<Seen, CommandError> {
        let cancellation = Cancellation::for_at_most(AFTERMATH);
        let target = self.installed_within(target, &cancellation).await?;
        let all = if all { Some(self.versions_within(&cancellation).await?) } else { None };
        Ok(Seen { target, all })
    }

    /// All installed packages.
    pub(in crate::safe) async fn versions(&self) -> Result<Versions, CommandError> {
        self.versions_within(self.cancellation).await
    }

    /// The same after a change.
    pub(in crate::safe) async fn versions_now(&self) -> Result<Versions, CommandError> {
        self.versions_within(&Cancellation::for_at_most(AFTERMATH)).await
    }

    async fn installed_within(
        &self,
        target: &PackageSpec,
        cancellation: &Cancellation,
    ) -> Result<Vec<Installed>, CommandError> {
        let finished = self.context.runner.run(self.manager().query(target), cancellation).await?;
        match finished.status {
            // Winget has a code of its own for what is not installed.
            Status::Exited(code)
                if code == 1 && says_absent(&finished) || self.manager().ended_well(&finished) =>
            {
                Ok(self.manager().read_query(target, &finished.stdout.text))
            }
            _ => {
                Err(finished
                    .into_error(ErrorCode::ExecutionFailed, "the installed packages could not be read"))
            }
        }
    }

    /// Reads something that must come out well.
    pub(in crate::safe) async fn read(&self, request: Request, what: &str) -> Result<Finished, CommandError> {
        self.read_by(request, self.cancellation, what).await
    }

    /// The same within another time. A part of an answer is none: what is missing could be what was asked for.
    pub(super) async fn read_by(
        &self,
        request: Request,
        cancellation: &Cancellation,
        what: &str,
    ) -> Result<Finished, CommandError> {
        match self.attempt_within(request, cancellation, Sort::Real).await? {
            Attempt::Done(finished) if finished.stdout.truncated => {
                let error =
                    format!("{what} could not be read: {} bytes are too many", finished.stdout.total_bytes);
                Err(finished.into_error(ErrorCode::ExecutionFailed, error))
            }
            Attempt::Done(finished) => Ok(finished),
            Attempt::Failed(finished, failure) => {
                let error = format!("{what} could not be read: {}", failure.reason());
                Err(finished.into_error(failure.code(), error))
            }
        }
    }

    /// A change that ended well, as far as its tool says, when what is there after it could not be read.
    pub(in crate::safe) fn unseen(&self, finished: Finished, why: &CommandError) -> CommandError {
        let error = format!(
            "{} reported success, but the installed packages could not be read afterwards: {}",
            self.manager().name(),
            why.error
        );
        finished.into_error(ErrorCode::ExecutionFailed, error)
    }

    /// Fetches the lists within a part of the time that is left. The inner error is why they are as old as before.
    pub(in crate::safe) async fn refresh(&self) -> Result<Result<(), CommandError>, CommandError> {
        let Some(request) = self.manager().refresh() else { return Ok(Ok(())) };
        let bounded = self.cancellation.shortened(REFRESH.min(self.cancellation.remaining() / 2));
        let failed = match self.attempt_within(request, &bounded, Sort::Real).await {
            Ok(Attempt::Done(_)) => {
                self.stamp().await;
                return Ok(Ok(()));
            }
            Ok(Attempt::Failed(finished, failure)) => finished.into_error(failure.code(), failure.reason()),
            Err(error) => error,
        };
        if self.cancellation.remaining().is_zero() || failed.code == ErrorCode::Cancelled {
            return Err(failed);
        }
        Ok(Err(failed))
    }

    /// Remembers the fetch for whoever asks for the lists' age.
    async fn stamp(&self) {
        let Some(path) = self.manager().fetch_stamp() else { return };
        if let Err(e) = self.site.ask(move |files| files.renew(path)).await.map_err(Into::into).flatten() {
            log::warn!(
                "cannot update the time of {path}, so the repository metadata will look older than it is: {e}"
            );
        }
    }
}

/// The outcome of a program with `data` over its output.
pub(in crate::safe) fn outcome(finished: Finished, data: CommandOutcome) -> CommandOutcome {
    let exit_code = finished.exit_code();
    CommandOutcome { stdout: finished.stdout, stderr: finished.stderr, exit_code, ..data }
}

/// What answers say of a reboot.
pub(in crate::safe) struct Reboot {
    /// Whether the system asks for one; `false` where that is not known.
    pub(in crate::safe) required: bool,
    /// Why it is not known.
    pub(in crate::safe) unknown: Option<String>,
}

impl From<Result<bool, String>> for Reboot {
    fn from(told: Result<bool, String>) -> Self {
        Self { required: told == Ok(true), unknown: told.err() }
    }
}

impl PackageSession<'_> {
    /// Whether the system asks for a reboot now.
    pub(in crate::safe) async fn reboot(&self) -> Reboot {
        let told = match self.manager().reboot() {
            RebootSign::File(path) => self.look(move |files| files.is_there(path)).await,
            RebootSign::Untold => {
                Err(format!("{} does not report whether a reboot is needed", self.manager().name()))
            }
            RebootSign::InstalledSinceBoot(request) => self.installed_since_boot(request).await,
        };
        told.into()
    }

    async fn installed_since_boot(&self, request: Request) -> Result<bool, String> {
        let answer = self.context.runner.run(request, &Cancellation::for_at_most(AFTERMATH)).await;
        let finished = answer.map_err(|error| error.to_string())?;
        let times = finished.stdout.text;
        if times.trim().is_empty() {
            // The program prints a line for every package, also for one that is not installed.
            let said = infiniservice_platform::sanitize::quote(finished.stderr.text.trim());
            return Err(format!("the installation times of packages could not be read: {said}"));
        }
        self.look(move |files| files.any_since_boot(&times)).await
    }

    async fn look(
        &self,
        question: impl FnOnce(&Files) -> Result<bool, String> + Send + 'static,
    ) -> Result<bool, String> {
        self.site().ask(question).await.map_err(|blocked| blocked.to_string())?
    }
}

/// dpkg-query and rpm return 1 for what is not installed; rpm also where it cannot read its database, which it says on standard
/// error (rpm 4.18: `error: …`, and `package … is not installed` beside it).
fn says_absent(finished: &Finished) -> bool {
    !finished.stderr.text.lines().any(|line| line.starts_with("error:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_cannot_be_read_is_not_an_absent_package() {
        let finished = |stdout: &str, stderr: &str| Finished {
            status: Status::Exited(1),
            stdout: stdout.to_owned().into(),
            stderr: stderr.to_owned().into(),
        };
        assert!(says_absent(&finished("package bash is not installed\n", "")));
        assert!(says_absent(&finished("", "dpkg-query: no packages found matching bash\n")));
        assert!(!says_absent(&finished(
            "package bash is not installed\n",
            "error: cannot open Packages database in /var/lib/rpm\n"
        )));
    }
}
