//! A child that does not outlive its parent; unsafe, as all that runs between fork and exec.
#![allow(unsafe_code)]

use rustix::process::{Signal, set_parent_process_death_signal};
use tokio::process::Command;

/// Sends the child SIGTERM when the thread that started it ends, however it ends. Without it an agent whose parent was
/// killed would wait for ever for its pseudo-terminal, and speak to whoever is given that number next.
pub(super) fn end_with_parent(command: &mut Command) {
    // SAFETY: between fork and exec only prctl(2) is called, which is async-signal-safe; nothing is allocated or locked.
    unsafe {
        command.pre_exec(|| Ok(set_parent_process_death_signal(Some(Signal::TERM))?));
    }
}
