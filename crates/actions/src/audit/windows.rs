//! The Event Log of a service, and the log in any case.

use super::{Audit, AuditRecord, LogAudit};
use crate::event_log;
use std::sync::Arc;

/// [`Audit`] into both.
#[derive(Clone, Copy, Debug)]
struct EventAudit;

impl Audit for EventAudit {
    fn record(&self, record: &AuditRecord) {
        LogAudit.record(record);
        event_log::write(super::events::event(record));
    }
}

/// Where this machine's records go.
pub fn of_this_machine() -> Arc<dyn Audit> {
    if event_log::is_open() { Arc::new(EventAudit) } else { Arc::new(LogAudit) }
}
