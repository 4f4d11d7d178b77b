//! The journal where there is one, else the log.

use super::journal::JournalAudit;
use super::{Audit, LogAudit};
use std::sync::Arc;

/// Where this machine's records go.
pub fn of_this_machine() -> Arc<dyn Audit> {
    match JournalAudit::open() {
        Ok(journal) => Arc::new(journal),
        Err(error) => {
            log::debug!("commands are recorded in the log, not the journal: {error}");
            Arc::new(LogAudit)
        }
    }
}
