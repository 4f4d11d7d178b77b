//! Services are systemd's units.

use crate::commands::context::{BoxFuture, Services};
use crate::commands::control::Control;
use crate::commands::outcome::{CommandError, CommandResult};
use crate::commands::runner::Runner;
use infiniservice_protocol::data::ServiceInfo;
use infiniservice_protocol::{ErrorCode, ServiceOperation};
use std::sync::Arc;

/// [`Services`] over systemd's bus interface.
pub struct SystemdServices {
    #[allow(dead_code)]
    runner: Arc<dyn Runner>,
}

impl SystemdServices {
    /// `runner` starts journalctl where a unit failed.
    pub fn new(runner: Arc<dyn Runner>) -> Self {
        Self { runner }
    }
}

impl Services for SystemdServices {
    fn list(&self) -> BoxFuture<'_, Result<Vec<ServiceInfo>, CommandError>> {
        Box::pin(async { Err(CommandError::new(ErrorCode::Unsupported, "not yet")) })
    }

    fn control<'a>(
        &'a self,
        _: &'a str,
        _: ServiceOperation,
        _: &'a Control,
    ) -> BoxFuture<'a, CommandResult> {
        Box::pin(async { Err(CommandError::new(ErrorCode::Unsupported, "not yet")) })
    }
}
