//! Refused lines for the audit: a few at once, then one now and then, and of the others how many they were.

use super::token_bucket::TokenBucket;
use std::time::Duration;

/// Refused lines that are told one by one, before it is one each [`PERIOD`].
pub(super) const BURST: u32 = 32;
/// See [`BURST`].
pub(super) const PERIOD: Duration = Duration::from_secs(10);
/// The number of those left out is told this long after the first of them.
pub(super) const TELL: Duration = Duration::from_secs(10);

/// Which refused lines are told, and how many were not.
#[derive(Debug)]
pub(super) struct AuditSampler {
    bucket: TokenBucket,
    left_out: u64,
    tell_at: Option<Duration>,
}

impl Default for AuditSampler {
    fn default() -> Self {
        Self { bucket: TokenBucket::new(BURST, PERIOD), left_out: 0, tell_at: None }
    }
}

impl AuditSampler {
    /// Whether this one is told; if not, it is counted.
    pub(super) fn take(&mut self, now: Duration) -> bool {
        let told = self.bucket.take(now);
        if !told {
            self.left_out = self.left_out.saturating_add(1);
            self.tell_at.get_or_insert(now.saturating_add(TELL));
        }
        told
    }

    /// When [`Self::due`] has something to say.
    pub(super) fn deadline(&self) -> Option<Duration> {
        self.tell_at
    }

    /// How many were left out, once it is time to say so.
    pub(super) fn due(&mut self, now: Duration) -> Option<u64> {
        if self.tell_at.is_none_or(|at| now < at) { None } else { self.rest() }
    }

    /// The same whatever the time, when nothing comes any more.
    pub(super) fn rest(&mut self) -> Option<u64> {
        self.tell_at = None;
        Some(std::mem::take(&mut self.left_out)).filter(|count| *count > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn each_refused_line_is_told_or_counted_whatever_the_pace() {
        for pace_ms in [0, 1, 900, 9_999, 30_000] {
            let mut lines = AuditSampler::default();
            let (mut told, mut counted) = (0, 0);
            for n in 0..5_000 {
                let now = s(100) + Duration::from_millis(n * pace_ms);
                counted += lines.due(now).unwrap_or_default();
                told += u64::from(lines.take(now));
            }
            assert!(told >= u64::from(BURST));
            counted += lines.rest().unwrap_or_default();
            assert_eq!(told + counted, 5_000, "one each {pace_ms} ms");
        }
    }

    #[test]
    fn a_day_of_flood_leaves_a_record_each_few_seconds() {
        let mut lines = AuditSampler::default();
        let mut records = 0;
        for tenth in 0..864_000 {
            let now = Duration::from_millis(tenth * 100);
            records += u64::from(lines.due(now).is_some()) + u64::from(lines.take(now));
        }
        let most = u64::from(BURST) + 86_400 / PERIOD.as_secs() + 86_400 / TELL.as_secs();
        assert!(records <= most, "{records}");
    }

    #[test]
    fn the_number_is_told_once_and_nothing_is_due_without_one() {
        let mut lines = AuditSampler::default();
        assert!((0..BURST).all(|_| lines.take(s(1))));
        assert_eq!((lines.deadline(), lines.rest()), (None, None));
        assert!(!lines.take(s(2)) && !lines.take(s(3)));
        assert_eq!((lines.deadline(), lines.due(s(11))), (Some(s(12)), None));
        assert_eq!((lines.due(s(12)), lines.due(s(13)), lines.deadline()), (Some(2), None, None));
    }
}
