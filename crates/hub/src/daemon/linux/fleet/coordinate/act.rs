//! What the planner decides is done, in its order; commands that follow each other go together.

use super::feeds::News;
use super::lead::Lead;
use infiniservice_engine::{Error, Out};
use infiniservice_fleet::message::{Part, Stage};
use infiniservice_fleet::planner::{Effect, Told};
use infiniservice_fleet::subject::{self, JOBS, JobKey, job_key};
use infiniservice_fleet::{Ask, Plan, Progress, Reply, Signed, TargetResult, message, spans};
use std::time::Duration;

/// How long a hub may take for its answer; then it is asked again.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// Messages that are on their way to the engine at one time.
const MAX_ON_THE_WAY: usize = 512;

impl Lead {
    /// Does all that was decided. What fails is decided again, but for the coordinator's own word, which is kept.
    pub(super) async fn act(&mut self) -> Result<(), Error> {
        let (mut commands, mut done) = (Vec::new(), Ok(()));
        for effect in self.planner.take() {
            match effect {
                Effect::Publish(result) => self.unpublished.push(out(&result)),
                Effect::Tell(told) => tell(&told),
                _ if done.is_err() => {}
                Effect::Send { job, hub, command } => {
                    let (subject, id) = (subject::command(&hub), command.id(&job, &hub));
                    commands.push(Out { subject, id, payload: message::text(&command).into_bytes() });
                }
                Effect::Ask { job, hub, order } => self.ask(job, hub, order),
                Effect::MakePlan { plan, parts } => done = self.make_plan(plan, parts).await,
                Effect::Write(progress) => {
                    self.send(&mut commands).await;
                    done = self.write(progress).await;
                }
            }
        }
        self.send(&mut commands).await;
        self.publish().await;
        done
    }

    /// Sends commands. One that is lost is sent again by the planner.
    async fn send(&self, commands: &mut Vec<Out>) {
        while !commands.is_empty() {
            let some = commands.drain(..commands.len().min(MAX_ON_THE_WAY)).collect();
            if let Some(error) = self.engine.publish(some).await.into_iter().find_map(Result::err) {
                log::warn!("fleet: cannot send a command, will retry: {error}");
            }
        }
    }

    /// Asks a hub, without waiting for it.
    fn ask(&mut self, job: String, hub: String, order: Signed) {
        let (engine, news) = (self.engine.clone(), self.news.clone());
        let task = tokio::spawn(async move {
            let question = message::text(&Ask::Resolve { order }).into_bytes();
            let answer = engine.ask(&subject::ask(&hub), question, ANSWER_WITHIN).await;
            let reply = answer.map_err(|error| error.to_string());
            match reply.and_then(|it| Reply::read(&it, &hub).map_err(|error| error.to_string())) {
                // Where nobody listens any more, nobody wants it.
                Ok(reply) => drop(news.send(News::Answer(job, reply)).await),
                Err(error) => log::info!("fleet: no answer from {hub}, asking again: {error}"),
            }
        });
        self.tasks.push(task);
    }

    /// Makes what is missing of a plan; the one that stands then counts, whoever made it.
    async fn make_plan(&mut self, plan: Plan, parts: Vec<Part>) -> Result<(), Error> {
        for part in &parts {
            self.create(&job_key(&plan.job, &JobKey::Part(part.hub.clone())), message::text(part)).await?;
        }
        self.create(&job_key(&plan.job, &JobKey::Plan), message::text(&plan)).await?;
        match self.plan(&plan.job).await? {
            Some((plan, parts)) => self.planned(&plan, parts).await,
            None => Ok(()),
        }
    }

    /// Makes an entry where there is none.
    async fn create(&self, key: &str, text: String) -> Result<(), Error> {
        match self.engine.create(JOBS, key, text.into_bytes()).await {
            Ok(_) | Err(Error::Conflict(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Tells the coordinator's own word about machines; what cannot be told now is told later.
    async fn publish(&mut self) {
        while !self.unpublished.is_empty() {
            let most = self.unpublished.len().min(MAX_ON_THE_WAY);
            let some: Vec<_> = self.unpublished.drain(..most).collect();
            let done = self.engine.publish(some.clone()).await;
            let failed: Vec<_> =
                some.into_iter().zip(&done).filter(|(_, done)| done.is_err()).map(|(out, _)| out).collect();
            if let Some(error) = done.into_iter().find_map(Result::err) {
                log::warn!("fleet: cannot publish results, will retry: {error}");
                self.unpublished.extend(failed);
                return;
            }
        }
    }

    /// Writes how far a job is. Where another coordinator did so meanwhile, this one is none any more.
    async fn write(&mut self, progress: Progress) -> Result<(), Error> {
        self.publish().await;
        let is_finished = progress.state == Stage::Finished;
        if is_finished && !self.unpublished.is_empty() {
            return Ok(());
        }
        let (job, key) = (progress.id.clone(), job_key(&progress.id, &JobKey::Progress));
        let value = message::text(&progress).into_bytes();
        let revision = self.progress.get(&job).copied().unwrap_or_default();
        let written = match self.engine.update(JOBS, &key, value.clone(), revision).await {
            // It may have been written before, and only the answer was lost.
            Err(Error::Conflict(what)) => match self.own_progress(&job).await? {
                Some(revision) => self.engine.update(JOBS, &key, value, revision).await,
                None => Err(Error::Conflict(what)),
            },
            other => other,
        };
        self.progress.insert(job.clone(), written?);
        if is_finished {
            log::info!("fleet: job {job} has finished: {} machines", progress.targets);
            self.span(&progress);
            self.planner.forget(&job);
            self.readers.remove(&job);
            self.progress.remove(&job);
        }
        Ok(())
    }
}

impl Lead {
    /// Tells the trace of a job that it has ended. Nothing waits for whoever takes spans.
    fn span(&self, last: &Progress) {
        let job = self.planner.job(&last.id);
        let span = job.and_then(|job| spans::of_order(&job.opened().order, last));
        if let Some(span) = span
            && self.spans.try_send(span).is_err()
        {
            log::debug!("fleet: the span of job {} is lost: too many wait for the hub", last.id);
        }
    }
}

fn out(result: &TargetResult) -> Out {
    Out { subject: result.subject(), id: result.id(), payload: message::text(result).into_bytes() }
}

fn tell(told: &Told) {
    match told {
        Told::OtherResult { job, hub, vm, first, second } => log::warn!(
            "fleet: {hub} reported {vm} in {job} as {}, and later as {}",
            first.name(),
            second.name()
        ),
        Told::NoTarget { job, hub, vm } => {
            log::warn!("fleet: {hub} sent a result for {vm}, which is none of its machines in {job}");
        }
    }
}
