//! A job, target by target.

use super::{Job, clean_target};
use infiniservice_protocol::data::DiskCleanupData;

/// Carries out a job, or so much of it until its stop flag was set. Blocks; meant for a thread of its own.
pub fn clean(job: &Job) -> DiskCleanupData {
    let mut data = DiskCleanupData { dry_run: job.dry_run, ..DiskCleanupData::default() };
    for target in &job.targets {
        if job.stop.is_set() {
            break;
        }
        data.targets.push(clean_target(job, *target));
    }
    total(&mut data);
    data
}

/// Sums the targets up.
pub(super) fn total(data: &mut DiskCleanupData) {
    data.files_deleted = data.targets.iter().map(|target| target.files_deleted).sum();
    data.space_cleared_mb = data.targets.iter().map(|target| target.space_cleared_mb).sum();
}
