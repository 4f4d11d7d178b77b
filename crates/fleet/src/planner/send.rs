//! Which machines begin now, and what is sent to their hubs.

use super::job::{At, Job};
use super::run::{Run, State};
use super::{Effect, Turn};
use crate::message::{Command, What};
use crate::sign::Signed;
use std::collections::BTreeMap;
use std::time::Duration;

/// How long what comes to an end is collected before others begin.
const LINGER: Duration = Duration::from_millis(100);
/// Names of machines in one command, in bytes: with the order it stays below 1 MiB.
const MAX_NAMES_BYTES: usize = 128 << 10;
/// Machines of one command: a hub takes them as a job of its own.
const MAX_TARGETS: usize = 5000;

impl Job {
    pub(super) fn send(&mut self, turn: &mut Turn<'_>) {
        let cancel = self.control.as_ref().filter(|(control, _)| control.what == What::Cancel);
        let cancel = cancel.map(|(_, signed)| signed.clone());
        let is_paused = self.is(What::Pause);
        let is_begin_over = turn.now.mono >= self.until;
        let At::Running(run) = &mut self.at else { return };
        let mut out = Out { job: &self.opened.order.id, order: &self.opened.signed, cancel, turn };
        // Something that was lost might begin by that.
        if !is_paused || is_begin_over || out.cancel.is_some() {
            out.send_again(run);
        }
        if !is_paused && !is_begin_over && !run.stopped && out.cancel.is_none() {
            run.next_wave();
            out.begin(run);
        }
    }
}

/// What is sent for one job.
struct Out<'a, 'b> {
    job: &'a str,
    order: &'a Signed,
    cancel: Option<Signed>,
    turn: &'a mut Turn<'b>,
}

impl Out<'_, '_> {
    /// To hubs whose machines are not heard. A hub begins nothing twice, and says again how a machine ended.
    fn send_again(&mut self, run: &mut Run) {
        for place in 0..run.hubs.len() {
            let Some(hub) = run.hubs.get_mut(place).filter(|hub| hub.open > 0) else { continue };
            if !hub.is_due(self.turn.now.mono) {
                continue;
            }
            let (name, rows) = (hub.name.clone(), hub.rows.iter());
            let is_sent = |n: &&u32| run.states.get(**n as usize) == Some(&State::Sent);
            let rows: Vec<u32> = rows.filter(is_sent).copied().collect();
            if let Some(control) = self.cancel.clone() {
                self.command(&name, run, |job, coordinator, batch| {
                    let (job, coordinator) = (job.to_owned(), coordinator.to_owned());
                    Command::Cancel { job, control, batch, coordinator }
                });
            }
            self.run(&name, run, &rows);
        }
    }

    /// As many as may run.
    fn begin(&mut self, run: &mut Run) {
        let now = self.turn.now.mono;
        if run.counts.sent > 0 && now < run.send_at {
            return;
        }
        let mut by_hub = BTreeMap::<usize, Vec<u32>>::new();
        while let Some(n) = run.next() {
            let Some(row) = run.layout.rows.get(n as usize) else { continue };
            let place = row.hub as usize;
            if let Some(hub) = run.hubs.get_mut(place) {
                hub.sent(now);
            }
            run.set(n, State::Sent);
            by_hub.entry(place).or_default().push(n);
        }
        if !by_hub.is_empty() {
            run.send_at = now + LINGER;
        }
        for (place, rows) in by_hub {
            let name = run.hubs.get(place).map(|hub| hub.name.clone()).unwrap_or_default();
            self.run(&name, run, &rows);
        }
    }

    fn run(&mut self, hub: &str, run: &mut Run, rows: &[u32]) {
        let mut start = 0;
        while let Some(rest) = rows.get(start..).filter(|rest| !rest.is_empty()) {
            let (targets, wave) = run.fitting(rest);
            start += targets.len().max(1);
            let close = run.stopped;
            let order = self.order.clone();
            self.command(hub, run, |_, coordinator, batch| {
                let coordinator = coordinator.to_owned();
                Command::Run { order, wave, batch, targets, close, coordinator }
            });
        }
    }

    fn command(&mut self, hub: &str, run: &mut Run, make: impl FnOnce(&str, &str, u32) -> Command) {
        run.batch += 1;
        let command = make(self.job, self.turn.coordinator, run.batch);
        self.turn.effects.push(Effect::Send { job: self.job.to_owned(), hub: hub.to_owned(), command });
    }
}

impl Run {
    /// The wave whose machines may begin: the first that has not ended.
    fn next_wave(&mut self) {
        while self.open.get(self.wave) == Some(&0) && self.wave + 1 < self.open.len() {
            self.wave += 1;
        }
    }

    /// The next machine that may begin, in the plan's order.
    fn next(&mut self) -> Option<u32> {
        let end = self.layout.waves.get(self.wave).map_or(0, |wave| wave.1);
        while self.counts.sent < self.max_concurrency {
            let n = match self.again.pop_first() {
                Some(n) => n,
                None if self.cursor < end => {
                    self.cursor += 1;
                    u32::try_from(self.cursor - 1).ok()?
                }
                None => return None,
            };
            if self.states.get(n as usize) != Some(&State::Waiting) {
                continue;
            }
            let hub = self.layout.rows.get(n as usize).and_then(|row| self.hubs.get_mut(row.hub as usize))?;
            if !hub.gone {
                return Some(n);
            }
            hub.parked.push(n);
        }
        None
    }

    /// As many of these as one command takes, of one wave.
    fn fitting(&self, rows: &[u32]) -> (Vec<String>, u32) {
        let mut rows = rows.iter().filter_map(|n| self.layout.rows.get(*n as usize)).peekable();
        let wave = rows.peek().map_or(0, |row| row.wave);
        let mut bytes = 0;
        let fits = |row: &&crate::layout::Row| {
            bytes += row.vm.len();
            row.wave == wave && bytes <= MAX_NAMES_BYTES
        };
        (rows.take_while(fits).take(MAX_TARGETS).map(|row| row.vm.clone()).collect(), wave)
    }
}
