//! How long a pending state is waited for, after "Starting a Service" of Microsoft's documentation: by the service's wait hint,
//! and only while its checkpoint grows.

use super::state::Status;
use std::time::Duration;

/// Between two looks: a tenth of the hint, within these.
const SHORTEST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(1);
/// Many services give no hint, or one that they do not keep.
const PATIENCE: Duration = Duration::from_secs(30);

/// A wait under way. Pure: it is told how long was waited.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wait {
    checkpoint: u32,
    without_progress: Duration,
}

impl Wait {
    /// How long to wait before the next look; `None` where the service makes no progress any more.
    pub fn next(&mut self, status: &Status) -> Option<Duration> {
        if status.checkpoint != self.checkpoint {
            *self = Self { checkpoint: status.checkpoint, ..Self::default() };
        }
        let hint = Duration::from_millis(status.wait_hint_ms.into());
        if self.without_progress >= hint.max(PATIENCE) {
            return None;
        }
        let pause = (hint / 10).clamp(SHORTEST, LONGEST);
        self.without_progress += pause;
        Some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(checkpoint: u32, wait_hint_ms: u32) -> Status {
        Status { checkpoint, wait_hint_ms, ..Status::default() }
    }

    /// How long is waited in all with a checkpoint that grows every `every`th look, if at all, and at most `looks`.
    fn waited(hint: u32, every: Option<u32>, looks: u32) -> (Duration, bool) {
        let (mut wait, mut total) = (Wait::default(), Duration::ZERO);
        for look in 0..looks {
            let Some(pause) = wait.next(&status(every.map_or(0, |every| look / every), hint)) else {
                return (total, true);
            };
            total += pause;
        }
        (total, false)
    }

    #[test]
    fn a_service_without_progress_is_given_up_after_its_hint_or_half_a_minute() {
        assert_eq!(waited(0, None, 10_000), (PATIENCE, true));
        assert_eq!(waited(2000, None, 10_000), (PATIENCE, true));
        assert_eq!(waited(120_000, None, 10_000), (Duration::from_secs(120), true));
    }

    #[test]
    fn a_service_that_makes_progress_is_waited_for() {
        let (total, given_up) = waited(1000, Some(20), 10_000);
        assert!(!given_up && total > Duration::from_secs(300), "{total:?}");
    }
}
