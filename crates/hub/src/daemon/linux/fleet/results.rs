//! Results: what has ended in the ledger is told to the fleet, and told again until the engine has it.

use super::super::clock;
use super::super::job_turns::recorded;
use super::place::Place;
use super::trouble::Trouble;
use infiniservice_engine::Out;
use infiniservice_fleet::{TargetResult, message};
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
        state.outbox.start(&state.jobs.planner)
    };
    let mut trouble = Trouble::new(&place.hub, "publishing results");
    loop {
        match tell(place).await {
            Ok(0) => {
                trouble.fine();
                news.notified().await;
            }
            Ok(_) => {}
            Err(error) => {
                trouble.failed(&error);
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Tells the next ones, and how many these were.
async fn tell(place: &Place) -> Result<usize, String> {
    // Nothing is told that a loss of power could take back.
    all_recorded(place).await?;
    let next = {
        let mut state = place.hub.state.borrow_mut();
        let state = &mut *state;
        state.outbox.next(&place.name, &state.jobs.planner, MAX_ON_THE_WAY)
    };
    let (keys, results): (Vec<_>, Vec<_>) = next.into_iter().unzip();
    let done = place.engine.publish(results.iter().map(out).collect()).await;
    let told = done.iter().filter(|done| done.is_ok()).count();
    let failed = keys.into_iter().zip(&done).filter(|(_, done)| done.is_err()).map(|(key, _)| key);
    let waiting = {
        let mut state = place.hub.state.borrow_mut();
        state.outbox.back(failed.collect());
        state.outbox.len()
    };
    place.hub.engine(|engine| {
        engine.results += told as u64;
        engine.results_waiting = waiting as u64;
    });
    done.into_iter().find_map(Result::err).map_or(Ok(told), |error| Err(error.to_string()))
}

/// Waits until all that was decided is on the disk.
pub(super) async fn all_recorded(place: &Place) -> Result<(), String> {
    let (number, status) = {
        let mut state = place.hub.state.borrow_mut();
        let ((), number) = state.plan(clock::now(), |_, _| ());
        (number, state.jobs.status())
    };
    recorded(status, number).await
}

fn out(result: &TargetResult) -> Out {
    Out { subject: result.subject(), id: result.id(), payload: message::text(result).into_bytes() }
}

/// Tells results of machines for which there is no job, or tells some again.
///
/// # Errors
/// Where the engine does not have all of them.
pub(super) async fn publish(place: &Place, results: &[TargetResult]) -> Result<(), String> {
    for some in results.chunks(MAX_ON_THE_WAY) {
        let done = place.engine.publish(some.iter().map(out).collect()).await;
        if let Some(error) = done.into_iter().find_map(Result::err) {
            return Err(error.to_string());
        }
        place.hub.engine(|engine| engine.results += some.len() as u64);
    }
    Ok(())
}
