//! No journal on this platform.

use super::{Audit, LogAudit};
use std::sync::Arc;

/// The log.
pub fn of_this_machine() -> Arc<dyn Audit> {
    Arc::new(LogAudit)
}
