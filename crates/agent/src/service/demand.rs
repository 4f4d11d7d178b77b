//! Who waits for a collection. Pure.
//!
//! One collection runs at a time. Requests that come while one runs are answered together by the next, since the
//! running one may have measured before they were made.

/// Requests that may wait; beyond it the oldest is given up, as metrics never pile up.
const MAX_WAITING: usize = 64;

/// One who waits: the `id` of a `Metrics` request, or `None` for the schedule.
pub type RequestId = Option<String>;

/// Demand for collections.
#[derive(Debug, Default)]
pub struct Demand {
    running: Vec<RequestId>,
    waiting: Vec<RequestId>,
    in_flight: bool,
    given_up: RequestId,
}

impl Demand {
    /// Somebody wants metrics. Returns whether a collection is to be started now.
    #[must_use]
    pub fn want(&mut self, request: RequestId) -> bool {
        if !self.waiting.contains(&request) {
            if self.waiting.len() == MAX_WAITING {
                self.given_up = self.waiting.remove(0);
            }
            self.waiting.push(request);
        }
        self.start()
    }

    /// A host came: what the schedule wanted before is not for it, as its own collection follows.
    pub fn host_came(&mut self) {
        self.running.retain(Option::is_some);
    }

    /// The request that the last one crowded out, to be told so.
    pub fn given_up(&mut self) -> RequestId {
        self.given_up.take()
    }

    /// Whether a host's request has no answer yet.
    pub fn is_asked(&self) -> bool {
        self.running.iter().chain(&self.waiting).any(Option::is_some)
    }

    /// Nobody is served any more; those who asked, to be told so.
    pub fn give_up(&mut self) -> Vec<String> {
        self.running.drain(..).chain(self.waiting.drain(..)).flatten().collect()
    }

    /// The collection ended: who gets its result, and whether the next is to be started now.
    #[must_use]
    pub fn finished(&mut self) -> (Vec<RequestId>, bool) {
        self.in_flight = false;
        let served = std::mem::take(&mut self.running);
        let again = !self.waiting.is_empty() && self.start();
        (served, again)
    }

    fn start(&mut self) -> bool {
        if self.in_flight {
            return false;
        }
        self.in_flight = true;
        self.running = std::mem::take(&mut self.waiting);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: impl std::fmt::Display + Copy) -> RequestId {
        RequestId::from(text.to_string())
    }

    #[test]
    fn the_first_request_starts_a_collection_and_is_served_by_it() {
        let mut demand = Demand::default();
        assert!(demand.want(id("a")));
        assert_eq!(demand.finished(), (vec![id("a")], false));
    }

    #[test]
    fn requests_during_a_collection_share_the_next_one() {
        let mut demand = Demand::default();
        assert!(demand.want(None));
        assert!(!demand.want(id("a")));
        assert!(!demand.want(id("b")));
        assert!(!demand.want(None));
        assert_eq!(demand.finished(), (vec![None], true));
        assert_eq!(demand.finished(), (vec![id("a"), id("b"), None], false));
    }

    #[test]
    fn a_host_that_comes_during_a_collection_gets_one_message_and_those_who_asked_get_theirs() {
        let mut demand = Demand::default();
        assert!(demand.want(None), "the first sample, before there is a host");
        demand.host_came();
        assert!(!demand.want(None));
        assert_eq!(demand.finished(), (vec![], true));
        assert!(!demand.want(id("a")));
        assert_eq!(demand.finished(), (vec![None], true));
        demand.host_came();
        assert_eq!(demand.finished(), (vec![id("a")], false));
    }

    #[test]
    fn the_schedule_never_piles_up() {
        let mut demand = Demand::default();
        assert!(demand.want(None));
        for _ in 0..10 {
            assert!(!demand.want(None));
        }
        let _ = demand.finished();
        assert_eq!(demand.finished(), (vec![None], false));
    }

    #[test]
    fn at_the_end_those_who_asked_are_known_and_each_is_told_once() {
        let mut demand = Demand::default();
        let _ = demand.want(None);
        assert!(!demand.is_asked(), "the schedule does not wait for an answer");
        let _ = demand.want(id("a"));
        assert!(demand.is_asked());
        let _ = demand.finished();
        let _ = demand.want(id("b"));
        assert_eq!(demand.give_up(), ["a", "b"]);
        assert!(!demand.is_asked());
        assert_eq!(demand.finished(), (vec![], false));
    }

    #[test]
    fn a_flood_of_requests_is_bounded() {
        let mut demand = Demand::default();
        let _ = demand.want(None);
        let mut given_up = 0;
        for n in 0..1000 {
            let _ = demand.want(id(n));
            given_up += usize::from(demand.given_up().is_some());
        }
        assert_eq!(given_up, 1000 - MAX_WAITING);
        let _ = demand.finished();
        let (served, _) = demand.finished();
        assert_eq!((served.len(), served.last()), (MAX_WAITING, Some(&id(999))));
    }
}
