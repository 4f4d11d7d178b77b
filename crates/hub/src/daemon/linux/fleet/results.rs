//! Results: what has ended in the ledger is told to the fleet, and told again until the engine has it.

use super::super::clock;
use super::super::job_turns::recorded;
use super::super::orders::order_of;
use super::place::Place;
use super::told;
use super::trouble::Trouble;
use infiniservice_engine::{Error, Out};
use infiniservice_fleet::{MAX_RESULT_BYTES, TargetResult, message};
use infiniservice_hub_core::job::{Job, Target};
use std::time::Duration;

/// Results that are on their way to the engine at one time.
const MAX_ON_THE_WAY: usize = 256;
/// The pause after an error.
const PAUSE: Duration = Duration::from_secs(1);

/// Tells results for as long as the hub runs.
pub(super) async fn run(place: &Place) {
    let news = {
        let mut state = place.hub.state.borrow_mut();
        let state = &mut *state;
        let parts = state.jobs.planner.jobs().filter(|job| order_of(job).is_some());
        parts.for_each(|job| state.orders.look_at(job.id()));
        state.orders.news()
    };
    let mut trouble = Trouble::new(&place.hub, "telling results");
    loop {
        let jobs = place.hub.state.borrow_mut().orders.take();
        if jobs.is_empty() {
            news.notified().await;
            continue;
        }
        for job in &jobs {
            while let Err(error) = tell(place, job).await {
                trouble.failed(&error);
                count_waiting(place);
                tokio::time::sleep(PAUSE).await;
            }
        }
        trouble.fine();
        count_waiting(place);
        save(place).await;
    }
}

/// Of a job that the engine may have lost, everything is told again.
pub(super) fn again(place: &Place, job: &str) {
    place.told.borrow_mut().forget(job);
    place.hub.state.borrow_mut().orders.look_at(job);
}

/// Tells what has ended of a job, and what ends meanwhile.
async fn tell(place: &Place, job: &str) -> Result<(), String> {
    loop {
        let (places, results, all) = due(place, job);
        if results.is_empty() {
            return Ok(());
        }
        // Nothing is told that a loss of power could take back.
        all_recorded(place).await?;
        let done = place.engine.publish(results.iter().map(out).collect()).await;
        let told = places.into_iter().zip(&done).filter(|(_, done)| done.is_ok()).map(|(n, _)| n);
        let told: Vec<_> = told.collect();
        place.told.borrow_mut().note(job, all, &told);
        place.hub.engine(|engine| engine.results += told.len() as u64);
        if let Some(error) = done.into_iter().find_map(Result::err) {
            return Err(error.to_string());
        }
    }
}

/// Waits until all that was decided is on the disk.
async fn all_recorded(place: &Place) -> Result<(), String> {
    let (number, status) = {
        let mut state = place.hub.state.borrow_mut();
        let ((), number) = state.plan(clock::now(), |_, _| ());
        (number, state.jobs.status())
    };
    recorded(status, number).await
}

/// Whether all that was decided is on the disk; it is waited for.
pub(super) async fn is_recorded(place: &Place) -> bool {
    all_recorded(place).await.is_ok()
}

/// The next results of a job that the engine does not have, their places in it, and how many machines it has.
fn due(place: &Place, id: &str) -> (Vec<usize>, Vec<TargetResult>, usize) {
    place.hub.look_at_jobs(|planner| {
        let Some(job) = planner.job(id) else { return (Vec::new(), Vec::new(), 0) };
        let told = place.told.borrow();
        let open = job.targets().iter().enumerate().filter(|(n, _)| !told.has(id, *n));
        let ended = open.filter_map(|(n, target)| Some((n, result(place, job, target)?)));
        let (places, results) = ended.take(MAX_ON_THE_WAY).unzip();
        (places, results, job.targets().len())
    })
}

fn result(place: &Place, job: &Job, target: &Target) -> Option<TargetResult> {
    let (order, wave) = order_of(job)?;
    let trace = job.accepted.message.get("traceparent").and_then(|it| it.as_str());
    Some(TargetResult {
        job: order.to_owned(),
        hub: place.name.clone(),
        vm: target.name.clone(),
        outcome: target.outcome()?,
        code: target.code.clone(),
        text: target.text.clone(),
        result: target.result.clone().filter(|result| result.len() <= MAX_RESULT_BYTES),
        started_at_ms: target.sent_at,
        ended_at_ms: target.ended_at?,
        wave,
        traceparent: trace.map(str::to_owned),
        coordinator: None,
    })
}

fn out(result: &TargetResult) -> Out {
    Out { subject: result.subject(), id: result.id(), payload: message::text(result).into_bytes() }
}

/// Tells results of machines for which there is no job; whether the engine has all of them.
pub(super) async fn publish(place: &Place, results: Vec<TargetResult>) -> bool {
    for some in results.chunks(MAX_ON_THE_WAY) {
        let done: Result<Vec<()>, Error> =
            place.engine.publish(some.iter().map(out).collect()).await.into_iter().collect();
        if let Err(error) = done {
            log::warn!("fleet: telling results: {error}");
            return false;
        }
        place.hub.engine(|engine| engine.results += some.len() as u64);
    }
    true
}

fn count_waiting(place: &Place) {
    let told = place.told.borrow();
    let waiting = place.hub.look_at_jobs(|planner| {
        let parts = planner.jobs().filter(|job| order_of(job).is_some());
        let open = |job: &Job| {
            let ended = job.targets().iter().enumerate().filter(|(_, target)| target.outcome().is_some());
            ended.filter(|(n, _)| !told.has(job.id(), *n)).count()
        };
        parts.map(open).sum::<usize>()
    });
    place.hub.engine(|engine| engine.results_waiting = waiting as u64);
}

async fn save(place: &Place) {
    let changed =
        place.hub.look_at_jobs(|planner| place.told.borrow_mut().changed(|job| planner.job(job).is_some()));
    let Some((path, text)) = changed else { return };
    let written = tokio::task::spawn_blocking(move || told::write(&path, &text)).await;
    if let Ok(Err(error)) = written {
        log::warn!("fleet: what was told is told again after a restart: {error}");
    }
}
