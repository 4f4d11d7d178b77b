//! One job at its coordinator.

use super::resolve::Resolving;
use super::run::{Run, There};
use super::{Effect, Turn, View};
use crate::layout::Layout;
use crate::message::{Control, Missing, Part, Progress, Stage, TargetResult, What};
use crate::sign::{Opened, Signed};
use infiniservice_hub_core::job::{Counts, Outcome};
use infiniservice_protocol::clock::Now;
use std::collections::BTreeSet;
use std::time::Duration;

/// From one progress to the next, while the job is at the same.
const PROGRESS: Duration = Duration::from_secs(1);
/// How long the last word of a hub may be under way, beyond the time that a guest has for its answer.
pub(super) const GRACE: Duration = Duration::from_millis(GRACE_MS);
/// The same, in milliseconds.
pub const GRACE_MS: u64 = 120_000;
/// When what is finished, and was not forgotten, is written again.
const AGAIN: Duration = Duration::from_secs(5);
/// When a job of which nothing is new is written again, so that who waits for it sees that somebody looks after it.
const ALIVE: Duration = Duration::from_secs(10);

/// A job.
#[derive(Debug)]
pub struct Job {
    pub(super) opened: Opened,
    pub(super) at: At,
    /// Until when a machine may begin, by the monotonic clock.
    pub(super) until: Duration,
    /// When nothing more is waited for.
    pub(super) give_up: Duration,
    pub(super) control: Option<(Control, Signed)>,
    written: Option<(Progress, Duration)>,
    /// When it had its last turn.
    looked: Duration,
}

/// What a job is at.
#[derive(Debug)]
pub(super) enum At {
    Resolving(Resolving),
    Running(Box<Run>),
    /// Nothing is done, and why.
    Nothing(String),
}

impl Job {
    pub(super) fn new(now: Now, opened: Opened) -> Self {
        let left = opened.order.not_after_ms.saturating_sub(now.wall_ms());
        let until = now.mono + Duration::from_millis(left);
        // Who comes when it is long over must not wait once more.
        let over = Duration::from_millis(now.wall_ms().saturating_sub(opened.order.not_after_ms));
        let patience = Duration::from_secs(opened.checked.patience_secs) + GRACE;
        Self {
            until,
            give_up: until + patience.saturating_sub(over),
            at: At::Resolving(Resolving::new(now)),
            opened,
            control: None,
            written: None,
            looked: now.mono,
        }
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.opened.order.id
    }

    /// What was ordered.
    pub const fn opened(&self) -> &Opened {
        &self.opened
    }

    /// How many machines stand where.
    pub fn counts(&self) -> Counts {
        self.run().map(|run| run.counts).unwrap_or_default()
    }

    /// Its machines, once there is a plan.
    pub fn layout(&self) -> Option<&Layout> {
        self.run().map(|run| &run.layout)
    }

    /// What it is at.
    pub fn stage(&self) -> Stage {
        match &self.at {
            At::Resolving(_) => Stage::Resolving,
            At::Running(run) if run.counts.open() == 0 => Stage::Finished,
            At::Running(_) if self.is(What::Pause) => Stage::Paused,
            At::Running(_) => Stage::Running,
            At::Nothing(_) => Stage::Finished,
        }
    }

    /// The same, counted one by one.
    #[cfg(test)]
    pub fn recount(&self) -> Counts {
        self.run().map(Run::recount).unwrap_or_default()
    }

    fn run(&self) -> Option<&Run> {
        match &self.at {
            At::Running(run) => Some(run),
            At::Resolving(_) | At::Nothing(_) => None,
        }
    }

    pub(super) fn is(&self, what: What) -> bool {
        self.control.as_ref().is_some_and(|(control, _)| control.what == what)
    }

    /// A cancelled job stays cancelled.
    pub(super) fn control(&mut self, control: Control, signed: Signed) {
        let is_newer = self.control.as_ref().is_none_or(|(last, _)| control.number > last.number);
        if is_newer && !self.is(What::Cancel) {
            self.control = Some((control, signed));
        }
    }

    pub(super) fn hub_back(&mut self, now: Now, hub: &str) {
        if let At::Running(run) = &mut self.at {
            run.hub_back(now, hub);
        }
    }

    pub(super) fn hub_gone(&mut self, hub: &str) {
        if let At::Running(run) = &mut self.at {
            run.hub_gone(hub);
        }
    }

    pub(super) fn resolved(&mut self, part: Part) {
        if let At::Resolving(resolving) = &mut self.at {
            resolving.answered(part);
        }
    }

    pub(super) fn refused(&mut self, hub: &str, why: &str, code: &str, view: &impl View) {
        if let At::Resolving(resolving) = &mut self.at {
            let (why, code) = (why.to_owned(), Some(code.to_owned()));
            let missing = Some(Missing { outcome: Outcome::Refused, why, code });
            let vms = view.known(&self.opened.order, hub);
            resolving.answered(Part { hub: hub.to_owned(), vms, missing });
        }
    }

    /// Whether that is news.
    pub(super) fn planned(&mut self, now: Now, parts: Vec<Part>, there: &There<'_>) -> bool {
        if !matches!(self.at, At::Resolving(_)) {
            return false;
        }
        self.at = match Layout::new(&self.opened.order, parts) {
            Ok(layout) if layout.rows.is_empty() => {
                At::Nothing("the order means no machine that any hub has".to_owned())
            }
            Ok(layout) => At::Running(Box::new(Run::new(now, &self.opened.order, layout, there))),
            Err(error) => At::Nothing(error),
        };
        true
    }

    pub(super) fn result(&mut self, result: &TargetResult, effects: &mut Vec<Effect>) {
        if let At::Running(run) = &mut self.at {
            run.result(result, effects);
        }
    }

    pub(super) fn turn(&mut self, turn: &mut Turn<'_>, hubs: &BTreeSet<String>, view: &impl View) {
        self.looked = turn.now.mono;
        match &self.at {
            At::Resolving(_) => self.resolve(turn, hubs, view),
            At::Running(_) => {
                self.settle(turn);
                self.send(turn);
            }
            At::Nothing(_) => {}
        }
        self.write(turn);
    }

    /// Tells how far it is: at once where it is at something else, and now and then where only numbers are others.
    fn write(&mut self, turn: &mut Turn<'_>) {
        let progress = self.progress(turn);
        let due = self.written.as_ref().is_none_or(|(last, at)| {
            let is_same = Progress { at_ms: progress.at_ms, ..last.clone() } == progress;
            last.state != progress.state || turn.now.mono >= *at + pause(&progress, is_same)
        });
        if due {
            turn.effects.push(Effect::Write(progress.clone()));
            self.written = Some((progress, turn.now.mono));
        }
    }

    fn progress(&self, turn: &Turn<'_>) -> Progress {
        let run = self.run();
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let cancelled = self.control.as_ref().filter(|_| self.is(What::Cancel));
        Progress {
            id: self.id().to_owned(),
            state: self.stage(),
            wave: run.map_or(0, |run| count(run.wave)),
            waves: run.map_or(0, |run| count(run.layout.waves.len())),
            targets: run.map_or(0, |run| count(run.layout.rows.len())),
            counts: self.counts(),
            hubs_missing: run.map_or(0, |run| run.layout.hubs_missing),
            cancelled_by: cancelled.map(|(control, _)| control.operator.clone()),
            stopped_by_failures: run.is_some_and(|run| run.stopped),
            why: if let At::Nothing(why) = &self.at { Some(why.clone()) } else { None },
            coordinator: turn.coordinator.to_owned(),
            at_ms: turn.now.wall_ms(),
        }
    }

    /// When its turn comes even if nothing happens.
    pub(super) fn wake(&self) -> Duration {
        let write = self.written.as_ref().map_or(Duration::ZERO, |(last, at)| {
            *at + pause(last, last.counts == self.counts() && last.state == self.stage())
        });
        let is_over = self.looked >= self.until;
        match &self.at {
            At::Resolving(resolving) => write.min(resolving.wake(self.looked)),
            At::Running(run) if run.counts.open() > 0 => {
                let send = if is_over || !self.is(What::Pause) { run.wake() } else { Duration::MAX };
                write.min(send).min(if is_over { self.give_up } else { self.until })
            }
            At::Running(_) | At::Nothing(_) => write,
        }
    }
}

/// From one progress to the next.
fn pause(last: &Progress, is_same: bool) -> Duration {
    match (is_same, last.state) {
        (false, _) => PROGRESS,
        (true, Stage::Finished) => AGAIN,
        (true, _) => ALIVE,
    }
}
