//! Windows: services are the service control manager's, programs run in job objects.

use crate::context::Services;
use crate::packages::Site;
use crate::packages::winget::{Winget, locate::locate};
use crate::services::ScmServices;
use infiniservice_exec::Runner;
use std::path::Path;
use std::sync::Arc;

pub(super) use infiniservice_exec::system_runner as runner;

pub(super) fn services(_runner: &Arc<dyn Runner>) -> Arc<dyn Services> {
    Arc::new(ScmServices::default())
}

pub(super) fn systemd_runs() -> bool {
    false
}

/// Windows is not without one.
pub(super) fn has_service_manager(_systemd_runs: bool) -> bool {
    true
}

/// winget, where the App Installer is there for the whole machine.
pub(super) fn packages() -> Option<Site> {
    Some(Site::new(Box::new(Winget { program: locate()? }), Path::new("C:\\")))
}
