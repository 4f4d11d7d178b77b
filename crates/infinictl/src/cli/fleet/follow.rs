//! Following a job of a fleet until each machine has its outcome, over every loss of the engine; meanwhile the order is kept
//! there: an engine that lost power may have forgotten it.

use super::now;
use crate::cli::error::CliError;
use crate::cli::hub::job::{bar, show};
use crate::cli::output::Output;
use crate::fleet::{Followed, machine};
use crate::text::sanitize;
use indicatif::ProgressBar;
use infiniservice_engine::{Engine, Error, Reader, Watch};
use infiniservice_fleet::message::text;
use infiniservice_fleet::subject::{JOBS, JobKey, RESULTS, job_key, results_of};
use infiniservice_fleet::{Order, Progress, Signed};
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

/// How often is looked whether the order is still there.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// From a lost connection to the next try.
const AGAIN: Duration = Duration::from_secs(1);
/// How long results may take to come after the coordinator has counted them.
const RESULTS_WITHIN: Duration = Duration::from_secs(15);
/// How long after the job's last moment somebody must have taken it.
const TAKEN_WITHIN: Duration = Duration::from_secs(60);

/// When nobody has taken it for so long, what may be the matter is told.
const HINT_AFTER: Duration = Duration::from_secs(10);
/// What may be the matter.
const HINT: &str = "is there a hub with `coordinator = true` that can reach the server, and does it know your key \
                    ([[operator]])?";

/// What is followed.
pub(super) struct Following<'a> {
    pub engine: &'a Engine,
    pub order: &'a Order,
    pub signed: &'a Signed,
    pub out: Output,
}

/// Follows it to its end. With `--json`, each result is printed as it comes.
pub(super) async fn follow(following: &Following<'_>) -> Result<Followed, CliError> {
    let (engine, id) = (following.engine, &following.order.id);
    let progress = engine.watch(JOBS, &job_key(id, &JobKey::Progress)).await?;
    let results = engine.read(RESULTS, &results_of(id)).await?;
    let bar = bar();
    let begin = Instant::now();
    let job = Followed::default();
    let mut run = Run { following, progress, results, job, bar, last: begin, begin, hinted: false };
    let ended = run.until_the_end().await;
    run.bar.finish_and_clear();
    ended.map(|()| run.job)
}

struct Run<'a> {
    following: &'a Following<'a>,
    progress: Watch,
    results: Reader,
    job: Followed,
    bar: ProgressBar,
    /// When something was heard.
    last: Instant,
    begin: Instant,
    hinted: bool,
}

impl Run<'_> {
    async fn until_the_end(&mut self) -> Result<(), CliError> {
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !self.is_over() {
            let heard = tokio::select! {
                entry = self.progress.next() => entry.map(|entry| {
                    self.job.take_progress(entry.value.as_deref().unwrap_or_default());
                }),
                stored = self.results.next() => match stored {
                    Ok(stored) => { self.result(&stored.subject, &stored.payload)?; Ok(()) }
                    Err(error) => Err(error),
                },
                _ = looks.tick() => {
                    self.look().await?;
                    continue;
                }
            };
            match heard {
                Ok(()) => self.heard(),
                Err(error) => self.away(&error).await,
            }
        }
        Ok(())
    }

    /// Whether all has come; or what is missing comes no more.
    fn is_over(&self) -> bool {
        self.job.is_complete() || (self.job.is_finished() && self.last.elapsed() > RESULTS_WITHIN)
    }

    fn result(&mut self, subject: &str, payload: &[u8]) -> Result<(), CliError> {
        let Some(result) = self.job.take_result(subject, payload) else { return Ok(()) };
        if !self.following.out.json {
            return Ok(());
        }
        let mut document = machine(result);
        document["type"] = "result".into();
        self.following.out.document(&document.to_string())
    }

    fn heard(&mut self) {
        self.last = Instant::now();
        let document = self.job.document(self.following.order);
        self.bar.set_length(document["targets"].as_u64().unwrap_or(0));
        self.bar.set_position(show::ended(&document));
        let stage = self.job.progress().map(stage).unwrap_or_default();
        self.bar.set_message(format!("{stage}{}", show::counts(&document)));
    }

    async fn away(&self, error: &Error) {
        let why = sanitize::brief(&error.to_string());
        self.bar.set_message(format!(
            "the fleet's server is unreachable; the job continues when it is back ({why})"
        ));
        sleep(AGAIN).await;
    }

    /// The order is to be there, and somebody is to have taken it in time.
    async fn look(&mut self) -> Result<(), CliError> {
        if self.job.is_finished() {
            return Ok(());
        }
        let order = self.following.order;
        if self.job.progress().is_none() {
            let latest = Duration::from_millis(order.not_after_ms) + TAKEN_WITHIN;
            if Duration::from_millis(now().wall_ms()) > latest {
                let text = format!("no coordinator took the job {} in its time: {HINT}", order.id);
                return Err(CliError::TimedOut(text));
            }
            if !self.hinted && self.begin.elapsed() > HINT_AFTER {
                self.hinted = true;
                self.bar.suspend(|| eprintln!("infinictl: no coordinator has taken the job yet: {HINT}"));
            }
            self.bar.set_message("no coordinator has taken the job yet");
        }
        if let Err(error) = self.keep().await {
            self.away(&error).await;
        }
        Ok(())
    }

    /// Gives the order again where the engine has lost it.
    async fn keep(&self) -> Result<(), Error> {
        let (engine, key) = (self.following.engine, job_key(&self.following.order.id, &JobKey::Order));
        if engine.get(JOBS, &key).await?.is_some() {
            return Ok(());
        }
        match engine.create(JOBS, &key, text(self.following.signed).into_bytes()).await {
            Ok(_) => {
                eprintln!(
                    "infinictl: the fleet's server had lost the job's order; infinictl has submitted it again"
                );
            }
            // Somebody else gave it.
            Err(Error::Conflict(_)) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// What a job is at, in a word, with its wave.
fn stage(progress: &Progress) -> String {
    let state = serde_json::to_value(progress.state).unwrap_or_default();
    let state = state.as_str().unwrap_or_default();
    if progress.waves > 1 {
        return format!("{state}, wave {} of {}: ", progress.wave + 1, progress.waves);
    }
    format!("{state}: ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use infiniservice_engine::{Layout, Memory, Out};
    use infiniservice_fleet::{OperatorKey, TargetResult};
    use serde_json::{Value, json};

    async fn engine() -> Engine {
        let engine = Engine::in_memory(&Memory::new());
        engine.set_up(&Layout::of_fleet(1)).await.unwrap();
        engine
    }

    fn order(now_ms: u64) -> (Order, Signed) {
        let order: Order =
            serde_json::from_value(json!({"id": "j", "at_ms": now_ms, "not_after_ms": now_ms + 60_000,
            "vms": "all", "message": {"type": "UnsafeCommand", "raw_command": "id"}, "max_concurrency": 5,
            "operator": "alice"}))
            .unwrap();
        let signed = Signed::order(&order, &OperatorKey::generate([1; 32]));
        (order, signed)
    }

    async fn tell(engine: &Engine, state: &str, targets: u32) {
        let counts = json!({"accepted": 0, "sent": 0, "answered": targets, "refused": 0, "failed": 0, "expired": 0,
            "unknown": 0, "skipped": 0, "absent": 0});
        let progress = json!({"id": "j", "state": state, "wave": 1, "waves": 2, "targets": targets, "counts": counts,
            "stopped_by_failures": false, "coordinator": "host-1/a", "at_ms": 1});
        engine.put(JOBS, &job_key("j", &JobKey::Progress), progress.to_string().into_bytes()).await.unwrap();
    }

    async fn answer(engine: &Engine, vm: &str) {
        let result: TargetResult =
            serde_json::from_value::<TargetResult>(json!({"job": "j", "hub": "host-1", "vm": vm,
            "outcome": "answered", "ended_at_ms": 1, "wave": 0}))
            .unwrap();
        let payload = text(&result).into_bytes();
        engine.publish_one(Out { subject: result.subject(), id: result.id(), payload }).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_is_followed_until_each_result_has_come_and_its_order_is_kept_meanwhile() {
        let engine = engine().await;
        let (order, signed) = order(now().wall_ms());
        let following = Following { engine: &engine, order: &order, signed: &signed, out: Output::default() };
        let others = async {
            // Nobody put the order there: as if the engine had lost it.
            let mut orders = engine.watch(JOBS, "*.order").await.unwrap();
            let entry = orders.next().await.unwrap();
            assert_eq!(serde_json::from_slice::<Signed>(&entry.value.unwrap()).unwrap(), signed);
            answer(&engine, "a").await;
            tell(&engine, "finished", 2).await;
            answer(&engine, "b").await;
        };
        let (job, ()) = tokio::join!(follow(&following), others);
        let job = job.unwrap();
        assert!(job.is_complete() && job.is_done_everywhere());
        let counts: Value = job.whole(&order)["counts"].clone();
        assert_eq!(counts, json!({"answered": 2}));
    }

    #[tokio::test(start_paused = true)]
    async fn results_that_never_come_are_not_waited_for_for_ever() {
        let engine = engine().await;
        let (order, signed) = order(now().wall_ms());
        let following = Following { engine: &engine, order: &order, signed: &signed, out: Output::default() };
        tell(&engine, "finished", 2).await;
        answer(&engine, "a").await;
        let job = follow(&following).await.unwrap();
        assert!(job.is_finished() && !job.is_complete());
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_that_nobody_took_in_its_time_is_told_so() {
        let engine = engine().await;
        let (order, signed) = order(now().wall_ms() - 60_000 - 61_000);
        let following = Following { engine: &engine, order: &order, signed: &signed, out: Output::default() };
        let error = follow(&following).await.unwrap_err();
        assert!(
            matches!(&error, CliError::TimedOut(text) if text.contains("coordinator = true")),
            "{error:?}"
        );
    }

    #[test]
    fn a_stage_is_told_with_its_wave() {
        let progress = |waves| -> Progress {
            serde_json::from_value(json!({"id": "j", "state": "running", "wave": 1, "waves": waves, "targets": 0,
                "counts": {"accepted": 0, "sent": 0, "answered": 0, "refused": 0, "failed": 0, "expired": 0, "unknown": 0,
                "skipped": 0, "absent": 0}, "stopped_by_failures": false, "coordinator": "c", "at_ms": 1}))
            .unwrap()
        };
        assert_eq!(
            (stage(&progress(3)).as_str(), stage(&progress(1)).as_str()),
            ("running, wave 2 of 3: ", "running: ")
        );
    }
}
