//! Where a command's time goes: the steps that are told to a host that traces it.

use infiniservice_protocol::number::millis;
use infiniservice_protocol::trace::{MAX_STEPS, Step, StepName};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// The steps of one command, counted from when it was read.
#[derive(Debug)]
pub struct Steps {
    began: Instant,
    ended: Mutex<Ended>,
}

#[derive(Debug, Default)]
struct Ended {
    steps: Vec<Step>,
    left_out: u64,
}

impl Default for Steps {
    fn default() -> Self {
        Self { began: Instant::now(), ended: Mutex::default() }
    }
}

impl Steps {
    /// A step begins now, and ends when what this gives is dropped.
    pub fn begin(self: &Arc<Self>, name: StepName) -> Running {
        Running { of: Arc::clone(self), name, since: self.since_began() }
    }

    /// A step that began with the command ends now.
    pub fn ends(&self, name: StepName) {
        self.add(name, 0);
    }

    /// The time since the command was read.
    pub fn since_began(&self) -> Duration {
        self.began.elapsed()
    }

    /// What ended so far, and how many more there were than are kept.
    pub fn told(&self) -> (Vec<Step>, u64) {
        let ended = self.lock();
        (ended.steps.clone(), ended.left_out)
    }

    fn add(&self, name: StepName, start_ms: u64) {
        let step = Step { name, start_ms, end_ms: millis(self.since_began()) };
        let mut ended = self.lock();
        if ended.steps.len() < MAX_STEPS {
            ended.steps.push(step);
        } else {
            ended.left_out += 1;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Ended> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A step that goes on.
#[derive(Debug)]
pub struct Running {
    of: Arc<Steps>,
    name: StepName,
    since: Duration,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.of.add(self.name, millis(self.since));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    #[tokio::test(start_paused = true)]
    async fn steps_are_measured_and_one_may_lie_within_another() {
        let steps = Arc::new(Steps::default());
        advance(Duration::from_millis(5)).await;
        steps.ends(StepName::Queue);
        let read = steps.begin(StepName::Read);
        advance(Duration::from_millis(20)).await;
        let program = steps.begin(StepName::Program);
        advance(Duration::from_millis(100)).await;
        drop(program);
        advance(Duration::from_millis(1)).await;
        drop(read);
        let told: Vec<_> =
            steps.told().0.iter().map(|step| (step.name, step.start_ms, step.end_ms)).collect();
        let wanted = [(StepName::Queue, 0, 5), (StepName::Program, 25, 125), (StepName::Read, 5, 126)];
        assert_eq!(told, wanted);
    }

    #[tokio::test(start_paused = true)]
    async fn not_too_many_are_kept_and_the_others_are_counted() {
        let steps = Arc::new(Steps::default());
        for _ in 0..20 {
            drop(steps.begin(StepName::Program));
        }
        let (kept, left_out) = steps.told();
        assert_eq!((kept.len(), left_out), (MAX_STEPS, 4));
    }
}
