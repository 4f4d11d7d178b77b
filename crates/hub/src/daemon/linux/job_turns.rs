//! Jobs at work: what guests say goes to the planner, and what it decides goes to the ledger and then to the guests.

use super::clock;
use super::hub::{Hub, State};
use super::ledger::Status;
use super::peer::Actor;
use infiniservice_hub_core::Fleet;
use infiniservice_hub_core::audit::{Record, What};
use infiniservice_hub_core::job::{self, Effect, NotTaken, Planner, Reply, Request};
use infiniservice_protocol::clock::Now;
use std::rc::Rc;
use tokio::sync::watch;

impl State {
    /// Lets the planner do something, records what comes of it, and writes what may be written.
    pub(super) fn plan<T>(&mut self, now: Now, act: impl FnOnce(&mut Planner, &Fleet) -> T) -> (T, u64) {
        let done = act(&mut self.jobs.planner, &self.fleet);
        let number = self.record_jobs(now);
        self.release(now);
        (done, number)
    }

    /// Records what was decided, and tells what has ended by it.
    fn record_jobs(&mut self, now: Now) -> u64 {
        let (number, records) = self.jobs.record();
        self.trail.jobs(now, &self.jobs.planner, &records);
        number
    }

    fn release(&mut self, now: Now) {
        while let Some(effect) = self.jobs.due() {
            let Some(line) = self.jobs.planner.line(&effect) else { continue };
            if !self.write_job(now, &effect, &line) {
                self.jobs.planner.not_written(now, &effect);
                self.record_jobs(now);
            }
        }
    }

    /// Whether it was written, whole.
    fn write_job(&mut self, now: Now, effect: &Effect, line: &str) -> bool {
        let (Effect::Send { vm, connection, .. } | Effect::Cancel { vm, connection, .. }) = effect;
        let offer = self.fleet.with(now, vm, |machine| (machine.offer_job(now, *connection, line), vec![]));
        offer.flatten().is_some_and(|write| self.write_signed(now, vm, write))
    }

    /// An answer of a guest, or its word who it is, may concern jobs.
    pub(super) fn heard(
        &mut self,
        now: Now,
        vm: &str,
        answered: Option<&str>,
        line: Option<&str>,
        introduced: bool,
    ) {
        if let Some(line) = line.filter(|_| answered.is_some_and(|id| self.jobs.planner.concerns(id))) {
            match Reply::read(line) {
                Ok(reply) => drop(self.plan(now, |planner, fleet| {
                    planner.answered(now, vm, &reply, fleet);
                    planner.turn(now, fleet);
                })),
                Err(error) => log::warn!("{vm}: an answer to a job's command cannot be read: {error}"),
            }
        }
        if introduced {
            self.plan(now, |planner, fleet| planner.greeted(now, vm, fleet));
        }
    }

    /// Time has passed.
    pub(super) fn tick_jobs(&mut self, now: Now) {
        self.plan(now, |planner, fleet| planner.tick(now, fleet));
        self.jobs.compact();
    }
}

/// Follows the ledger: what waited for the disk is done, and while that takes nothing, no job is taken.
pub(super) async fn follow(hub: Rc<Hub>) {
    let Some(mut status) = hub.state.borrow().jobs.status() else {
        return std::future::pending().await;
    };
    while status.changed().await.is_ok() {
        let error = status.borrow_and_update().error.clone();
        let (now, mut state) = (clock::now(), hub.state.borrow_mut());
        state.jobs.planner.close(error);
        state.release(now);
    }
}

impl Hub {
    /// Reads the jobs.
    pub(super) fn look_at_jobs<T>(&self, look: impl FnOnce(&Planner) -> T) -> T {
        look(&self.state.borrow().jobs.planner)
    }

    /// Takes a job, once it is on the disk.
    ///
    /// # Errors
    /// Why it is not taken.
    pub(super) async fn start_job(&self, actor: &Actor, request: Request) -> Result<String, NotTaken> {
        let now = clock::now();
        let id = request.id.clone().unwrap_or_else(|| new_id(now));
        let name = format!("uid {}", actor.uid);
        let (taken, number, status, is_new) = {
            let mut state = self.state.borrow_mut();
            let targets = job::targets(&state.fleet, &request.vms, now);
            let targets =
                targets.map_err(|error| NotTaken::Wrong(job::Wrong { field: "vms".into(), error }))?;
            let is_new = state.jobs.planner.job(&id).is_none();
            let who = job::Actor { name: &name, may_change: actor.may_change };
            let (taken, number) = state.plan(now, |planner, fleet| {
                let taken = planner.submit(now, &id, who, request, targets, fleet);
                let taken = taken.map(|job| Record::of_job(now, What::JobStarted, &actor.to_string(), job));
                planner.turn(now, fleet);
                taken
            });
            (taken, number, state.jobs.status(), is_new)
        };
        let record = taken?;
        self.state.borrow_mut().trail.record(record);
        match recorded(status, number).await {
            Ok(()) => Ok(id),
            Err(error) => {
                // A job that was there before goes on; only this request for it fails.
                if is_new {
                    self.state.borrow_mut().plan(now, |planner, _| planner.withdraw(now, &id));
                }
                Err(NotTaken::Unavailable(error))
            }
        }
    }

    /// Ends a job; whether there is one.
    pub(super) fn cancel_job(&self, actor: &Actor, id: &str) -> bool {
        let now = clock::now();
        let name = format!("uid {}", actor.uid);
        let mut state = self.state.borrow_mut();
        if let Some(job) = state.jobs.planner.job(id) {
            let record = Record::of_job(now, What::JobCancelled, &actor.to_string(), job);
            state.trail.record(record);
        }
        let (found, _) = state.plan(now, |planner, fleet| {
            let found = planner.cancel(now, id, &name);
            planner.tick(now, fleet);
            found
        });
        found
    }
}

/// Waits until so many parts are on the disk.
async fn recorded(status: Option<watch::Receiver<Status>>, number: u64) -> Result<(), String> {
    let Some(mut status) = status else { return Ok(()) };
    let is_told = |status: &Status| status.synced >= number || status.error.is_some();
    let told = status.wait_for(is_told).await.map_err(|_ended| "the hub is ending".to_owned())?;
    match &told.error {
        Some(error) if told.synced < number => Err(error.clone()),
        _ => Ok(()),
    }
}

/// Sorted by time, and never the same twice.
fn new_id(now: Now) -> String {
    let ms = now.wall_ms();
    format!("job-{:x}-{:06x}", ms / 1000, fastrand::u32(..0x0100_0000))
}
