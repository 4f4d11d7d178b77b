//! The process of an agent of our own.

use super::parent_death_unsafe::end_with_parent;
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsString;
use std::io;
use tokio::process::{Child, Command};

/// What every program needs.
pub(in crate::client) fn environment() -> Vec<(OsString, OsString)> {
    vec![("LC_ALL".into(), "C.UTF-8".into())]
}

/// Starts it so that it does not outlive this process.
pub(in crate::client) fn spawn(command: &mut Command) -> io::Result<Child> {
    end_with_parent(command);
    command.spawn()
}

/// SIGTERM; the child has not been waited for, so its number is still its own.
pub(in crate::client) fn terminate(child: &mut Child) {
    if let Some(pid) = child.id().and_then(|id| Pid::from_raw(id.cast_signed())) {
        let _gone_already = kill_process(pid, Signal::TERM);
    }
}
