//! Starting one thread of the pool.

use super::lane::Lane;
use super::out::{Blocked, Place, Ticket};
use super::{own_table, relay};

/// Runs `work` in a detached thread that takes a place for as long as it is out.
pub(super) fn launch(
    lane: Lane,
    what: &str,
    work: impl FnOnce() + Send + 'static,
) -> Result<Ticket, Blocked> {
    let place = Place::take(lane, what)?;
    relay::prepare();
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
