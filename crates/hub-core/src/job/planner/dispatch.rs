//! Whose turn it is, and what becomes of commands whose connection is not there any more.

use super::super::message::id as wire_id;
use super::super::one::Job;
use super::super::target::{Outcome, State};
use super::{Effect, Link, Planner, Presence, View};
use crate::ledger::Record;
use infiniservice_protocol::clock::Now;
use std::time::Duration;

/// How long a machine that is away or has no place is left alone.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// An answer may have been made so long before its guest was last heard, and yet be lost.
const MARGIN: Duration = Duration::from_secs(60);

impl Planner {
    /// Time has passed: looks at every command that is with a guest, at every deadline, and gives turns.
    pub fn tick(&mut self, now: Now, view: &impl View) {
        for id in self.active() {
            self.follow(now, &id, view);
            if let Some(job) = self.jobs.get_mut(&id) {
                let (due, held) = job.held.drain(..).partition(|(at, _)| *at <= now.mono);
                job.held = held;
                job.ready.extend(Vec::into_iter(due).map(|(_, n)| n));
            }
        }
        self.retire(now);
        self.turn(now, view);
    }

    /// A machine's agent has said who it is: what was sent to it before is looked at, and its turn may come.
    pub fn greeted(&mut self, now: Now, vm: &str, view: &impl View) {
        for id in self.active() {
            let Some(job) = self.jobs.get_mut(&id) else { continue };
            let Some(n) = job.place(vm) else { continue };
            let held = job.held.len();
            job.held.retain(|(_, other)| *other != n);
            if job.held.len() < held {
                job.ready.push_front(n);
            }
            self.follow_one(now, &id, n, view);
        }
        self.turn(now, view);
    }

    /// Something has happened, such as an answer: gives turns to those who may begin.
    pub fn turn(&mut self, now: Now, view: &impl View) {
        for id in self.active() {
            self.settle(now, &id, view);
            while let Some((n, link)) = self.next(now, &id, view) {
                self.begin(now, &id, n, &link);
            }
        }
    }

    fn active(&self) -> Vec<String> {
        let active = self.jobs.values().filter(|job| job.finished_at().is_none());
        active.map(|job| job.id().to_owned()).collect()
    }

    /// Ends those that have not begun, where none may begin any more.
    fn settle(&mut self, now: Now, id: &str, view: &impl View) {
        let Some(job) = self.jobs.get(id).filter(|job| job.counts().accepted > 0) else { return };
        let (outcome, text) = if let Some(actor) = job.cancelled() {
            (Outcome::Skipped, format!("{actor} cancelled the job"))
        } else if job.has_failed_too_often() {
            (Outcome::Skipped, format!("{} machines had failed, more than allowed", job.counts().failures()))
        } else if now.mono >= job.until {
            self.absent(now, id, view);
            (Outcome::Expired, "its turn did not come in the job's time".to_owned())
        } else {
            return;
        };
        self.put(now, Record::Rest { job: id.to_owned(), outcome, text, at: now.wall_ms() });
    }

    /// Those that the hub does not have when the time is over.
    fn absent(&mut self, now: Now, id: &str, view: &impl View) {
        let Some(job) = self.jobs.get(id) else { return };
        let open = job.targets().iter().enumerate().filter(|(_, target)| target.state == State::Accepted);
        let gone = open.filter(|(_, target)| view.presence(&target.name) == Presence::Absent);
        let gone: Vec<_> = gone.map(|(n, _)| n).collect();
        for n in gone {
            self.end(now, id, n, Outcome::Absent, None);
        }
    }

    /// The next machine of a job that may begin now.
    fn next(&mut self, now: Now, id: &str, view: &impl View) -> Option<(usize, Link)> {
        if self.closed.is_some() {
            return None;
        }
        let job = self.jobs.get_mut(id)?;
        while job.counts().sent < job.accepted.max_concurrency {
            let n = job.ready.pop_front()?;
            let target = job.targets().get(n).filter(|target| target.state == State::Accepted);
            let Some(target) = target else { continue };
            match view.presence(&target.name) {
                Presence::There { link, free: true } => return Some((n, link)),
                _ => job.held.push((now.mono + LOOK_AGAIN, n)),
            }
        }
        None
    }

    fn begin(&mut self, now: Now, id: &str, n: usize, link: &Link) {
        let (job, instance) = (id.to_owned(), link.instance.clone());
        let target = u32::try_from(n).unwrap_or(u32::MAX);
        self.put(now, Record::Sent { job, target, instance, at: now.wall_ms() });
        if let Some(target) = self.jobs.get_mut(id).and_then(|job| job.target_mut(n)) {
            target.wire.sent = Some(now.mono);
        }
        self.write(id, n, link, true);
    }

    pub(super) fn write(&mut self, id: &str, n: usize, link: &Link, first: bool) {
        let Some(target) = self.jobs.get_mut(id).and_then(|job| job.target_mut(n)) else { return };
        target.wire.again += u32::from(!first);
        target.wire.retry = None;
        target.wire.connection = link.connection;
        let (vm, connection) = (target.name.clone(), link.connection);
        let id = wire_id(id, &vm, n);
        self.effects.push(Effect::Send { vm, id, connection, first });
    }

    /// Looks at each command of a job that is with a guest.
    fn follow(&mut self, now: Now, id: &str, view: &impl View) {
        for n in self.jobs.get(id).map(Job::sent).unwrap_or_default() {
            self.follow_one(now, id, n, view);
        }
    }

    fn follow_one(&mut self, now: Now, id: &str, n: usize, view: &impl View) {
        let Some(target) = self.jobs.get_mut(id).and_then(|job| job.target_mut(n)) else { return };
        if !matches!(target.state, State::Sent { .. }) {
            return;
        }
        if now.mono >= target.wire.give_up {
            return self.unheard(now, id, n, "no answer came in its time");
        }
        match view.presence(&target.name) {
            Presence::There { link, .. } => {
                self.reconcile(now, id, n, &link);
                self.ask_for_the_end(id, n, &link);
            }
            // If it comes back, the numbers of its connections begin anew.
            Presence::Absent => target.wire.connection = 0,
            Presence::Away => {}
        }
    }

    /// Nothing more will be heard of a command.
    pub(super) fn unheard(&mut self, now: Now, id: &str, n: usize, text: &str) {
        let Some(job) = self.jobs.get(id) else { return };
        let outcome = if job.accepted.change { Outcome::Unknown } else { Outcome::Expired };
        self.end(now, id, n, outcome, Some(text.to_owned()));
    }

    /// The machine is on another connection than its command was written to: the same id is sent again only to the same
    /// process, and only while that certainly remembers what it has answered.
    fn reconcile(&mut self, now: Now, id: &str, n: usize, link: &Link) {
        let Some(job) = self.jobs.get_mut(id) else { return };
        let (change, cancelled) = (job.accepted.change, job.cancelled().is_some());
        let until = job.until;
        let Some(target) = job.target_mut(n) else { return };
        let is_due = target.wire.retry.is_some_and(|at| at <= now.mono && now.mono < until);
        let State::Sent { instance, at } = &target.state else { return };
        let is_same = !instance.is_empty() && *instance == link.instance;
        // A machine that was booted anew has another agent on the same connection.
        if target.wire.connection == link.connection && !is_due && (is_same || instance.is_empty()) {
            return;
        }
        let remembers = unheard_for(now, target.wire.sent, *at, link) < link.window;
        if !is_same {
            return self.another_process(now, id, n, change);
        }
        target.wire.connection = link.connection;
        if remembers && !cancelled {
            self.write(id, n, link, false);
        }
    }

    fn another_process(&mut self, now: Now, id: &str, n: usize, change: bool) {
        if change {
            let text =
                "the agent was started anew before it answered: nobody knows whether it was carried out";
            self.end(now, id, n, Outcome::Unknown, Some(text.to_owned()));
        } else {
            self.back(now, id, n, None);
        }
    }

    /// In a cancelled job each command is asked to end, once on each connection.
    fn ask_for_the_end(&mut self, id: &str, n: usize, link: &Link) {
        let Some(job) = self.jobs.get_mut(id).filter(|job| job.cancelled().is_some()) else { return };
        let Some(target) = job.target_mut(n) else { return };
        let is_on_it = target.wire.connection == link.connection;
        let is_sent = matches!(target.state, State::Sent { .. });
        if is_sent && is_on_it && target.wire.cancelled_on != link.connection {
            target.wire.cancelled_on = link.connection;
            let (vm, connection) = (target.name.clone(), link.connection);
            let id = wire_id(id, &vm, n);
            self.effects.push(Effect::Cancel { vm, id, connection });
        }
    }

    /// A command's turn comes again, at once or later.
    pub(super) fn back(&mut self, now: Now, id: &str, n: usize, wait: Option<Duration>) {
        let target = u32::try_from(n).unwrap_or(u32::MAX);
        self.put(now, Record::Back { job: id.to_owned(), target, at: now.wall_ms() });
        if let (Some(job), Some(wait)) = (self.jobs.get_mut(id), wait) {
            job.ready.retain(|other| *other != n);
            job.held.push((now.mono + wait, n));
        }
    }

    pub(super) fn end(&mut self, now: Now, id: &str, n: usize, outcome: Outcome, text: Option<String>) {
        let target = u32::try_from(n).unwrap_or(u32::MAX);
        let (code, result, at) = (None, None, now.wall_ms());
        self.put(now, Record::Ended { job: id.to_owned(), target, outcome, code, text, result, at });
    }
}

/// For how long at most the guest may have had an answer that was lost.
pub(super) fn unheard_for(now: Now, sent: Option<Duration>, sent_at: u64, link: &Link) -> Duration {
    if let Some(sent) = sent {
        let heard = link.heard_before.unwrap_or_default().saturating_sub(MARGIN);
        return now.mono.saturating_sub(sent.max(heard));
    }
    // After a restart of the hub only the host's clock tells; if it was put back, it tells nothing.
    now.wall_ms().checked_sub(sent_at).map_or(Duration::MAX, Duration::from_millis)
}
