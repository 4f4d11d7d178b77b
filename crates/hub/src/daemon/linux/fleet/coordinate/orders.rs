//! Orders and controls: only what an operator signed counts, and each job begins with all that is known of it.

use super::super::super::clock;
use super::feeds::{self, Tasks};
use super::lead::Lead;
use infiniservice_engine::{Entry, Error};
use infiniservice_fleet::message::{Part, Stage};
use infiniservice_fleet::sign::Opened;
use infiniservice_fleet::subject::{JOBS, JobKey, job_key, parse_job_key};
use infiniservice_fleet::{Plan, Progress, Signed, TargetResult, message};

/// Orders that wait for a place at one time; those beyond it are found by the next coordinator, or when they are written anew.
const MAX_WAITING: usize = 10_000;

impl Lead {
    /// Something of a job was written.
    pub(super) fn job(&mut self, entry: Entry) {
        let Some((job, what)) = parse_job_key(&entry.key) else { return };
        let signed = entry.value.and_then(|value| serde_json::from_slice::<Signed>(&value).ok());
        match (what, signed) {
            (JobKey::Order, Some(signed)) => self.order(&job, &signed),
            (JobKey::Control, Some(signed)) => {
                self.controls.insert(job.clone(), signed);
                self.control(&job);
            }
            _ => {}
        }
    }

    fn order(&mut self, job: &str, signed: &Signed) {
        if self.planner.job(job).is_some() || self.waiting.len() >= MAX_WAITING {
            return;
        }
        match self.rules.keys().open_past_order(signed, clock::now()) {
            Ok(opened) if opened.order.id == job => drop(self.waiting.insert(job.to_owned(), opened)),
            Ok(_) => log::warn!("fleet: the entry of order {job:.80} contains another order"),
            Err(refusal) => log::warn!("fleet: order {job:.80} is not carried out: {refusal}"),
        }
    }

    /// The newest control of a job, where its operator may: his own job, or one that a rule lets him end.
    fn control(&mut self, job: &str) {
        let Some(signed) = self.controls.get(job) else { return };
        let Some(running) = self.planner.job(job) else { return };
        let control = match self.rules.keys().open_control(signed, clock::now()) {
            Ok(control) if control.job == job => control,
            Ok(_) => return log::warn!("fleet: the control entry of {job:.80} belongs to another job"),
            Err(refusal) => return log::warn!("fleet: ignoring a control of {job:.80}: {refusal}"),
        };
        let own = running.opened().operator == control.operator;
        if let Err(why) = if own { Ok(()) } else { self.rules.may_cancel(&control.operator) } {
            return log::warn!("fleet: ignoring a control of {job}: {why}");
        }
        log::info!("fleet: {} requested {:?} for {job}", control.operator, control.what);
        self.planner.control(control, signed.clone());
    }

    /// Begins with orders that wait, as far as there are places.
    pub(super) async fn admit(&mut self) -> Result<(), Error> {
        while self.planner.has_room() {
            let Some((job, opened)) = self.waiting.pop_first() else { return Ok(()) };
            if let Err(error) = self.take(&job, &opened).await {
                self.waiting.insert(job, opened);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Takes an order, with all that is known of it; one that is finished is left alone.
    async fn take(&mut self, job: &str, opened: &Opened) -> Result<(), Error> {
        if !self.claim(job).await? {
            return Ok(());
        }
        let plan = match self.plan(job).await? {
            Some((plan, parts)) => Some((self.results(job).await?, plan, parts)),
            None => None,
        };
        log::info!("fleet: this hub now coordinates job {job} of {}", opened.operator);
        self.planner.order(clock::now(), opened.clone());
        self.control(job);
        if let Some((results, plan, parts)) = plan {
            self.planner.planned(clock::now(), &plan, parts, &results);
        }
        Ok(())
    }

    /// The results of a job that there are; those that follow are heard from then on.
    async fn results(&mut self, job: &str) -> Result<Vec<TargetResult>, Error> {
        let (results, task) = feeds::results(&self.engine, job, &self.news).await?;
        let mut tasks = Tasks::default();
        tasks.push(task);
        self.readers.insert(job.to_owned(), tasks);
        Ok(results)
    }

    /// Takes a job over, so that nothing counts any more that an earlier coordinator writes of it; false where it is finished.
    async fn claim(&mut self, job: &str) -> Result<bool, Error> {
        let key = job_key(job, &JobKey::Progress);
        let entry = self.engine.get(JOBS, &key).await?;
        let value = entry.as_ref().and_then(|entry| entry.value.as_deref());
        let last = value.and_then(|value| serde_json::from_slice::<Progress>(value).ok());
        if last.as_ref().is_some_and(|last| last.state == Stage::Finished) {
            return Ok(false);
        }
        let claim = message::text(&Progress::claim(clock::now(), job, &self.name, last)).into_bytes();
        let revision = match entry {
            Some(entry) => self.engine.update(JOBS, &key, claim, entry.revision).await?,
            None => self.engine.create(JOBS, &key, claim).await?,
        };
        self.progress.insert(job.to_owned(), revision);
        Ok(true)
    }

    /// The revision of a job's progress, where this coordinator wrote it.
    pub(super) async fn own_progress(&self, job: &str) -> Result<Option<u64>, Error> {
        let entry = self.engine.get(JOBS, &job_key(job, &JobKey::Progress)).await?;
        let of = |value: &[u8]| serde_json::from_slice::<Progress>(value).ok().map(|it| it.coordinator);
        let own = entry.filter(|entry| entry.value.as_deref().and_then(of).as_ref() == Some(&self.name));
        Ok(own.map(|entry| entry.revision))
    }

    /// A job's plan stands: with it come the results that there are, and those that follow.
    pub(super) async fn planned(&mut self, plan: &Plan, parts: Vec<Part>) -> Result<(), Error> {
        let results = self.results(&plan.job).await?;
        self.planner.planned(clock::now(), plan, parts, &results);
        Ok(())
    }

    /// The plan of a job, where there is one. A part that the engine has lost is told.
    pub(super) async fn plan(&self, job: &str) -> Result<Option<(Plan, Vec<Part>)>, Error> {
        let Some(plan) = self.value::<Plan>(&job_key(job, &JobKey::Plan)).await?.filter(|it| it.job == job)
        else {
            return Ok(None);
        };
        let mut parts = Vec::with_capacity(plan.hubs.len());
        for hub in &plan.hubs {
            let part = self.value::<Part>(&job_key(job, &JobKey::Part(hub.clone()))).await?;
            match part.filter(|part| part.hub == *hub) {
                Some(part) => parts.push(part),
                None => log::warn!(
                    "fleet: the engine has lost {hub:.80}'s part of the plan of {job}; its machines are not counted"
                ),
            }
        }
        Ok(Some((plan, parts)))
    }

    async fn value<T: serde::de::DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Error> {
        let value = self.engine.get(JOBS, key).await?.and_then(|entry| entry.value);
        Ok(value.and_then(|value| serde_json::from_slice(&value).ok()))
    }
}
