//! Starting one thread of the pool; and the one thread that says what threads without descriptors may not say themselves: waking
//! the runtime is a write to a descriptor, and so is a line of the log.

use super::out::{Blocked, Place, Ticket};
use super::{Lane, own_table};
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};

/// Runs `work` in a detached thread that takes a place for as long as it is out.
pub(super) fn launch(
    lane: Lane,
    what: &str,
    work: impl FnOnce() + Send + 'static,
) -> Result<Ticket, Blocked> {
    let place = Place::take(lane, what)?;
    prepare();
    let ticket = place.ticket();
    let thread = std::thread::Builder::new().name(lane.thread_name().into()).stack_size(lane.stack_bytes());
    let started = thread.spawn(move || {
        // Dropped last, and also when the work panics.
        let _place = place;
        if lane.has_own_table() {
            own_table::take();
        }
        work();
    });
    match started {
        Ok(_detached) => Ok(ticket),
        Err(source) => Err(Blocked::NoThread { what: what.to_owned(), source }),
    }
}

type Errand = Box<dyn FnOnce() + Send>;

/// The sender's channel holds at most some errands of each thread of the pool, which is bounded.
static RELAY: OnceLock<Option<Sender<Errand>>> = OnceLock::new();

/// Runs a short errand in the relay's thread; here where there is none.
pub(super) fn hand(errand: impl FnOnce() + Send + 'static) {
    match RELAY.get_or_init(begin) {
        // The relay never ends.
        Some(relay) => drop(relay.send(Box::new(errand))),
        None => errand(),
    }
}

/// Starts the relay's thread, before a thread without descriptors would.
pub(super) fn prepare() {
    RELAY.get_or_init(begin);
}

fn begin() -> Option<Sender<Errand>> {
    let (relay, errands) = channel::<Errand>();
    let thread = std::thread::Builder::new().name("relay".into());
    let started = thread.spawn(move || errands.into_iter().for_each(|errand| errand()));
    started.is_ok().then_some(relay)
}
