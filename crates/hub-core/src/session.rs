//! The state of a machine's socket and of the agent behind it.
//!
//! A connection that succeeds proves nothing: QEMU takes a second client and never serves it. Only the guest's first byte
//! does: an agent sends one when a host comes.

use std::time::Duration;

/// How long a connected socket may say nothing before it counts as served by somebody else, or by no agent.
pub const UNSERVED_AFTER: Duration = Duration::from_secs(10);
/// How long an agent may say nothing: three heartbeats or collections of 30 s.
pub const SILENT_AFTER: Duration = Duration::from_secs(90);

/// Where a machine stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// Its socket is not connected.
    #[default]
    Down,
    /// Connected just now; the guest has not spoken yet.
    Opening,
    /// Connected for more than ten seconds, and the guest has not spoken: another program holds the socket, or no agent runs.
    Unserved,
    /// The agent speaks.
    Up,
    /// The agent spoke on this connection, but not for 90 s.
    Silent,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Down, Self::Opening, Self::Unserved, Self::Up, Self::Silent];

    /// Its name in the API and in labels.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Opening => "opening",
            Self::Unserved => "unserved",
            Self::Up => "up",
            Self::Silent => "silent",
        }
    }

    /// The state of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// A socket's state, and since when.
#[derive(Clone, Debug, Default)]
pub struct Session {
    state: State,
    /// The monotonic clock when the state began.
    since: Duration,
    /// When the guest was last heard, on this connection or an earlier one.
    heard: Option<Duration>,
    /// How long it may say nothing beyond [`SILENT_AFTER`].
    patience: Duration,
}

/// A change of state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Before.
    pub from: State,
    /// Now.
    pub to: State,
}

impl Session {
    /// As another hub's was, of the same boot of the host.
    pub const fn taken_over(state: State, since: Duration, heard: Option<Duration>) -> Self {
        Self { state, since, heard, patience: Duration::ZERO }
    }

    /// Where it stands.
    pub const fn state(&self) -> State {
        self.state
    }

    /// Since when, by the monotonic clock.
    pub const fn since(&self) -> Duration {
        self.since
    }

    /// When the guest was last heard.
    pub const fn heard(&self) -> Option<Duration> {
        self.heard
    }

    /// It may say nothing for so long, but never for less than [`SILENT_AFTER`].
    pub fn be_patient(&mut self, silence: Duration) {
        self.patience = silence.saturating_sub(SILENT_AFTER);
    }

    /// The socket is connected.
    pub fn connected(&mut self, now: Duration) -> Option<Change> {
        self.become_state(now, State::Opening)
    }

    /// The guest has sent bytes.
    pub fn spoke(&mut self, now: Duration) -> Option<Change> {
        if self.state == State::Down {
            return None;
        }
        self.heard = Some(now);
        self.become_state(now, State::Up)
    }

    /// The socket was closed, or could not be connected.
    pub fn closed(&mut self, now: Duration) -> Option<Change> {
        self.become_state(now, State::Down)
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Duration) -> Option<Change> {
        match self.state {
            State::Opening if now.saturating_sub(self.since) >= UNSERVED_AFTER => {
                self.become_state(now, State::Unserved)
            }
            State::Up
                if now.saturating_sub(self.heard.unwrap_or(self.since)) >= SILENT_AFTER + self.patience =>
            {
                self.become_state(now, State::Silent)
            }
            _ => None,
        }
    }

    fn become_state(&mut self, now: Duration, to: State) -> Option<Change> {
        let from = std::mem::replace(&mut self.state, to);
        if from == to {
            return None;
        }
        self.since = now;
        Some(Change { from, to })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_socket_that_connects_and_says_nothing_is_unserved_after_ten_seconds() {
        let mut session = Session::default();
        session.connected(s(1));
        assert_eq!(session.tick(s(10)), None);
        assert_eq!(session.tick(s(11)), Some(Change { from: State::Opening, to: State::Unserved }));
        assert_eq!(session.spoke(s(40)), Some(Change { from: State::Unserved, to: State::Up }));
    }

    #[test]
    fn an_agent_that_says_nothing_for_three_beats_is_silent_until_it_speaks() {
        let mut session = Session::default();
        session.connected(s(0));
        session.spoke(s(1));
        assert_eq!(session.spoke(s(60)), None);
        assert_eq!(session.tick(s(149)), None);
        assert_eq!(session.tick(s(150)), Some(Change { from: State::Up, to: State::Silent }));
        assert_eq!(session.tick(s(1000)), None);
        assert_eq!(session.spoke(s(1001)), Some(Change { from: State::Silent, to: State::Up }));
        assert_eq!(session.closed(s(1002)), Some(Change { from: State::Up, to: State::Down }));
        assert_eq!((session.since(), session.heard()), (s(1002), Some(s(1001))));
    }

    #[test]
    fn one_who_speaks_seldom_may_be_silent_for_longer_and_none_for_less() {
        let mut session = Session::default();
        session.connected(s(0));
        session.be_patient(s(900));
        session.spoke(s(1));
        assert_eq!(session.tick(s(900)), None);
        session.be_patient(s(3));
        assert_eq!(session.tick(s(90)), None);
        assert_eq!(session.tick(s(91)), Some(Change { from: State::Up, to: State::Silent }));
    }

    #[test]
    fn bytes_that_are_read_after_the_end_count_for_nothing() {
        let mut session = Session::default();
        assert_eq!(session.spoke(s(3)), None);
        assert_eq!((session.state(), session.heard()), (State::Down, None));
    }
}
