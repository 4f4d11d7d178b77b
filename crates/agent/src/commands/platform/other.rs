//! Platforms whose commands are not written yet.

use crate::commands::context::{BoxFuture, Services};
use crate::commands::control::Control;
use crate::commands::outcome::{CommandError, CommandResult};
use crate::commands::runner::Runner;
use infiniservice_protocol::data::ServiceInfo;
use infiniservice_protocol::{ErrorCode, ServiceOperation};
use std::sync::Arc;

pub(super) use super::super::runner::system_runner as runner;

pub(super) fn services(_runner: &Arc<dyn Runner>) -> Arc<dyn Services> {
    Arc::new(NoServices)
}

pub(super) fn systemd_runs() -> bool {
    false
}

struct NoServices;

impl Services for NoServices {
    fn list(&self) -> BoxFuture<'_, Result<Vec<ServiceInfo>, CommandError>> {
        Box::pin(async { Err(unsupported()) })
    }

    fn control<'a>(
        &'a self,
        _: &'a str,
        _: ServiceOperation,
        _: &'a Control,
    ) -> BoxFuture<'a, CommandResult> {
        Box::pin(async { Err(unsupported()) })
    }
}

fn unsupported() -> CommandError {
    CommandError::new(ErrorCode::Unsupported, "services are not available on this platform yet")
}
