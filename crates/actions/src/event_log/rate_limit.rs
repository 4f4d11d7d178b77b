//! How many events are let through: a log that everybody on the machine shares is not flooded.

use super::Event;
use infiniservice_link::token_bucket::TokenBucket;
use std::time::Duration;

/// Log lines at once, then [`LINE_PERIOD`] apart.
pub(super) const LINES: u32 = 100;
/// See [`LINES`].
pub(super) const LINE_PERIOD: Duration = Duration::from_secs(1);
/// Records of the audit at once, then [`RECORD_PERIOD`] apart.
pub(super) const RECORDS: u32 = 1000;
/// See [`RECORDS`].
pub(super) const RECORD_PERIOD: Duration = Duration::from_millis(100);

/// Lets events through, and counts what it does not.
#[derive(Debug)]
pub(super) struct RateLimit {
    lines: TokenBucket,
    records: TokenBucket,
    left_out: u64,
}

impl Default for RateLimit {
    fn default() -> Self {
        let lines = TokenBucket::new(LINES, LINE_PERIOD);
        Self { lines, records: TokenBucket::new(RECORDS, RECORD_PERIOD), left_out: 0 }
    }
}

impl RateLimit {
    /// What of this event is to be written at `now`: in front, how many were left out since the last one.
    pub(super) fn pass(&mut self, now: Duration, event: Event) -> Vec<Event> {
        let bucket = if event.is_audit() { &mut self.records } else { &mut self.lines };
        if !bucket.take(now) {
            self.leave_out(1);
            return Vec::new();
        }
        self.told().into_iter().chain([event]).collect()
    }

    /// Counts events that came to nothing elsewhere.
    pub(super) fn leave_out(&mut self, count: u64) {
        self.left_out = self.left_out.saturating_add(count);
    }

    /// The event that tells what was left out; none is lost uncounted.
    pub(super) fn told(&mut self) -> Option<Event> {
        let count = std::mem::take(&mut self.left_out);
        (count > 0).then(|| Event::left_out(count))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{COMMAND_SUCCEEDED, Kind, LEFT_OUT};
    use super::*;

    fn line() -> Event {
        Event::new(Kind::Warning, 2, &["x"])
    }

    #[test]
    fn a_flood_is_cut_and_its_size_told_with_the_next_event() {
        let (mut limit, s) = (RateLimit::default(), Duration::from_secs);
        let written: usize = (0..10_000).map(|_| limit.pass(s(1), line()).len()).sum();
        assert_eq!(written, LINES as usize);
        let next = limit.pass(s(2), line());
        assert_eq!((next[0].id, next[0].strings[0].as_str(), next.len()), (LEFT_OUT, "9900", 2));
        assert_eq!(limit.told(), None);
    }

    #[test]
    fn a_flood_of_lines_keeps_no_record_of_the_audit_out() {
        let mut limit = RateLimit::default();
        for _ in 0..1000 {
            limit.pass(Duration::ZERO, line());
        }
        let record = Event::new(Kind::Information, COMMAND_SUCCEEDED, &["x"]);
        assert_eq!(limit.pass(Duration::ZERO, record.clone()).last(), Some(&record));
    }
}
