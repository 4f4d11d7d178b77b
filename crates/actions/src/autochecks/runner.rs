//! All checks, concurrently, each with its own share of the time, and the score that their verdicts come to.

use super::finding::{Assessed, Skip, check};
use super::machine::Machine;
use super::thresholds::rank;
use infiniservice_exec::BoxFuture;
use infiniservice_protocol::data::{AutochecksData, Check, CheckStatus, Health};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{JoinHandle, JoinSet};

/// A check as the round sees it.
#[derive(Clone, Copy)]
pub struct Spec {
    /// Stable, as in `checks` and in the answer.
    pub name: &'static str,
    /// At most so long, whatever the command allows.
    pub limit: Duration,
    /// Gathers and assesses.
    pub run: fn(Arc<Machine>) -> BoxFuture<'static, Assessed>,
}

/// Makes the checks and sums them up, in the order given. Aborted when dropped.
pub(super) async fn run(specs: &[Spec], machine: &Machine) -> AutochecksData {
    let mut waiting = JoinSet::new();
    for (place, spec) in specs.iter().enumerate() {
        waiting.spawn(one(place, *spec, Arc::new(machine.within(spec.limit))));
    }
    let mut checks: Vec<(usize, Check)> = waiting.join_all().await;
    checks.sort_by_key(|(place, _)| *place);
    let checks: Vec<Check> = checks.into_iter().map(|(_, check)| check).collect();
    let (overall_health, score) = score_of(checks.iter().map(|check| check.status));
    AutochecksData { overall_health, score, checks }
}

/// The check in a task of its own, so that a panic in it is one skipped check.
async fn one(place: usize, spec: Spec, machine: Arc<Machine>) -> (usize, Check) {
    let cancellation = machine.cancellation.clone();
    let mut task = AbortOnDrop(tokio::spawn((spec.run)(machine)));
    let assessed = match cancellation.run_until_cancelled(&mut task.0).await {
        Ok(Ok(assessed)) => assessed.and_then(verdict),
        Ok(Err(fault)) => Err(Skip(format!("the check itself failed: {fault}"))),
        Err(stop) => Err(Skip(format!("the check {}", stop.error))),
    };
    (place, check(spec.name, assessed))
}

/// A finding without a verdict would be a fault of ours; nothing may look better than it is known to be.
fn verdict(finding: super::finding::Finding) -> Assessed {
    if rank(finding.status) == 0 { Err(Skip(finding.message)) } else { Ok(finding) }
}

struct AbortOnDrop<T>(JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Overall health and score of 0 to 100.
pub(super) fn score_of(verdicts: impl IntoIterator<Item = CheckStatus>) -> (Health, u32) {
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
    use super::super::thresholds::rank;
    use super::*;
    use CheckStatus::{Failed, Passed, Skipped, Warning};
    use proptest::prelude::*;

    #[test]
    fn the_health_is_the_worst_of_the_checks() {
        assert_eq!(score_of([Passed, Skipped]), (Health::Healthy, 100));
        assert_eq!(score_of([Passed, Warning]), (Health::Warning, 85));
        assert_eq!(score_of([Warning; 9]), (Health::Warning, 50));
        assert_eq!(score_of([Failed, Passed]), (Health::Critical, 49));
        assert_eq!(score_of([Failed, Failed, Warning]), (Health::Critical, 29));
        assert_eq!(score_of([Failed; 9]), (Health::Critical, 0));
    }

    #[test]
    fn where_nothing_could_be_checked_nothing_is_called_healthy() {
        assert_eq!(score_of([Skipped, Skipped]), (Health::Warning, 50));
    }

    fn verdict() -> impl Strategy<Value = CheckStatus> {
        prop_oneof![Just(Passed), Just(Warning), Just(Failed)]
    }

    proptest! {
        #[test]
        fn a_verdict_that_gets_worse_never_raises_the_score(
            mut verdicts in proptest::collection::vec(verdict(), 1..40), at: prop::sample::Index, other in verdict(),
        ) {
            let before = score_of(verdicts.clone()).1;
            let at = at.index(verdicts.len());
            let worse = rank(other) >= rank(verdicts[at]);
            verdicts[at] = other;
            let after = score_of(verdicts).1;
            let in_order = if worse { after <= before } else { after >= before };
            prop_assert!(in_order, "{before} then {after}");
        }

        #[test]
        fn the_three_healths_do_not_overlap(verdicts in proptest::collection::vec(verdict(), 1..40)) {
            let (health, score) = score_of(verdicts);
            let band = match health {
                Health::Healthy => 100..=100,
                Health::Warning => 50..=85,
                Health::Critical => 0..=49,
            };
            prop_assert!(band.contains(&score), "{health:?} {score}");
        }

        #[test]
        fn skipped_checks_and_the_order_change_nothing(mut verdicts in proptest::collection::vec(verdict(), 1..40)) {
            let before = score_of(verdicts.clone());
            verdicts.push(Skipped);
            verdicts.reverse();
            prop_assert_eq!(score_of(verdicts), before);
        }
    }
}
