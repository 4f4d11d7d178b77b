//! A command's end by its host's wish, and the point after which it cannot be ended any more. Of both only the first happens.

use tokio::sync::watch;

/// Where a command stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It may be ended.
    Open,
    /// A step has begun that must not be cut short.
    Committed,
    /// The host wants no more of it.
    Withdrawn,
}

/// One for each command, held by whoever may end it and by what runs it.
#[derive(Debug)]
pub struct Withdrawal(watch::Sender<State>);

impl Default for Withdrawal {
    fn default() -> Self {
        Self(watch::Sender::new(State::Open))
    }
}

impl Withdrawal {
    /// The host wants no more of it; `false` where it is too late.
    pub fn withdraw(&self) -> bool {
        self.become_first(State::Withdrawn)
    }

    /// A step begins that must not be cut short; `false` where the host wants no more of it.
    #[must_use]
    pub fn commit(&self) -> bool {
        self.become_first(State::Committed)
    }

    /// Whether such a step has begun.
    pub fn is_committed(&self) -> bool {
        *self.0.borrow() == State::Committed
    }

    /// Whether the host wants no more of it.
    #[cfg(test)]
    fn is_withdrawn(&self) -> bool {
        *self.0.borrow() == State::Withdrawn
    }

    /// Resolves when the host wants no more of it. Cancel safe.
    pub async fn withdrawn(&self) {
        let mut state = self.0.subscribe();
        // It is there as long as its sender, which is this.
        let _state = state.wait_for(|state| *state == State::Withdrawn).await;
    }

    fn become_first(&self, wanted: State) -> bool {
        self.0.send_if_modified(|state| {
            let is_first = *state == State::Open;
            if is_first {
                *state = wanted;
            }
            is_first
        });
        *self.0.borrow() == wanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_first_holds_and_may_be_asked_for_again() {
        let committed = Withdrawal::default();
        assert!(committed.commit() && committed.commit() && !committed.withdraw());
        assert!(committed.is_committed() && !committed.is_withdrawn());
        let withdrawn = Withdrawal::default();
        assert!(withdrawn.withdraw() && withdrawn.withdraw() && !withdrawn.commit());
        assert!(withdrawn.is_withdrawn() && !withdrawn.is_committed());
    }

    #[tokio::test]
    async fn who_waits_is_told_whether_it_comes_before_or_after() {
        let withdrawal = Withdrawal::default();
        assert!(withdrawal.withdraw());
        withdrawal.withdrawn().await;
        let later = Withdrawal::default();
        tokio::join!(later.withdrawn(), async { assert!(later.withdraw()) });
    }
}
