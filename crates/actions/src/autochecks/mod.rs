//! `Autochecks`: is this machine well, and what would put it right?
//!
//! One file a check below [`checks`]: pure assessments of facts, with the gathering beside them. [`round`] makes them beside
//! each other; what hangs or fails is `skipped`. What each check means is described in `docs/autochecks.md`.

pub mod checks;
pub mod configuration;
pub mod finding;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
pub mod journal;
pub mod kernel_errors;
pub mod machine;
pub mod runner;
mod sys;
pub mod thresholds;
pub mod windows;

#[cfg(all(test, target_os = "linux"))]
mod tests;

#[cfg(test)]
use machine::NotAsked;
pub use machine::{Known, UpdateSource};
pub use machine::{Machine, Once};
pub use thresholds::Asked;

use infiniservice_exec::{CommandError, CommandOutcome, CommandResult};
use infiniservice_protocol::ErrorCode;
use runner::Spec;

/// Makes the checks named, or all.
pub async fn run(names: Option<&[String]>, machine: &Machine) -> CommandResult {
    let specs = select(names)?;
    // A round that the agent's shutdown ends has no answer worth scoring.
    let data = machine.cancellation.run_until_cancelled(runner::run(&specs, machine)).await?;
    CommandOutcome::of(&data)
}

/// All, but for the check of the agent's own configuration where there is nothing to tell of it.
fn unasked() -> Vec<Spec> {
    let tells = |spec: &&Spec| spec.name != configuration::NAME || configuration::is_wrong();
    checks::ALL.iter().filter(tells).copied().collect()
}

/// The checks of these names, in the order of the list of all.
fn select(names: Option<&[String]>) -> Result<Vec<Spec>, CommandError> {
    let Some(names) = names else { return Ok(unasked()) };
    if let Some(unknown) = names.iter().find(|name| checks::ALL.iter().all(|spec| spec.name != **name)) {
        let all: Vec<_> = checks::ALL.iter().map(|spec| spec.name).collect();
        let error = format!("`checks` names {unknown:?}; allowed are {}", all.join(", "));
        return Err(CommandError::new(ErrorCode::InvalidParameter, error));
    }
    Ok(checks::ALL.iter().filter(|spec| names.iter().any(|name| name == spec.name)).copied().collect())
}
