//! `Autochecks`: is this machine well, and what would put it right?
//!
//! One file a check below [`checks`]: pure assessments of facts, with the gathering beside them. `runner` makes them beside
//! each other; what hangs or fails is `skipped`. What each check means is described in `docs/autochecks.md`.

pub mod checks;
pub mod configuration;
pub(crate) mod file_systems;
mod finding;
#[cfg(target_os = "linux")]
mod full;
pub mod journal;
pub(crate) mod journal_entry;
mod kernel_errors;
mod machine;
mod runner;
#[cfg(all(test, target_os = "linux"))]
mod tests;
mod thresholds;
#[cfg(any(test, target_os = "windows"))]
#[cfg_attr(not(target_os = "windows"), allow(dead_code, reason = "Windows alone is asked for it"))]
mod windows;

#[cfg(target_os = "linux")]
pub use full::{largest, would_free};
#[cfg(target_os = "linux")]
pub(crate) use infiniservice_collector::space_of as space;
pub use machine::{Known, Machine, Once, UpdateSource};
pub use thresholds::Asked;
#[cfg(target_os = "windows")]
pub use windows::{largest, space, would_free};

#[cfg(target_os = "linux")]
use checks::ALL;
#[cfg(target_os = "windows")]
use windows::ALL;

use infiniservice_exec::{CommandError, CommandOutcome, CommandResult};
use infiniservice_protocol::ErrorCode;
#[cfg(test)]
use machine::NotAsked;
use runner::Spec;

/// From here on the check of the memory in use warns, in percent.
pub const MEMORY_WARNING_PERCENT: f64 = checks::memory::MEMORY.warning;
/// From here on the check of file systems warns, in percent.
pub const FILE_SYSTEM_WARNING_PERCENT: f64 = file_systems::LEVELS.warning;
/// From here on the check of the load warns, for each processor.
pub const LOAD_WARNING: f64 = checks::cpu::LOAD.warning;

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
    ALL.iter().filter(tells).copied().collect()
}

/// The checks of these names, in the order of the list of all.
fn select(names: Option<&[String]>) -> Result<Vec<Spec>, CommandError> {
    let Some(names) = names else { return Ok(unasked()) };
    if let Some(unknown) = names.iter().find(|name| ALL.iter().all(|spec| spec.name != **name)) {
        let all: Vec<_> = ALL.iter().map(|spec| spec.name).collect();
        let error = format!("`checks` names {unknown:?}; allowed are {}", all.join(", "));
        return Err(CommandError::new(ErrorCode::InvalidParameter, error));
    }
    Ok(ALL.iter().filter(|spec| names.iter().any(|name| name == spec.name)).copied().collect())
}
