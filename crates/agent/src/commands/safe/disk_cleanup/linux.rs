//! Runs the cleaning on a thread that may block, and has journald clean its own.

use super::Query;
use crate::cleanup::journal::{self, Archives};
use crate::cleanup::{Job, StopFlag, Target, clean, days};
use crate::commands::context::CommandContext;
use crate::commands::control::{Control, Stop};
use crate::commands::outcome::{CommandError, CommandOutcome, CommandResult};
use crate::commands::runner::Request;
use infiniservice_protocol::ErrorCode;
use infiniservice_protocol::data::DiskCleanupData;
use std::path::PathBuf;
use std::time::SystemTime;
use tokio::task::{JoinError, spawn_blocking};

/// Cleans; what was done until the command had to end is in its error.
pub(in crate::commands::safe) async fn run(
    query: Query,
    context: &CommandContext,
    control: &Control,
) -> CommandResult {
    let job = job(&query)?;
    let (data, stopped) = walk(&job, control).await;
    let mut data = data.map_err(|fault| CommandError::new(ErrorCode::Internal, fault.to_string()))?;
    if let Some(stop) = stopped {
        return Err(with(stop.into(), &data));
    }
    if job.targets.contains(&Target::Logs) {
        vacuum(&job, &mut data, context, control).await.map_err(|error| with(error, &data))?;
    }
    CommandOutcome::of(&data)
}

fn job(query: &Query) -> Result<Job, CommandError> {
    let targets = Target::chosen(query.targets.as_deref())
        .map_err(|unknown| CommandError::new(ErrorCode::InvalidParameter, unknown.to_string()))?;
    Ok(Job {
        root: PathBuf::from("/"),
        targets,
        older_than: query.older_than_days.map(days),
        dry_run: query.dry_run,
        now: SystemTime::now(),
        stop: StopFlag::default(),
    })
}

/// The thread's own figures, and why it had to end before it was done.
async fn walk(job: &Job, control: &Control) -> (Result<DiskCleanupData, JoinError>, Option<Stop>) {
    // Also when this future is dropped, the thread ends at its next entry.
    let stop = StopOnDrop(job.stop.clone());
    let own = job.clone();
    let mut thread = spawn_blocking(move || clean(&own));
    tokio::select! {
        biased;
        data = &mut thread => (data, None),
        why = control.stopped() => {
            stop.0.set();
            (thread.await, Some(why))
        }
    }
}

struct StopOnDrop(StopFlag);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.set();
    }
}

fn with(error: CommandError, data: &DiskCleanupData) -> CommandError {
    error.with_data(serde_json::to_value(data).unwrap_or_default())
}

/// A dry run counts what journalctl would remove; else what it did remove is counted.
async fn vacuum(
    job: &Job,
    data: &mut DiskCleanupData,
    context: &CommandContext,
    control: &Control,
) -> Result<(), CommandError> {
    let age = journal::age(job);
    let due = Archives::look(&job.root).older_than(age, job.now);
    if due.is_empty() || job.dry_run {
        due.count_into(data);
        return Ok(());
    }
    let request = Request::new("journalctl", [format!("--vacuum-time={}s", age.as_secs())]);
    let finished = context.runner.run(request.max_output(context.max_output_bytes), control).await?;
    due.without(&Archives::look(&job.root)).count_into(data);
    if finished.succeeded() {
        return Ok(());
    }
    Err(finished.into_error(ErrorCode::ExecutionFailed, "journalctl could not remove archived journals"))
}
