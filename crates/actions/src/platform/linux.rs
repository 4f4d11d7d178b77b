//! Linux: services are systemd's, programs run in process groups.

use crate::context::Services;
use crate::packages::PackageSystem;
use crate::services::SystemdServices;
use infiniservice_exec::Runner;
use infiniservice_platform::systemd::UnitClient;
use std::path::Path;
use std::sync::Arc;

pub(super) use infiniservice_exec::system_runner as runner;

pub(super) fn services(runner: &Arc<dyn Runner>) -> Arc<dyn Services> {
    Arc::new(SystemdServices::new(UnitClient::connect(), runner.clone()))
}

/// As `sd_booted(3)` decides it.
pub(super) fn systemd_runs() -> bool {
    Path::new("/run/systemd/system").is_dir()
}

/// What the system's own files tell.
pub(super) fn packages() -> Option<PackageSystem> {
    PackageSystem::detect(Path::new("/"))
}

/// Only systemd can be asked.
pub(super) fn has_service_manager(systemd_runs: bool) -> bool {
    systemd_runs
}
