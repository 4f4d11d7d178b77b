//! What commands reach this machine through, by platform.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(all(test, target_os = "linux"))]
mod systemd_tests;
#[cfg(all(test, target_os = "linux"))]
mod sysv_tests;
#[cfg(target_os = "windows")]
mod windows;

#[cfg(all(test, target_os = "windows"))]
pub(crate) use windows::ScmServices;

use super::changes::Changes;
use super::context::{CommandContext, ProcessSource, Services};
use crate::news::News;
use crate::policy::CommandSettings;
use crate::reloads::Reloads;
use crate::scripts::Scripts;
#[cfg(target_os = "linux")]
use linux as imp;
use std::sync::Arc;
use tokio::sync::mpsc;
#[cfg(target_os = "windows")]
use windows as imp;

impl CommandContext {
    /// The context of this machine; `processes` is the collector. Must be called inside a tokio runtime.
    pub fn of_this_machine(
        settings: &CommandSettings,
        processes: Arc<dyn ProcessSource>,
        news: &mpsc::Sender<News>,
    ) -> Self {
        let runner = imp::runner();
        Self {
            services: imp::services(&runner),
            scripts: Scripts::start(settings.scripts.clone(), runner.clone(), news.clone()),
            runner,
            processes,
            packages: imp::packages().map(Arc::new),
            systemd_runs: imp::systemd_runs(),
            changes: Arc::new(Changes::telling(news.clone())),
            seal: Arc::default(),
            reloads: Reloads::default(),
            max_output_bytes: settings.limits.max_output_bytes,
            max_list_bytes: settings.limits.max_list_bytes(),
        }
    }

    /// The services of the metrics; `None` where there is no service manager that could be asked.
    pub fn observed_services(&self) -> Option<Arc<dyn Services>> {
        imp::has_service_manager(self.systemd_runs).then(|| self.services.clone())
    }
}
