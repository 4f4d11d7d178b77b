//! Whether a change would take other packages away: asked of the package manager's simulation before anything is changed.

use super::desk::{Attempt, Desk};
use crate::packages::{Change, Plan, Planned};
use infiniservice_exec::{CommandError, Request};
use infiniservice_protocol::ErrorCode;

/// What a simulation came to.
pub(in crate::safe) enum Weighed {
    /// Nothing stands against it.
    Free,
    /// It would take these away.
    Conflict(Plan),
    /// It cannot be done at all, or not be understood.
    Failed(CommandError),
}

impl Desk<'_> {
    /// Weighs a change by its simulation; `is_named` tells what the host itself named. `change` is the one that
    /// is weighed, where it is of one package: then nothing may replace another, as it may in an update of all. `sentence` words a
    /// failure.
    pub(in crate::safe) async fn weigh(
        &self,
        simulation: Request,
        is_named: impl Fn(&Planned) -> bool,
        change: Option<Change>,
        sentence: impl Fn(&str) -> String,
    ) -> Result<Weighed, CommandError> {
        let finished = match self.simulate(simulation).await? {
            Attempt::Done(finished) => finished,
            Attempt::Failed(finished, failure) => {
                let reason = change.map_or_else(|| failure.reason(), |change| failure.reason_against(change));
                let error = sentence(&reason);
                return Ok(Weighed::Failed(finished.into_error(failure.code(), error)));
            }
        };
        let plan = self.manager().read_plan(&finished);
        let plan = plan.map(|plan| if change.is_some() { plan.strict() } else { plan });
        Ok(match plan {
            Ok(plan) => match plan.without(is_named) {
                plan if plan.is_harmless() => Weighed::Free,
                plan => Weighed::Conflict(plan),
            },
            Err(why) => {
                let error =
                    sentence(&format!("what it would do could not be parsed, so nothing was done: {why}"));
                Weighed::Failed(finished.into_error(ErrorCode::ExecutionFailed, error))
            }
        })
    }
}

/// Labels for the wire.
pub(in crate::safe) fn labels(all: &[Planned]) -> Vec<String> {
    all.iter().map(|one| one.name.clone()).collect()
}
