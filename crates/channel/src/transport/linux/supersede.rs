//! Tells a port in use that a better one has come.

use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Notify;

/// Shared between the transport, which finds the better port, and the port that is to give way.
#[derive(Debug, Default)]
pub struct Successor {
    come: AtomicBool,
    notify: Notify,
}

impl Successor {
    /// The better port is there.
    pub fn announce(&self) {
        self.come.store(true, Ordering::Release);
        self.notify.notify_one();
    }

    /// Whether it is there.
    pub fn has_come(&self) -> bool {
        self.come.load(Ordering::Acquire)
    }

    /// Resolves once when it comes. Cancel safe.
    pub async fn come(&self) {
        self.notify.notified().await;
    }
}
