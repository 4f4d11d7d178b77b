//! The cleaning, on a thread that may block and that ends with its command.

use super::Query;
use crate::blocking::{self, Blocked, Lane};
use crate::cleanup::{Job, StopFlag, Target, clean, days};
use crate::commands::control::{Control, Stop};
use crate::commands::outcome::CommandError;
use infiniservice_protocol::ErrorCode;
use infiniservice_protocol::data::DiskCleanupData;
use std::path::PathBuf;
use std::time::SystemTime;

/// What was asked for, checked.
pub(super) fn job(query: &Query, root: PathBuf) -> Result<Job, CommandError> {
    let targets = Target::chosen(query.targets.as_deref())
        .map_err(|unknown| CommandError::new(ErrorCode::InvalidParameter, unknown.to_string()))?;
    Ok(Job {
        root,
        targets,
        older_than: query.older_than_days.map(days),
        dry_run: query.dry_run,
        now: SystemTime::now(),
        stop: StopFlag::default(),
    })
}

/// The figures of all that was done; where the command had to end before, they are in its error.
pub(super) async fn run(job: &Job, control: &Control) -> Result<DiskCleanupData, CommandError> {
    let (data, stopped) = walk(job, control).await;
    let data = data.map_err(|fault| CommandError::new(ErrorCode::ExecutionFailed, fault.to_string()))?;
    match stopped {
        Some(stop) => Err(with(stop.into(), &data)),
        None => Ok(data),
    }
}

/// The thread's own figures, and why it had to end before it was done.
async fn walk(job: &Job, control: &Control) -> (Result<DiskCleanupData, Blocked>, Option<Stop>) {
    // Also when this future is dropped, the thread ends at its next entry.
    let stop = StopOnDrop(job.stop.clone());
    let own = job.clone();
    let mut thread = match blocking::start(Lane::Walks, "clean-up", move || clean(&own)) {
        Ok(thread) => thread,
        Err(blocked) => return (Err(blocked), None),
    };
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

/// The error with what was done all the same.
pub(super) fn with(error: CommandError, data: &DiskCleanupData) -> CommandError {
    error.with_data(serde_json::to_value(data).unwrap_or_default())
}
