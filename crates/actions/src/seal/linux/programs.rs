//! Steps that the machine's own programs make, each looked at afterwards.

use super::super::{Made, STEP_MAX, Work};
use infiniservice_exec::{Finished, Request, RunError};
use infiniservice_protocol::{ErrorCode, ServiceOperation};
use std::fs;
use std::path::Path;

/// What one of them writes, in bytes.
const OUTPUT_MAX_BYTES: usize = 64 << 10;
const SEED_KEEPER: &str = "systemd-random-seed.service";
/// What cloud-init knows a machine by that it has set up (cloud-init, "Instance metadata").
const INSTANCE: &str = "/var/lib/cloud/instance";

/// What cloud-init noted of this machine, so that it sets each copy up.
pub(super) async fn cloud_init(work: &Work<'_>) -> Made {
    let Some(finished) = run(work, "cloud-init", &["clean", "--logs"]).await? else {
        return Ok("it is not installed".into());
    };
    succeeded(&finished, "cloud-init clean")?;
    if fs::symlink_metadata(Path::new(INSTANCE)).is_ok() {
        return Err(format!("cloud-init clean succeeded, and {INSTANCE} is still there"));
    }
    Ok("its state was removed".into())
}

/// Journals that were set aside; the one that is written is set aside first.
pub(super) async fn journals(work: &Work<'_>) -> Made {
    let Some(finished) = run(work, "journalctl", &["--rotate", "--vacuum-time=1s"]).await? else {
        return Ok("there is no journal".into());
    };
    succeeded(&finished, "journalctl")?;
    Ok("archived journals were removed".into())
}

/// Gives back what file systems do not use; those that cannot are passed over (fstrim(8)).
pub(super) async fn trim(work: &Work<'_>) -> Made {
    let Some(finished) = run(work, "fstrim", &["--all", "--verbose"]).await? else {
        return Err("fstrim is not installed".into());
    };
    succeeded(&finished, "fstrim")?;
    let trimmed = finished.stdout.text.lines().filter(|line| line.contains("trimmed")).count();
    Ok(format!("{trimmed} file systems trimmed"))
}

/// At its stop it writes the seed for the next boot, and then not again.
pub(super) async fn stop_seed_keeper(work: &Work<'_>) -> Result<(), String> {
    let step = work.cancellation.shortened(STEP_MAX);
    match work.services.control(SEED_KEEPER, ServiceOperation::Stop, &step).await {
        Err(error) if error.code != ErrorCode::NotFound => {
            Err(format!("{SEED_KEEPER} could not be stopped: {}", error.error))
        }
        _ => Ok(()),
    }
}

/// The program's run within a step's time; `None` where it is not installed.
pub(super) async fn run(
    work: &Work<'_>,
    program: &'static str,
    arguments: &[&str],
) -> Result<Option<Finished>, String> {
    let request = Request::new(program, arguments.iter().copied()).max_output(OUTPUT_MAX_BYTES);
    match work.runner.run(request, &work.cancellation.shortened(STEP_MAX)).await {
        Ok(finished) => Ok(Some(finished)),
        Err(RunError::NotInstalled(_)) => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}

pub(super) fn succeeded(finished: &Finished, what: &str) -> Result<(), String> {
    if finished.succeeded() {
        return Ok(());
    }
    let said = finished.stderr.text.lines().rev().map(str::trim).find(|line| !line.is_empty());
    let why = said.map(infiniservice_platform::sanitize::quote).unwrap_or_default();
    Err(format!("{what} failed ({:?}) {why}", finished.status))
}
