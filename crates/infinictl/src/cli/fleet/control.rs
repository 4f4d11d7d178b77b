//! Pausing, resuming and cancelling a job of a fleet: a signed word, and what the coordinator says of it.

use super::{find, followed, now};
use crate::cli::error::CliError;
use crate::cli::global::Global;
use crate::cli::hub::job::show;
use crate::cli::operator_key;
use crate::cli::output::Output;
use crate::fleet::Followed;
use infiniservice_engine::Engine;
use infiniservice_fleet::message::{Stage, What, text};
use infiniservice_fleet::subject::{JOBS, JobKey, job_key};
use infiniservice_fleet::{Control, OperatorKey, Order, Progress, Signed};
use std::time::Duration;
use tokio::time::timeout;

/// How long a coordinator may take to heed it before this command ends.
const HEEDED_WITHIN: Duration = Duration::from_secs(10);

/// Sends it, and waits a moment for its effect.
pub(super) async fn send(global: &Global, id: &str, what: What, out: Output) -> Result<(), CliError> {
    let key = operator_key::read(&global.fleet.key()?)?;
    let (engine, operator) = (global.engine().await?, global.fleet.operator()?);
    let (order, _) = find(&engine, id).await?;
    let mut job = followed(&engine, id).await?;
    if job.is_finished() {
        return Err(CliError::Failed(format!("the job {id} has already finished")));
    }
    order_it(&engine, &order, what, &operator, &key).await?;
    let heeded = timeout(HEEDED_WITHIN, heeded(&engine, id, what, &mut job)).await;
    if out.json {
        out.document(&job.document(&order).to_string())?;
    } else {
        out.text(&show::summary(&job.document(&order)))?;
    }
    match heeded {
        Ok(heeded) => heeded,
        Err(_elapsed) => Err(CliError::TimedOut(format!(
            "no coordinator has acted on it within {} s; it is stored and takes effect as soon as one does: infinictl \
             job show {id}",
            HEEDED_WITHIN.as_secs()
        ))),
    }
}

/// Writes it where coordinators look; it counts after all that came before.
async fn order_it(
    engine: &Engine,
    order: &Order,
    what: What,
    operator: &str,
    key: &OperatorKey,
) -> Result<(), CliError> {
    let place = job_key(&order.id, &JobKey::Control);
    let last = engine.get(JOBS, &place).await?;
    let last = last.and_then(|entry| {
        let signed: Signed = serde_json::from_slice(entry.value.as_deref()?).ok()?;
        serde_json::from_str::<Control>(&signed.body).ok()
    });
    let at_ms = now().wall_ms();
    let number = last.map_or(at_ms, |last| at_ms.max(last.number.saturating_add(1)));
    let control = Control { job: order.id.clone(), at_ms, number, what, operator: operator.to_owned() };
    control.check(now()).map_err(|it| CliError::Usage(it.error))?;
    engine.put(JOBS, &place, text(&Signed::control(&control, key)).into_bytes()).await?;
    Ok(())
}

async fn heeded(engine: &Engine, id: &str, what: What, job: &mut Followed) -> Result<(), CliError> {
    let mut progress = engine.watch(JOBS, &job_key(id, &JobKey::Progress)).await?;
    while !job.progress().is_some_and(|progress| is_so(progress, what)) {
        let entry = progress.next().await?;
        job.take_progress(entry.value.as_deref().unwrap_or_default());
    }
    Ok(())
}

fn is_so(progress: &Progress, what: What) -> bool {
    match what {
        What::Pause => matches!(progress.state, Stage::Paused | Stage::Finished),
        What::Resume => progress.state != Stage::Paused,
        What::Cancel => progress.cancelled_by.is_some() || progress.state == Stage::Finished,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use infiniservice_engine::{Layout, Memory};
    use infiniservice_fleet::Keys;
    use serde_json::json;

    fn order() -> Order {
        serde_json::from_value(json!({"id": "j", "at_ms": 1, "not_after_ms": 2, "vms": "all", "message": {},
            "max_concurrency": 1, "operator": "alice"}))
        .unwrap()
    }

    async fn written(engine: &Engine) -> Signed {
        let entry = engine.get(JOBS, &job_key("j", &JobKey::Control)).await.unwrap().unwrap();
        serde_json::from_slice(&entry.value.unwrap()).unwrap()
    }

    #[tokio::test]
    async fn a_later_word_has_a_higher_number_and_hubs_believe_it() {
        let engine = Engine::in_memory(&Memory::new());
        engine.set_up(&Layout::of_fleet(1)).await.unwrap();
        let key = OperatorKey::generate([1; 32]);
        let keys = Keys::new([("alice", key.public().to_text().as_str())]).unwrap();
        let mut numbers = Vec::new();
        for what in [What::Pause, What::Resume, What::Cancel] {
            order_it(&engine, &order(), what, "alice", &key).await.unwrap();
            let control = keys.open_control(&written(&engine).await, now()).unwrap();
            assert_eq!(control.what, what);
            numbers.push(control.number);
        }
        assert!(numbers.is_sorted() && numbers[0] < numbers[1] && numbers[1] < numbers[2], "{numbers:?}");
    }

    #[test]
    fn each_word_has_its_effect() {
        let progress = |state, cancelled_by: Option<&str>| -> Progress {
            serde_json::from_value(json!({"id": "j", "state": state, "wave": 0, "waves": 1, "targets": 0,
                "counts": {"accepted": 0, "sent": 0, "answered": 0, "refused": 0, "failed": 0, "expired": 0, "unknown": 0,
                "skipped": 0, "absent": 0}, "cancelled_by": cancelled_by, "stopped_by_failures": false, "coordinator": "c",
                "at_ms": 1}))
            .unwrap()
        };
        assert!(
            is_so(&progress("paused", None), What::Pause) && !is_so(&progress("running", None), What::Pause)
        );
        assert!(
            is_so(&progress("running", None), What::Resume)
                && !is_so(&progress("paused", None), What::Resume)
        );
        assert!(is_so(&progress("running", Some("alice")), What::Cancel));
        assert!(!is_so(&progress("running", None), What::Cancel));
    }
}
