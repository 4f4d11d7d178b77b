//! What happens on this host, for the fleet. The engine keeps it for a week; what happens while it is away for long is lost to
//! the fleet, and is in this hub's own log.

use super::place::Place;
use super::trouble::Trouble;
use infiniservice_engine::Out;
use infiniservice_fleet::subject;
use serde_json::json;
use std::time::Duration;

/// Events that are on their way to the engine at one time.
const MAX_ON_THE_WAY: usize = 256;
/// The pause after an error.
const PAUSE: Duration = Duration::from_secs(1);

/// Tells events for as long as the hub runs.
pub(super) async fn run(place: &Place) {
    let mut trouble = Trouble::new(&place.hub, "telling events");
    let mut told = 0;
    loop {
        let happened = place.hub.happened.notified();
        let (seq, events) = next(place, told);
        if events.is_empty() {
            happened.await;
            continue;
        }
        match place.engine.publish(events).await.into_iter().find_map(Result::err) {
            None => {
                told = seq;
                trouble.fine();
            }
            Some(error) => {
                trouble.failed(&error);
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// The next events, and the number of the last of them.
fn next(place: &Place, after: u64) -> (u64, Vec<Out>) {
    place.hub.look(|fleet| {
        let mut last = after;
        let events = fleet.events.after(after).take(MAX_ON_THE_WAY).map(|event| {
            last = event.seq;
            let text = json!({"hub": place.name, "vm": &*event.vm, "kind": event.kind.name(),
                "at_ms": event.at.wall_ms(), "text": event.text});
            Out {
                subject: subject::event(&place.name, &event.vm, event.kind.name()),
                id: format!("{}/{}", place.hub.instance, event.seq),
                payload: text.to_string().into_bytes(),
            }
        });
        let events = events.collect();
        (last, events)
    })
}
