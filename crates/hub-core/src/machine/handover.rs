//! What a hub that ends leaves to the next one of a machine, so that the connection goes on as if nothing had happened.

use super::{FIRST_PING, Machine};
use crate::session::{Session, State};
use infiniservice_protocol::clock::Now;
use infiniservice_protocol::hello::Hello;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What is known of a connection and of the agent behind it. Times are of the monotonic clock, which both hubs share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Handover {
    state: String,
    since_ms: u64,
    heard_ms: Option<u64>,
    hello: Option<Hello>,
    is_introduced: bool,
    connection: u64,
    last_beat: Option<u64>,
    pings: u64,
}

impl Machine {
    /// Leaves the connection to the next hub; `None` where there is none.
    pub fn hand_over(&self) -> Option<Handover> {
        let session = &self.session;
        (session.state() != State::Down).then(|| Handover {
            state: session.state().name().to_owned(),
            since_ms: millis(session.since()),
            heard_ms: session.heard().map(millis),
            hello: self.hello.clone(),
            is_introduced: self.is_introduced,
            connection: self.connection,
            last_beat: self.last_beat,
            pings: self.pings,
        })
    }

    /// Goes on with a connection that another hub began. Whether the agent has said on it who it is.
    pub fn take_over(&mut self, now: Now, before: Handover) -> bool {
        let state = State::from_name(&before.state).filter(|state| *state != State::Down);
        let since = Duration::from_millis(before.since_ms).min(now.mono);
        let heard = before.heard_ms.map(Duration::from_millis).map(|heard| heard.min(now.mono));
        self.session = Session::taken_over(state.unwrap_or(State::Opening), since, heard);
        self.heard_before = heard;
        self.is_introduced = before.is_introduced && before.hello.is_some();
        self.hello = before.hello;
        self.connection = before.connection.max(1);
        self.last_beat = before.last_beat;
        // Whatever comes in answer to a ping of the other hub is no heartbeat, and measures nothing.
        self.pings = before.pings.min(FIRST_PING);
        self.last_ping = Some(now.mono);
        self.reason.clear();
        self.is_introduced
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::at;

    const HELLO: &str = r#"{"type":"hello","agent_version":"0.1.0","protocol_version":1,"platform":"linux","os":"Debian",
        "capabilities":[],"limits":{},"instance":"i1"}"#;

    fn spoken() -> Machine {
        let mut machine = Machine::default();
        machine.connected(at(1));
        machine.spoke(at(2));
        machine
    }

    #[test]
    fn the_next_hub_knows_who_speaks_and_says_nothing_of_a_connection() {
        let mut before = spoken();
        let introduced = before.line(at(2), HELLO).introduced;
        before.line(at(3), r#"{"type":"keep_alive","sequence_number":7}"#);
        let text = serde_json::to_string(&before.hand_over().unwrap()).unwrap();
        let mut after = Machine::default();
        assert!(after.take_over(at(5), serde_json::from_str(&text).unwrap()) && introduced);
        assert_eq!((after.state(), after.session().heard()), (State::Up, Some(at(2).mono)));
        assert_eq!(
            after.link(),
            before.link().map(|link| super::super::Link { heard_before: Some(at(2).mono), ..link })
        );
        assert_eq!(after.spoke(at(6)), None);
        assert!(after.tick(at(6)).write.is_empty(), "nothing is asked that was asked before");
        let reaction = after.line(at(7), r#"{"type":"keep_alive","sequence_number":8}"#);
        assert_eq!(reaction.write.len(), 1, "the heartbeat is answered, and nobody is taken for a new agent");
        assert!(reaction.events.is_empty());
    }

    #[test]
    fn an_agent_that_is_another_one_after_the_restart_is_seen() {
        let mut before = spoken();
        before.line(at(3), r#"{"type":"keep_alive","sequence_number":7}"#);
        let mut after = Machine::default();
        after.take_over(at(5), before.hand_over().unwrap());
        let reaction = after.line(at(7), r#"{"type":"keep_alive","sequence_number":1}"#);
        assert_eq!(reaction.write.len(), 2, "it is asked who it is");
    }

    #[test]
    fn a_guest_that_is_silent_before_and_after_is_told_of_at_its_time() {
        let mut after = Machine::default();
        after.take_over(at(50), spoken().hand_over().unwrap());
        assert!(after.tick(at(91)).events.is_empty());
        assert_eq!(after.tick(at(92)).events.len(), 1);
    }

    #[test]
    fn what_is_not_connected_is_not_handed_over_and_a_wrong_state_is_opening() {
        assert_eq!(Machine::default().hand_over(), None);
        let wrong = Handover { state: "noise".into(), ..spoken().hand_over().unwrap() };
        let mut after = Machine::default();
        assert!(!after.take_over(at(5), wrong));
        assert_eq!(after.state(), State::Opening);
    }
}
