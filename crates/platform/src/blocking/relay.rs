//! One thread that says what threads without descriptors may not say themselves: waking the runtime is a write to a
//! descriptor, and so is a line of the log.

use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};

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
