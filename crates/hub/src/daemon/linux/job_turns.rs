//! Jobs at work: what guests say goes to the planner, and what it decides goes to the ledger and then to the guests.

use super::clock;
use super::hub::{Hub, State};
use super::ledger::Status;
use super::peer::Actor;
use infiniservice_hub_core::audit::{Record, What};
use infiniservice_hub_core::job::{self, Effect, Job, NotTaken, Planner, Reply, Request};
use infiniservice_hub_core::policy::Ask;
use infiniservice_hub_core::request::Request as Line;
use infiniservice_hub_core::{Fleet, Which};
use infiniservice_protocol::clock::Now;
use infiniservice_protocol::{ErrorCode, Rejection};
use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;
use tokio::sync::watch;

/// A part of a fleet's order, as a job of this host.
pub(super) struct Part<'a> {
    /// Its id.
    pub(super) id: String,
    /// What.
    pub(super) request: Request,
    /// Over which machines.
    pub(super) targets: Vec<String>,
    /// The machines of the order's other parts.
    pub(super) before: &'a [String],
    /// Who cancels it before its turn comes, where none of its machines begins.
    pub(super) cancelled_by: Option<String>,
}

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
        self.outbox.recorded(&records, &self.jobs.planner);
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

    /// The ids of jobs' commands are the hub's: the answer to another command of that id would be taken for a job's.
    pub(super) fn of_a_job(&self, request: &Result<Line, Rejection>) -> Option<Rejection> {
        let Ok(Line::Command(command)) = request else { return None };
        let id = command.ids.iter().find(|id| self.jobs.planner.concerns(id))?.clone();
        let error = format!("the id {id:?} is that of a job's command; choose another one");
        let command_type = Some(command.what.clone());
        Some(Rejection { id: Some(id), command_type, ..Rejection::new(ErrorCode::DuplicateId, error) })
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
        let which = Which::parse(&request.vms);
        let which = which.map_err(|error| NotTaken::Wrong(job::Wrong { field: "vms".into(), error }))?;
        let targets = self.look(|fleet| which.select(fleet, now));
        self.start_on(actor, id, request, targets, None).await
    }

    /// Takes a part of a fleet's order over these machines, or gives more of them to the part that there is. The rules count
    /// those before them, too, which are of the same order.
    ///
    /// # Errors
    /// Why it is not taken.
    pub(super) async fn start_part(&self, actor: &Actor, part: Part<'_>) -> Result<String, NotTaken> {
        let Part { id, request, targets, before, cancelled_by } = part;
        self.start_on(actor, id, request, targets, Some((before, cancelled_by))).await
    }

    async fn start_on(
        &self,
        actor: &Actor,
        id: String,
        request: Request,
        targets: Vec<String>,
        part: Option<(&[String], Option<String>)>,
    ) -> Result<String, NotTaken> {
        let now = clock::now();
        let (before, cancelled_by) = part.map_or((None, None), |(before, by)| (Some(before), by));
        let name = actor.who.name();
        let (taken, number, status, is_new) = {
            let mut state = self.state.borrow_mut();
            let is_new = state.jobs.planner.job(&id).is_none();
            let grows = before.is_some() && !is_new;
            let selector = request.vms.clone();
            let ((taken, told), number) = state.plan(now, |planner, fleet| {
                let asked = Cell::new(None);
                let may = |ask: Ask<'_>| {
                    let vms = with_those_before(before, ask.vms);
                    let permit = self.policy.permit(fleet, now, actor, Ask { vms: &vms, ..ask });
                    let refused = Record::job_refused(now, actor.to_string(), &id, ask, &selector);
                    asked.set(Some(refused.by_rule(permit.clone().unwrap_or_default())));
                    permit.map(drop)
                };
                let who = job::Actor { name: &name, may: &may };
                let taken = match grows {
                    true => planner.extend(now, &id, who, targets, fleet),
                    false => planner.submit(now, &id, who, request, targets, fleet),
                };
                let told = decided(now, actor, taken.as_ref().copied(), asked.take());
                let taken = taken.map(drop);
                if let Some(by) = cancelled_by.as_ref().filter(|_| taken.is_ok()) {
                    planner.cancel(now, &id, by);
                }
                planner.turn(now, fleet);
                (taken, told)
            });
            // A repeated request starts nothing.
            told.filter(|told| is_new || told.is_failure()).into_iter().for_each(|it| state.trail.record(it));
            (taken, number, state.jobs.status(), is_new)
        };
        taken?;
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

    /// Ends a job, which this rule allows; whether there is one.
    pub(super) fn cancel_job(&self, actor: &Actor, id: &str, rule: &str) -> bool {
        let now = clock::now();
        let name = actor.who.name();
        let mut state = self.state.borrow_mut();
        if let Some(job) = state.jobs.planner.job(id) {
            let record = Record::of_job(now, What::JobCancelled, &actor.to_string(), job);
            state.trail.record(record.by_rule(rule.to_owned()));
        }
        let (found, _) = state.plan(now, |planner, fleet| {
            let found = planner.cancel(now, id, &name);
            planner.tick(now, fleet);
            found
        });
        found
    }

    /// Tells that somebody may not end a job.
    pub(super) fn cancel_refused(&self, actor: &Actor, id: &str, why: &str) {
        let record = Record::cancel_refused(clock::now(), actor.to_string(), id, why);
        self.state.borrow_mut().trail.record(record);
    }
}

/// The machines of a request and those before them, each once.
fn with_those_before(before: Option<&[String]>, vms: &[String]) -> Vec<String> {
    let all: BTreeSet<_> = before.unwrap_or_default().iter().chain(vms).collect();
    all.into_iter().cloned().collect()
}

/// What is told of a request for a job: that it is started, by which rule, or why it is not. `asked` is its refusal without the
/// reason, where it changes something.
fn decided(now: Now, actor: &Actor, taken: Result<&Job, &NotTaken>, asked: Option<Record>) -> Option<Record> {
    match (taken, asked) {
        (Ok(job), asked) => {
            let started = Record::of_job(now, What::JobStarted, &actor.to_string(), job);
            Some(started.by_rule(asked.map(|asked| asked.rule).unwrap_or_default()))
        }
        (Err(NotTaken::NotAllowed(why) | NotTaken::Unavailable(why)), Some(asked)) => {
            Some(Record { why: why.clone(), ..asked })
        }
        (Err(_), _) => None,
    }
}

/// Waits until so many parts are on the disk.
pub(super) async fn recorded(status: Option<watch::Receiver<Status>>, number: u64) -> Result<(), String> {
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
