//! How long to leave a port alone whose host is away, where nothing tells of its return: longer each time.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(50);
/// A host that comes back is noticed within this.
const LONGEST: Duration = Duration::from_secs(2);

/// The next pause.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    next: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { next: FIRST }
    }
}

impl Patience {
    /// The pause to take now; the next one is twice as long.
    pub fn pause(&mut self) -> Duration {
        let pause = self.next;
        self.next = (pause * 2).min(LONGEST);
        pause
    }

    /// The host was there.
    pub fn restart(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_of_absence_is_less_than_half_a_look_a_second() {
        let (mut patience, mut passed, mut looks) = (Patience::default(), Duration::ZERO, 0);
        while passed < Duration::from_secs(3600) {
            passed += patience.pause();
            looks += 1;
        }
        assert!(looks < 1810, "{looks}");
    }

    #[test]
    fn a_host_that_was_there_is_looked_for_quickly_again() {
        let mut patience = Patience::default();
        for _ in 0..20 {
            patience.pause();
        }
        assert_eq!(patience.pause(), LONGEST);
        patience.restart();
        assert_eq!(patience.pause(), FIRST);
    }
}
