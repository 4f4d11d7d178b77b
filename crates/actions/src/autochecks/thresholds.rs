//! Where a figure begins to want attention, and where it is wrong.

use infiniservice_protocol::data::CheckStatus;

/// The command's `warning_percent` and `critical_percent`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Asked {
    /// Above 0 and up to 100.
    pub warning_percent: Option<f64>,
    /// Above the former.
    pub critical_percent: Option<f64>,
}

/// Two bounds, both reached at the figure itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// From here on `warning`.
    pub warning: f64,
    /// From here on `failed`.
    pub critical: f64,
}

impl Thresholds {
    /// The bounds of a check.
    pub const fn new(warning: f64, critical: f64) -> Self {
        Self { warning, critical }
    }

    /// What the host asked for instead. One bound alone pushes the other before it, so that they stay in order.
    #[must_use]
    pub fn or_asked(self, asked: Asked) -> Self {
        match (asked.warning_percent, asked.critical_percent) {
            (Some(warning), Some(critical)) => Self { warning, critical },
            (Some(warning), None) => Self { warning, critical: self.critical.max(warning) },
            (None, Some(critical)) => Self { warning: self.warning.min(critical), critical },
            (None, None) => self,
        }
    }

    /// What a figure means.
    pub fn judge(self, figure: f64) -> CheckStatus {
        if figure >= self.critical {
            CheckStatus::Failed
        } else if figure >= self.warning {
            CheckStatus::Warning
        } else {
            CheckStatus::Passed
        }
    }
}

/// The worse of two; `skipped` is no verdict.
pub(super) fn worse(a: CheckStatus, b: CheckStatus) -> CheckStatus {
    if rank(b) > rank(a) { b } else { a }
}

/// From what is well to what is wrong.
pub(super) fn rank(status: CheckStatus) -> u8 {
    match status {
        CheckStatus::Skipped => 0,
        CheckStatus::Passed => 1,
        CheckStatus::Warning => 2,
        CheckStatus::Failed => 3,
    }
}

/// Share of a whole in percent, to one decimal; 0 of nothing.
pub(super) fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { one_decimal(part.min(whole) as f64 * 100.0 / whole as f64) }
}

/// To one decimal.
pub(super) fn one_decimal(figure: f64) -> f64 {
    (figure * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use CheckStatus::{Failed, Passed, Warning};
    use proptest::prelude::*;

    #[test]
    fn a_bound_is_reached_at_the_figure_itself() {
        let levels = Thresholds::new(85.0, 95.0);
        let verdicts = [84.9, 85.0, 94.9, 95.0].map(|figure| levels.judge(figure));
        assert_eq!(verdicts, [Passed, Warning, Warning, Failed]);
    }

    #[test]
    fn one_bound_alone_pushes_the_other_before_it() {
        let of = |warning_percent, critical_percent| {
            Thresholds::new(85.0, 95.0).or_asked(Asked { warning_percent, critical_percent })
        };
        assert_eq!(of(Some(97.0), None), Thresholds::new(97.0, 97.0));
        assert_eq!(of(None, Some(50.0)), Thresholds::new(50.0, 50.0));
        assert_eq!(of(Some(10.0), None), Thresholds::new(10.0, 95.0));
        assert_eq!(of(Some(1.0), Some(2.0)), Thresholds::new(1.0, 2.0));
    }

    proptest! {
        #[test]
        fn whatever_is_asked_a_higher_figure_is_never_better(
            warning in proptest::option::of(0.1f64..100.0), critical in proptest::option::of(0.1f64..100.0),
            low in 0.0f64..100.0, more in 0.0f64..100.0,
        ) {
            let asked = Asked { warning_percent: warning, critical_percent: critical };
            let levels = Thresholds::new(85.0, 95.0).or_asked(asked);
            prop_assert!(rank(levels.judge(low + more)) >= rank(levels.judge(low)));
        }

        #[test]
        fn a_share_is_between_nothing_and_all(part: u64, whole: u64) {
            prop_assert!((0.0..=100.0).contains(&percent(part, whole)));
        }
    }
}
