//! Figures of all machines as they come, for whoever watches the fleet. Nobody keeps them, and what is too much is left out.

use super::place::Place;
use super::trouble::Trouble;
use infiniservice_engine::live::Encoder;
use infiniservice_fleet::subject;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Lines that wait to be told.
const MAX_WAITING: usize = 1024;
/// After so many lines machines that are gone are forgotten.
const FORGET_EVERY: usize = 4096;

/// Tells figures for as long as the hub runs.
pub(super) async fn run(place: &Place) {
    let (sender, mut lines) = mpsc::channel(MAX_WAITING);
    place.hub.state.borrow_mut().live = Some(sender);
    let mut trouble = Trouble::new(&place.hub, "publishing live metrics");
    let mut encoders = HashMap::<Arc<str>, Encoder>::new();
    let mut count = 0_usize;
    while let Some((vm, line)) = lines.recv().await {
        count += 1;
        if count.is_multiple_of(FORGET_EVERY) {
            place.hub.look(|fleet| encoders.retain(|vm, _| fleet.get(vm).is_some()));
        }
        let message = encoders.entry(Arc::clone(&vm)).or_default().encode(&line);
        let told = match message {
            Ok(message) => place.engine.tell(&subject::metrics(&place.name, &vm), message).await,
            Err(error) => {
                trouble.failed(&error);
                continue;
            }
        };
        match told {
            Ok(()) => trouble.fine(),
            Err(error) => trouble.failed(&error),
        }
    }
}
