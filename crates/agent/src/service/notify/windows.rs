//! Nobody listens in a console.

use std::time::Duration;

/// Tells nobody.
#[derive(Debug)]
pub struct Notifier;

#[allow(clippy::unused_self, reason = "the signatures are those of every platform")]
impl Notifier {
    /// Whoever listens to this process.
    pub fn from_environment() -> Self {
        Self
    }

    /// The service runs. Told before the first contact with a host, which may never come.
    pub fn ready(&self) {}

    /// One line for people.
    pub fn status(&mut self, _text: String) {}

    /// The configuration is being read again.
    pub fn reloading(&self) {}

    /// The service is on its way out.
    pub fn stopping(&self) {}

    /// Windows has no watchdog.
    pub fn next_deadline(&self) -> Option<Duration> {
        None
    }

    /// Nothing to feed.
    pub fn feed(&mut self, _now: Duration) {}
}
