//! All checks beside each other, each with its own share of the time.

use super::finding::{Assessed, Skip, check};
use super::levels::rank;
use super::machine::Machine;
use super::score;
use infiniservice_exec::BoxFuture;
use infiniservice_protocol::data::{AutochecksData, Check};
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
pub async fn run(specs: &[Spec], machine: &Machine) -> AutochecksData {
    let mut waiting = JoinSet::new();
    for (place, spec) in specs.iter().enumerate() {
        waiting.spawn(one(place, *spec, Arc::new(machine.within(spec.limit))));
    }
    let mut checks: Vec<(usize, Check)> = waiting.join_all().await;
    checks.sort_by_key(|(place, _)| *place);
    let checks: Vec<Check> = checks.into_iter().map(|(_, check)| check).collect();
    let (overall_health, score) = score::of(checks.iter().map(|check| check.status));
    AutochecksData { overall_health, score, checks }
}

/// The check in a task of its own, so that a panic in it is one skipped check.
async fn one(place: usize, spec: Spec, machine: Arc<Machine>) -> (usize, Check) {
    let control = machine.control.clone();
    let mut task = AbortOnDrop(tokio::spawn((spec.run)(machine)));
    let assessed = match control.bound(&mut task.0).await {
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
