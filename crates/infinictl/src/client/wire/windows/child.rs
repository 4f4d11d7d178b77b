//! The process of an agent of our own.

use super::job_unsafe::end_with_this_process;
use std::env;
use std::ffi::OsString;
use std::io;
use tokio::process::{Child, Command};

/// Without these the system's own libraries do not find each other, and a service not its settings.
const NEEDED: [&str; 6] = ["SystemRoot", "SystemDrive", "windir", "ProgramData", "TEMP", "TMP"];

/// What every program needs.
pub(in crate::client) fn environment() -> Vec<(OsString, OsString)> {
    NEEDED.iter().filter_map(|name| Some((name.into(), env::var_os(name)?))).collect()
}

/// Starts it so that it does not outlive this process.
pub(in crate::client) fn spawn(command: &mut Command) -> io::Result<Child> {
    let child = command.spawn()?;
    end_with_this_process(&child)?;
    Ok(child)
}

/// Windows has no SIGTERM, and the agent of a test nothing that an abrupt end could lose.
pub(in crate::client) fn terminate(child: &mut Child) {
    let _gone_already = child.start_kill();
}
