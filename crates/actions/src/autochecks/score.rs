//! The health of a machine and its score, from the verdicts of its checks.
//!
//! Skipped checks do not count. A healthy machine has 100. Warnings alone cost 15 each, down to 50: a machine on which
//! nothing has failed never has less. The first failure brings it to 49, each further one costs 15, each warning
//! beside them 5, down to 0. So the score falls with every verdict that gets worse, and the three healths do not
//! overlap. Where nothing could be checked at all, nothing is known: `Warning`, with 50.

use infiniservice_protocol::data::{CheckStatus, Health};

/// Overall health and score of 0 to 100.
pub fn of(verdicts: impl IntoIterator<Item = CheckStatus>) -> (Health, u32) {
    let (mut passed, mut warnings, mut failures) = (0u32, 0u32, 0u32);
    for verdict in verdicts {
        match verdict {
            CheckStatus::Passed => passed += 1,
            CheckStatus::Warning => warnings += 1,
            CheckStatus::Failed => failures += 1,
            CheckStatus::Skipped => {}
        }
    }
    match (passed, warnings, failures) {
        (0, 0, 0) => (Health::Warning, 50),
        (_, 0, 0) => (Health::Healthy, 100),
        (_, _, 0) => (Health::Warning, 100u32.saturating_sub(warnings.saturating_mul(15)).max(50)),
        (..) => {
            let cost = (failures - 1).saturating_mul(15).saturating_add(warnings.saturating_mul(5));
            (Health::Critical, 49u32.saturating_sub(cost))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::levels::rank;
    use super::*;
    use CheckStatus::{Failed, Passed, Skipped, Warning};
    use proptest::prelude::*;

    #[test]
    fn the_health_is_the_worst_of_the_checks() {
        assert_eq!(of([Passed, Skipped]), (Health::Healthy, 100));
        assert_eq!(of([Passed, Warning]), (Health::Warning, 85));
        assert_eq!(of([Warning; 9]), (Health::Warning, 50));
        assert_eq!(of([Failed, Passed]), (Health::Critical, 49));
        assert_eq!(of([Failed, Failed, Warning]), (Health::Critical, 29));
        assert_eq!(of([Failed; 9]), (Health::Critical, 0));
    }

    #[test]
    fn where_nothing_could_be_checked_nothing_is_called_healthy() {
        assert_eq!(of([Skipped, Skipped]), (Health::Warning, 50));
    }

    fn verdict() -> impl Strategy<Value = CheckStatus> {
        prop_oneof![Just(Passed), Just(Warning), Just(Failed)]
    }

    proptest! {
        #[test]
        fn a_verdict_that_gets_worse_never_raises_the_score(
            mut verdicts in proptest::collection::vec(verdict(), 1..40), at: prop::sample::Index, other in verdict(),
        ) {
            let before = of(verdicts.clone()).1;
            let at = at.index(verdicts.len());
            let worse = rank(other) >= rank(verdicts[at]);
            verdicts[at] = other;
            let after = of(verdicts).1;
            let in_order = if worse { after <= before } else { after >= before };
            prop_assert!(in_order, "{before} then {after}");
        }

        #[test]
        fn the_three_healths_do_not_overlap(verdicts in proptest::collection::vec(verdict(), 1..40)) {
            let (health, score) = of(verdicts);
            let band = match health {
                Health::Healthy => 100..=100,
                Health::Warning => 50..=85,
                Health::Critical => 0..=49,
            };
            prop_assert!(band.contains(&score), "{health:?} {score}");
        }

        #[test]
        fn skipped_checks_and_the_order_change_nothing(mut verdicts in proptest::collection::vec(verdict(), 1..40)) {
            let before = of(verdicts.clone());
            verdicts.push(Skipped);
            verdicts.reverse();
            prop_assert_eq!(of(verdicts), before);
        }
    }
}
