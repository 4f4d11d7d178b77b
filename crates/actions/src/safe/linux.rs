//! Safe commands as Linux carries them out: the clean-up of its places, with journald cleaning its own; and the refusal of
//! those of Windows, which the executor does not let through, as the catalogue says where they exist.

pub(super) use super::application_inventory::list_applications;
use super::disk_cleanup::{self, Query, with};
use crate::cleanup::journal::{self, Archives};
use crate::cleanup::{Job, Target};
use crate::context::CommandContext;
use infiniservice_exec::{Cancellation, CommandError, CommandOutcome, CommandResult, Request};
use infiniservice_protocol::data::DiskCleanupData;
use infiniservice_protocol::{Action, ErrorCode};
use std::path::PathBuf;

/// Cleans; what was done until the command had to end is in its error.
pub(super) async fn clean_disk(
    query: Query,
    context: &CommandContext,
    cancellation: &Cancellation,
) -> CommandResult {
    let job = disk_cleanup::job(&query, PathBuf::from("/"))?;
    let mut data = disk_cleanup::clean_until_stopped(&job, cancellation).await?;
    if job.targets.contains(&Target::Logs) {
        vacuum(&job, &mut data, context, cancellation).await.map_err(|error| with(error, &data))?;
    }
    CommandOutcome::of(&data)
}

/// A dry run counts what journalctl would remove; else what it did remove is counted.
async fn vacuum(
    job: &Job,
    data: &mut DiskCleanupData,
    context: &CommandContext,
    cancellation: &Cancellation,
) -> Result<(), CommandError> {
    let age = journal::age(job);
    let due = Archives::look(&job.root).older_than(age, job.now);
    if due.is_empty() || job.dry_run {
        due.count_into(data);
        return Ok(());
    }
    let request = Request::new("journalctl", [format!("--vacuum-time={}s", age.as_secs())]);
    let finished = context.runner.run(request.max_output(context.max_output_bytes), cancellation).await?;
    due.without(&Archives::look(&job.root)).count_into(data);
    if finished.succeeded() {
        return Ok(());
    }
    Err(finished.into_error(ErrorCode::ExecutionFailed, "journalctl could not remove archived journals"))
}

#[allow(clippy::unused_async)]
pub(super) async fn windows_only(action: Action, _: &Cancellation) -> CommandResult {
    Err(CommandError::new(ErrorCode::Unsupported, format!("{} exists on Windows only", action.name())))
}
