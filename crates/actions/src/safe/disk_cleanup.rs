//! `DiskCleanup`: removes, or in a dry run counts, what can be made again.

use crate::cleanup::{Job, StopFlag, StopOnDrop, Target, clean, days};
use infiniservice_exec::{Cancellation, CommandError, Stop};
use infiniservice_platform::blocking::{Blocked, Lane, start};
use infiniservice_protocol::ErrorCode;
use infiniservice_protocol::data::DiskCleanupData;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};
use tokio::time::timeout;

/// The action's parameters.
#[derive(Debug, Default)]
pub(super) struct Query {
    pub(super) targets: Option<Vec<String>>,
    pub(super) older_than_days: Option<u32>,
    pub(super) dry_run: bool,
}

/// For the walk to end at its next entry; one that hangs in the kernel is left.
const GRACE: Duration = Duration::from_secs(2);

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
pub(super) async fn clean_until_stopped(
    job: &Job,
    cancellation: &Cancellation,
) -> Result<DiskCleanupData, CommandError> {
    match walk(job, cancellation).await {
        (Ok(data), None) => Ok(data),
        (Ok(data), Some(stop)) => Err(with(stop.into(), &data)),
        // What hangs can say no figures.
        (Err(_), Some(stop)) => Err(stop.into()),
        (Err(blocked), None) => {
            Err(CommandError::new(ErrorCode::ExecutionFailed, format!("the cleanup failed: {blocked}")))
        }
    }
}

/// The thread's own figures, and why it had to end before it was done.
async fn walk(job: &Job, cancellation: &Cancellation) -> (Result<DiskCleanupData, Blocked>, Option<Stop>) {
    // Also when this future is dropped, the thread ends at its next entry.
    let stop = StopOnDrop::from(job.stop.clone());
    let own = job.clone();
    let walk = match start(Lane::Walks, "the cleanup's walk", move || clean(&own)) {
        Ok(walk) => walk,
        Err(blocked) => return (Err(blocked), None),
    };
    tokio::pin!(walk);
    tokio::select! {
        biased;
        data = &mut walk => (data, None),
        why = cancellation.stopped() => {
            stop.flag().set();
            let data = timeout(GRACE, walk).await;
            let hangs = || Blocked::StillHangs { what: "the cleanup's walk".into() };
            (data.unwrap_or_else(|_| Err(hangs())), Some(why))
        }
    }
}

/// The error with what was done all the same.
pub(super) fn with(error: CommandError, data: &DiskCleanupData) -> CommandError {
    error.with_data(serde_json::to_value(data).unwrap_or_default())
}
