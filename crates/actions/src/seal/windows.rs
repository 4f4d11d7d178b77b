//! The steps of a Windows machine: profiles of people, and `sysprep /generalize`, which makes everything else new. It has not been
//! tried on a real Windows.

use super::sysprep::{ANSWERS, LICENSING, STATE, STATE_KEY, is_generalized, refused_by_licence};
use super::{Made, Report, STEP_MAX, Work};
use infiniservice_exec::com::on_thread;
use infiniservice_exec::{Program, Request, RunError};
use infiniservice_platform::blocking::{self, Lane};
use infiniservice_platform::win32::com_unsafe::Wmi;
use infiniservice_platform::win32::directories_unsafe::system;
use infiniservice_platform::win32::registry_unsafe::bounded;
use infiniservice_platform::win32::users_unsafe;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;
use windows_registry::LOCAL_MACHINE;

/// sysprep goes through all drivers and packages.
const SYSPREP_MAX: Duration = Duration::from_mins(8);
/// What it writes, in bytes.
const OUTPUT_MAX_BYTES: usize = 64 << 10;
const OWN_ANSWERS: &str = "infiniservice-unattend.xml";

fn directory() -> Option<PathBuf> {
    system().map(|system| system.join("Sysprep"))
}

/// Why the machine cannot be sealed at all; `None` where nothing speaks against it.
pub(crate) async fn obstacle(work: &Work<'_>) -> Option<String> {
    if !directory().is_some_and(|directory| directory.join("sysprep.exe").is_file()) {
        return Some("sysprep.exe is not part of this Windows".into());
    }
    let asked = on_thread("licensing", work.cancellation, || {
        Wmi::connect(r"root\cimv2")?.all(LICENSING.0, LICENSING.1)
    });
    let records = asked.await.ok().and_then(Result::ok).unwrap_or_default();
    refused_by_licence(&records)
}

/// Makes all steps. sysprep cleans caches and logs of its own accord, whatever the level is.
pub(crate) async fn machine(work: &Work<'_>, report: &mut Report) {
    if work.users {
        let done = blocking::run(Lane::Managers, "profiles", STEP_MAX, profiles).await;
        report.take("user_profiles", done.unwrap_or_else(|blocked| Err(blocked.to_string())));
    }
    report.take("sysprep", sysprep(work).await);
}

fn profiles() -> Made {
    let removed = users_unsafe::remove_profiles()?;
    Ok(format!("{removed} profiles removed"))
}

/// It ends with `/quit`: the machine goes only after its state was looked at, and the answer was sent.
async fn sysprep(work: &Work<'_>) -> Made {
    let directory = directory().ok_or("the system directory is unknown")?;
    let answers = directory.join(OWN_ANSWERS);
    fs::write(&answers, ANSWERS).map_err(|error| format!("{}: {error}", answers.display()))?;
    let mut unattend = std::ffi::OsString::from("/unattend:");
    unattend.push(&answers);
    let switches = ["/generalize", "/oobe", "/quit", "/quiet"].map(Into::into);
    let mut request = Request::new("sysprep", switches.into_iter().chain([unattend]));
    request.program = Program::At(directory.join("sysprep.exe"));
    let request = request.max_output(OUTPUT_MAX_BYTES);
    let ran = work.runner.run(request, &work.cancellation.shortened(SYSPREP_MAX)).await;
    let finished = ran.map_err(|error: RunError| error.to_string())?;
    let state = LOCAL_MACHINE.open(STATE_KEY).ok().and_then(|key| bounded(&key, STATE));
    is_generalized(state.as_deref()).map_err(|why| {
        format!("{why}; sysprep ended with {:?}, and its log is in Sysprep\\Panther", finished.status)
    })?;
    Ok("the image is generalized; its copies set themselves up".into())
}
