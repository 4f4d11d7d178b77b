//! The steps of a Linux machine, in their order: what programs need is emptied after they ran.

mod files;
mod programs;
mod ssh;
mod users;

use super::{Made, Report, STEP_MAX, Work};
use crate::cleanup::{Job, StopFlag, Target, clean};
use infiniservice_platform::blocking::{self, Lane};
use infiniservice_protocol::action::CleanupLevel;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Why the machine cannot be sealed at all; `None` where nothing speaks against it.
#[allow(clippy::unused_async)]
pub(crate) async fn obstacle(_: &Work<'_>) -> Option<String> {
    None
}

/// Makes all steps.
pub(crate) async fn machine(work: &Work<'_>, report: &mut Report) {
    if work.users {
        report.take("user_accounts", users::remove(work).await);
    }
    report.take("cloud_init", programs::cloud_init(work).await);
    report.take("dhcp_leases", on_disk(files::dhcp_leases).await);
    report.take("random_seed", random_seed(work).await);
    report.take("ssh_host_keys", on_disk(ssh::renew).await);
    if work.level != CleanupLevel::Minimal {
        report.take("caches", on_disk(caches).await);
        report.take("journals", programs::journals(work).await);
    }
    if work.level == CleanupLevel::Deep {
        report.take("trim", programs::trim(work).await);
    }
    // At last: programs before it ask for it.
    report.take("machine_id", on_disk(files::machine_id).await);
}

/// A step that works on files, on a thread that may block.
async fn on_disk(step: impl FnOnce(&Path) -> Made + Send + 'static) -> Made {
    let done = blocking::run(Lane::Walks, "a step of sealing", STEP_MAX, || step(Path::new("/"))).await;
    done.unwrap_or_else(|blocked| Err(blocked.to_string()))
}

/// The unit writes the seed when the machine goes down, and would put it back.
async fn random_seed(work: &Work<'_>) -> Made {
    programs::stop_seed_keeper(work).await?;
    on_disk(files::random_seed).await
}

/// Of any age: a template's own past is nobody's.
fn caches(root: &Path) -> Made {
    let job = Job {
        root: PathBuf::from(root),
        targets: vec![Target::Logs, Target::PackageCache],
        older_than: Some(Duration::ZERO),
        dry_run: false,
        now: SystemTime::now(),
        stop: StopFlag::default(),
    };
    let data = clean(&job);
    if let Some(error) = data.targets.iter().flat_map(|target| &target.errors).next() {
        return Err(error.clone());
    }
    Ok(format!("{} files removed, {:.1} MB", data.files_deleted, data.space_cleared_mb))
}
