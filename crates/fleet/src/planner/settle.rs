//! Machines that end without their hubs' word: the job was cancelled or failed too often, or its time is over.

use super::job::{At, Job};
use super::run::{Run, State};
use super::{Effect, Turn};
use crate::message::{TargetResult, What};
use infiniservice_hub_core::job::Outcome;

impl Job {
    pub(super) fn settle(&mut self, turn: &mut Turn<'_>) {
        let now = turn.now.mono;
        let (is_over, is_late) = (now >= self.until, now >= self.give_up);
        let (is_cancelled, is_change) = (self.is(What::Cancel), self.opened.is_change());
        let by = self.control.as_ref().map(|(control, _)| control.operator.clone()).unwrap_or_default();
        let id = self.opened.order.id.clone();
        let At::Running(run) = &mut self.at else { return };
        let mut words = Words { job: &id, turn };
        words.tell_given(run);
        let (outcome, text) = if is_cancelled {
            (Outcome::Skipped, format!("{by} cancelled the job"))
        } else if run.stopped {
            (Outcome::Skipped, "the job had failed too often".to_owned())
        } else if is_over {
            (Outcome::Expired, "its turn did not come in the job's time".to_owned())
        } else {
            return;
        };
        words.end_waiting(run, outcome, &text, is_late);
        if is_late {
            let outcome = if is_change { Outcome::Unknown } else { Outcome::Expired };
            words.end_sent(run, outcome, "its hub was not heard in the job's time");
        }
    }
}

/// What the coordinator says itself.
struct Words<'a, 'b> {
    job: &'a str,
    turn: &'a mut Turn<'b>,
}

impl Words<'_, '_> {
    /// What the plan says of machines that do not begin.
    fn tell_given(&mut self, run: &mut Run) {
        for n in std::mem::take(&mut run.untold) {
            let given = run.layout.rows.get(n as usize).and_then(|row| row.given.clone());
            if let Some((outcome, text)) = given {
                self.publish(run, n, outcome, &text);
            }
        }
    }

    /// None of those that wait begins any more. Where an earlier coordinator may have sent them, their hubs are asked.
    fn end_waiting(&mut self, run: &mut Run, outcome: Outcome, text: &str, is_late: bool) {
        if run.counts.accepted == 0 {
            return;
        }
        let is_known = !run.inherited || is_late;
        for n in run.waiting() {
            if is_known {
                run.set(n, State::Word(outcome));
                self.publish(run, n, outcome, text);
            } else {
                run.set(n, State::Sent);
            }
        }
        run.ask_all_hubs(self.turn.now.mono);
    }

    fn end_sent(&mut self, run: &mut Run, outcome: Outcome, text: &str) {
        if run.counts.sent == 0 {
            return;
        }
        let sent = run.states.iter().zip(0..).filter(|(state, _)| **state == State::Sent);
        for n in sent.map(|(_, n)| n).collect::<Vec<_>>() {
            run.set(n, State::Word(outcome));
            self.publish(run, n, outcome, text);
        }
    }

    fn publish(&mut self, run: &Run, n: u32, outcome: Outcome, text: &str) {
        let Some(row) = run.layout.rows.get(n as usize) else { return };
        self.turn.effects.push(Effect::Publish(TargetResult {
            job: self.job.to_owned(),
            hub: run.layout.hub(row).to_owned(),
            vm: row.vm.clone(),
            outcome,
            code: None,
            text: Some(text.to_owned()),
            result: None,
            started_at_ms: None,
            ended_at_ms: self.turn.now.wall_ms(),
            wave: row.wave,
            traceparent: None,
            coordinator: Some(self.turn.coordinator.to_owned()),
        }));
    }
}

impl Run {
    /// Takes all whose turn has not come: it comes no more.
    fn waiting(&mut self) -> Vec<u32> {
        self.cursor = self.layout.rows.len();
        self.again.clear();
        self.hubs.iter_mut().for_each(|hub| hub.parked.clear());
        let waiting = self.states.iter().zip(0..).filter(|(state, _)| **state == State::Waiting);
        waiting.map(|(_, n)| n).collect()
    }

    fn ask_all_hubs(&mut self, now: std::time::Duration) {
        for hub in self.hubs.iter_mut().filter(|hub| hub.open > 0) {
            hub.again_at = now;
        }
    }
}
