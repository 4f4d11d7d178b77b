//! What the collector's thread tells those who wait for it: since when it has been at a request.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What the thread tells those who watch it.
#[derive(Debug, Default)]
pub struct Busy(Mutex<Option<Instant>>);

/// A request that the thread is at, until this is dropped.
#[derive(Debug)]
pub struct AtWork<'a>(&'a Busy);

impl Busy {
    /// The thread begins with a request.
    pub fn begin(&self) -> AtWork<'_> {
        *self.since() = Some(Instant::now());
        AtWork(self)
    }

    /// Since when it has been at the present request, and how much is left of `timeout`.
    pub fn left(&self, timeout: Duration) -> (Option<Instant>, Duration) {
        let since = *self.since();
        (since, since.map_or(timeout, |since| timeout.saturating_sub(since.elapsed())))
    }

    /// Whether it is still at what it began then.
    pub fn is_at(&self, since: Option<Instant>) -> bool {
        *self.since() == since
    }

    /// One field, which is replaced as a whole.
    fn since(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        *self.0.since() = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_the_patience_from_its_own_beginning() {
        let (busy, timeout) = (Busy::default(), Duration::from_secs(60));
        assert_eq!(busy.left(timeout), (None, timeout));
        let first = busy.begin();
        let (since, left) = busy.left(timeout);
        assert!(since.is_some() && left <= timeout && busy.is_at(since));
        assert_eq!(busy.left(Duration::ZERO).1, Duration::ZERO);
        drop(first);
        let _second = busy.begin();
        assert!(!busy.is_at(None) && busy.left(timeout).0 >= since);
    }
}
