//! What commands reach this machine through, by platform.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux as imp;
#[cfg(target_os = "windows")]
mod windows;
#[cfg(target_os = "windows")]
use windows as imp;

use super::context::{CommandContext, ProcessSource};
use super::settings::CommandSettings;
use std::sync::Arc;

impl CommandContext {
    /// The context of this machine; `processes` is the collector.
    pub fn of_this_machine(settings: &CommandSettings, processes: Arc<dyn ProcessSource>) -> Self {
        let runner = imp::runner();
        Self {
            services: imp::services(&runner),
            runner,
            processes,
            packages: imp::packages().map(Arc::new),
            systemd_runs: imp::systemd_runs(),
            max_output_bytes: settings.limits.max_output_bytes,
        }
    }
}
