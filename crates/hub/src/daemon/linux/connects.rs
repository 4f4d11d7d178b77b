//! How many connections to guests begin in a second, and how many there may be at all.

use super::clock;
use infiniservice_hub_core::{Own, Pace};
use rustix::process::{Resource, getrlimit};
use std::cell::{Cell, RefCell};

/// Connections to guests that begin in a second.
const A_SECOND: u32 = 200;
/// Descriptors that are left for clients, the ledger and other files; of a low limit a quarter.
const RESERVED: u64 = 1024;

/// The connections of this run.
pub(super) struct Connects {
    pace: RefCell<Pace>,
    waiting: Cell<u64>,
    open: Cell<u64>,
    refused: Cell<u64>,
    kept: Cell<u64>,
    told: Cell<bool>,
}

/// A place for one connection, for as long as this lives.
pub(super) struct Place<'a>(&'a Connects);

impl Default for Connects {
    fn default() -> Self {
        let (waiting, open, refused, kept) = Default::default();
        Self { pace: RefCell::new(Pace::new(A_SECOND)), waiting, open, refused, kept, told: Cell::new(false) }
    }
}

impl Connects {
    /// Waits for a turn.
    pub(super) async fn turn(&self) {
        let now = clock::now().mono;
        let turn = self.pace.borrow_mut().turn(now);
        self.waiting.update(|waiting| waiting + 1);
        let _counted = Counted(&self.waiting);
        tokio::time::sleep(turn.saturating_sub(now)).await;
    }

    /// A place for one more.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) fn place(&self) -> Result<Place<'_>, String> {
        let max = max();
        if self.open.get() < max {
            self.open.update(|open| open + 1);
            self.told.set(false);
            return Ok(Place(self));
        }
        self.refused.update(|refused| refused + 1);
        let error = format!(
            "{max} machines are connected, as many as the limit of descriptors allows (LimitNOFILE of the unit)"
        );
        if !self.told.replace(true) {
            log::error!("{error}; the others wait");
        }
        Err(error)
    }

    /// A connection was taken over from another hub.
    pub(super) fn took_over(&self) {
        self.kept.update(|kept| kept + 1);
    }

    /// Tells its figures.
    pub(super) fn tell(&self, own: &mut Own) {
        own.connections_max = max();
        own.connections = self.open.get();
        own.connects_waiting = self.waiting.get();
        own.connects_refused = self.refused.get();
        own.connections_kept = self.kept.get();
    }
}

/// The limit may be changed while the hub runs (`prlimit(1)`).
fn max() -> u64 {
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    limit - RESERVED.min(limit / 4)
}

struct Counted<'a>(&'a Cell<u64>);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.update(|count| count.saturating_sub(1));
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.open.update(|open| open.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Future as _;

    #[test]
    fn places_are_given_back_and_what_is_refused_is_counted() {
        let connects = Connects::default();
        let place = connects.place().unwrap_or_else(|error| panic!("{error}"));
        let mut own = Own::default();
        connects.tell(&mut own);
        assert_eq!((own.connections, own.connections_max), (1, max()));
        connects.open.set(max());
        assert!(connects.place().is_err_and(|error| error.contains("LimitNOFILE")));
        drop(place);
        connects.tell(&mut own);
        assert_eq!((own.connections, own.connects_refused), (max() - 1, 1));
    }

    #[tokio::test]
    async fn who_gives_up_waiting_waits_no_more() {
        let connects = Connects::default();
        let mut turns: Vec<_> = (0..1000).map(|_| Box::pin(connects.turn())).collect();
        for turn in &mut turns {
            let _first_look = std::future::poll_fn(|context| {
                std::task::Poll::Ready(turn.as_mut().poll(context).is_ready())
            })
            .await;
        }
        assert!(connects.waiting.get() > 900);
        drop(turns);
        assert_eq!(connects.waiting.get(), 0);
    }
}
