//! What the guests answer, and what could not be written to them.

use super::super::message::cancel_id;
use super::super::reply::Reply;
use super::super::target::{Outcome, State};
use super::super::{Job, MAX_JOB_RESULT_BYTES};
use super::dispatch::unheard_for;
use super::{Effect, Planner, Presence, View};
use crate::ledger::Record;
use infiniservice_protocol::clock::Now;
use std::time::Duration;

/// How long a guest that is too busy is left alone, the first time and at most.
const BUSY_FIRST: Duration = Duration::from_secs(1);
const BUSY_MOST: Duration = Duration::from_secs(60);

impl Planner {
    /// Whether an answer with this id may concern a job.
    pub fn concerns(&self, id: &str) -> bool {
        let command = id.strip_prefix("x:").unwrap_or(id);
        command.split_once('/').is_some_and(|(job, _)| self.jobs.contains_key(job))
    }

    /// A machine's answer. What another machine's command was is none of its business.
    pub fn answered(&mut self, now: Now, vm: &str, reply: &Reply, view: &impl View) {
        if let Some((job, n)) = self.find(vm, &reply.id) {
            self.command_answered(now, &job, n, reply);
        } else if let Some(command) = reply.id.strip_prefix("x:")
            && let Some((job, n)) = self.find(vm, command)
        {
            self.cancel_answered(now, &job, n, reply, view);
        }
    }

    fn command_answered(&mut self, now: Now, id: &str, n: usize, reply: &Reply) {
        let Some(target) = self.jobs.get_mut(id).and_then(|job| job.target_mut(n)) else { return };
        if !matches!(target.state, State::Sent { .. }) {
            return;
        }
        match (reply.outcome(), reply.code.as_deref()) {
            (None, _) => {
                let wait = BUSY_FIRST.saturating_mul(1 << target.busy.min(6)).min(BUSY_MOST);
                target.busy += 1;
                if target.wire.again > 0 {
                    // It may be the answer to an earlier line of this id, and a later one may be carried out.
                    target.wire.again -= 1;
                    target.wire.retry = Some(now.mono + wait);
                    return;
                }
                self.back(now, id, n, Some(wait));
            }
            (_, Some("DUPLICATE_ID")) if reply.already_answered => {
                let text = "the guest has carried it out and no longer has its answer";
                self.end(now, id, n, Outcome::Unknown, Some(text.to_owned()));
            }
            // It is under way: its answer will come.
            (_, Some("DUPLICATE_ID")) => {}
            (Some(outcome), _) => self.ended(now, id, n, outcome, reply),
        }
    }

    fn ended(&mut self, now: Now, id: &str, n: usize, outcome: Outcome, reply: &Reply) {
        let kept = self.jobs.get(id).map_or(0, Job::result_bytes);
        let fits = kept + reply.result.len() <= MAX_JOB_RESULT_BYTES;
        self.put(
            now,
            Record::Ended {
                job: id.to_owned(),
                target: u32::try_from(n).unwrap_or(u32::MAX),
                outcome,
                code: reply.code.clone(),
                text: reply.text.clone(),
                result: fits.then(|| reply.result.clone()),
                at: now.wall_ms(),
            },
        );
    }

    /// `cancelled` was preceded by the command's own answer, and that of a change that cannot be ended follows.
    fn cancel_answered(&mut self, now: Now, id: &str, n: usize, reply: &Reply, view: &impl View) {
        let Some(job) = self.jobs.get(id) else { return };
        let Some(target) = job.targets().get(n) else { return };
        let State::Sent { at, .. } = &target.state else { return };
        let Presence::There { link, .. } = view.presence(&target.name) else { return };
        let remembers = unheard_for(now, target.wire.sent, *at, &link) < link.window;
        match reply.cancel.as_deref() {
            // Its answer was lost, and comes again with its id.
            Some("cancelled" | "already_answered") if remembers => {
                self.write(id, n, &link, false);
            }
            Some("cancelled" | "already_answered") => {
                self.unheard(now, id, n, "the guest no longer knows what became of it");
            }
            // It never reached the guest, or the agent was started anew beneath this connection, which nobody told.
            Some("not_found") => self.not_found(now, id, n),
            _ => {}
        }
    }

    fn not_found(&mut self, now: Now, id: &str, n: usize) {
        let Some(job) = self.jobs.get(id) else { return };
        let outcome = if job.accepted.change { Outcome::Unknown } else { Outcome::Skipped };
        let text = "the job was cancelled, and the guest does not know the command (any more)";
        self.end(now, id, n, outcome, Some(text.to_owned()));
    }

    /// An effect came to nothing: its machine was not on that connection any more, or had no place. Of a command that was
    /// never written before it is then known that the guest has not seen it.
    pub fn not_written(&mut self, now: Now, effect: &Effect) {
        let (Effect::Send { vm, id, connection, .. } | Effect::Cancel { vm, id, connection }) = effect;
        let Some((job, n)) = self.find(vm, id) else { return };
        let Some(target) = self.jobs.get_mut(&job).and_then(|job| job.target_mut(n)) else { return };
        if !matches!(target.state, State::Sent { .. }) || target.wire.connection != *connection {
            return;
        }
        match effect {
            Effect::Send { first: true, .. } => self.back(now, &job, n, Some(BUSY_FIRST)),
            Effect::Send { .. } => {
                target.wire.again = target.wire.again.saturating_sub(1);
                target.wire.connection = 0;
            }
            Effect::Cancel { .. } => target.wire.cancelled_on = 0,
        }
    }

    /// The line of an effect, for the guest; `None` where the command has ended meanwhile.
    pub fn line(&self, effect: &Effect) -> Option<String> {
        let (Effect::Send { vm, id, .. } | Effect::Cancel { vm, id, .. }) = effect;
        let (job, n) = self.find(vm, id)?;
        let job = self.jobs.get(&job)?;
        matches!(job.targets().get(n)?.state, State::Sent { .. }).then_some(())?;
        Some(match effect {
            Effect::Send { .. } => super::super::message::line(&job.accepted.message, id),
            Effect::Cancel { .. } => super::super::message::cancel_line(id),
        })
    }

    /// The id under which the answer to an effect comes.
    pub fn answer_id(effect: &Effect) -> String {
        match effect {
            Effect::Send { id, .. } => id.clone(),
            Effect::Cancel { id, .. } => cancel_id(id),
        }
    }
}
