//! How good the link is, as the host's own pings tell.

use crate::client::LinkStats;
use std::time::Duration;

/// The grades that the agent uses too: by lost pings and by the median round trip, whichever is worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Quality {
    /// Nothing was measured yet.
    Unknown,
    /// Under 5 % lost and under 100 ms.
    Excellent,
    /// Under 10 % and 200 ms.
    Good,
    /// Under 20 % and 500 ms.
    Fair,
    /// Under 40 % and 1 s.
    Poor,
    /// Beyond.
    Critical,
}

const GRADES: [(Quality, f64, u64); 4] = [
    (Quality::Excellent, 5.0, 100),
    (Quality::Good, 10.0, 200),
    (Quality::Fair, 20.0, 500),
    (Quality::Poor, 40.0, 1000),
];

impl Quality {
    /// The grade of the recent pings.
    pub(crate) fn of(stats: &LinkStats) -> Self {
        if stats.recent_pings.is_empty() {
            return Self::Unknown;
        }
        let Some(median) = stats.median_round_trip() else { return Self::Critical };
        let lost = stats.lost_percent();
        let fits =
            |(_, percent, ms): &&(Self, f64, u64)| lost < *percent && median < Duration::from_millis(*ms);
        GRADES.iter().find(fits).map_or(Self::Critical, |(quality, ..)| *quality)
    }

    /// For people.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Excellent => "excellent",
            Self::Good => "good",
            Self::Fair => "fair",
            Self::Poor => "poor",
            Self::Critical => "critical",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pings: &[Option<u64>]) -> Quality {
        let recent_pings = pings.iter().map(|ms| ms.map(Duration::from_millis)).collect();
        Quality::of(&LinkStats { recent_pings, ..LinkStats::default() })
    }

    #[test]
    fn the_worse_of_loss_and_delay_decides() {
        assert_eq!(of(&[]), Quality::Unknown);
        assert_eq!(of(&[Some(1), Some(2), Some(99)]), Quality::Excellent);
        assert_eq!(of(&[Some(150); 3]), Quality::Good);
        assert_eq!(of(&[Some(1), Some(1), Some(1), None]), Quality::Poor);
        assert_eq!(of(&[Some(1500)]), Quality::Critical);
        assert_eq!(of(&[None]), Quality::Critical);
    }
}
