//! Figures of all machines as they come, for whoever watches the fleet. Nobody keeps them, and what is too much is left out.

use super::place::Place;
use super::trouble::Trouble;
use infiniservice_engine::Notes;
use infiniservice_engine::live::Encoder;
use infiniservice_fleet::subject;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Lines that wait to be told.
const MAX_WAITING: usize = 1024;
/// After so many lines machines that are gone are forgotten.
const FORGET_EVERY: usize = 4096;

/// The shortest time between two times when all lines are whole: they are several times as long.
const WHOLE_EVERY: Duration = Duration::from_secs(20);

/// Who begins to listen, and asks for whole lines.
struct Wishes {
    notes: Option<Notes>,
    granted: Option<Instant>,
}

impl Wishes {
    async fn new(place: &Place) -> Self {
        let notes = place.engine.listen(&subject::whole(&place.name)).await;
        // Without it a whole line comes now and then.
        let notes = notes.map_err(|error| log::warn!("fleet: whole lines cannot be asked for: {error}")).ok();
        Self { notes, granted: None }
    }

    /// The next wish that is granted.
    async fn next(&mut self) {
        loop {
            let note = match &mut self.notes {
                Some(notes) => notes.next().await,
                None => None,
            };
            if note.is_none() {
                return std::future::pending().await;
            }
            if self.granted.is_none_or(|at| at.elapsed() >= WHOLE_EVERY) {
                self.granted = Some(Instant::now());
                return;
            }
        }
    }
}

/// Tells figures for as long as the hub runs.
pub(super) async fn run(place: &Place) {
    let (sender, mut lines) = mpsc::channel(MAX_WAITING);
    place.hub.state.borrow_mut().live = Some(sender);
    let mut trouble = Trouble::new(&place.hub, "publishing live metrics");
    let mut encoders = HashMap::<Arc<str>, Encoder>::new();
    let mut count = 0_usize;
    let mut wishes = Wishes::new(place).await;
    loop {
        let next = tokio::select! {
            next = lines.recv() => next,
            () = wishes.next() => {
                encoders.values_mut().for_each(Encoder::begin_anew);
                continue;
            }
        };
        let Some((vm, line)) = next else { return };
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
