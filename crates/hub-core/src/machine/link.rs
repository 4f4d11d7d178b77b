//! The wire to a machine's agent, and the commands of jobs on it.

use super::{JOBS, Machine, Write};
use crate::request::{self, Request};
use crate::router::{MAX_IN_FLIGHT, Verdict};
use crate::session::State;
use infiniservice_protocol::clock::Now;
use std::time::Duration;

/// The wire to a machine's agent, as it stands now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// `hello.instance` as it was said on this very connection; empty where the agent does not say it.
    pub instance: String,
    /// Another number for each connection, from 1.
    pub connection: u64,
    /// How long the agent remembers an id that it has answered.
    pub window: Duration,
    /// When the guest was last heard before this connection, if it was in this run of the hub.
    pub heard_before: Option<Duration>,
}

impl Machine {
    /// The wire to its agent, once that has said on this connection who it is.
    pub fn link(&self) -> Option<Link> {
        let hello = self.hello.as_ref().filter(|_| self.is_introduced)?;
        matches!(self.state(), State::Up | State::Silent).then(|| Link {
            instance: hello.instance.clone(),
            connection: self.connection,
            window: Duration::from_secs(hello.limits.replay_window_secs),
            heard_before: self.heard_before,
        })
    }

    /// Takes a line of a job's for the connection of this number. `None` where it is not to be written: the machine is on
    /// another connection, or has no place.
    pub fn offer_job(&mut self, now: Now, connection: u64, line: &str) -> Option<Write> {
        self.link().filter(|link| link.connection == connection)?;
        let Ok(Request::Command(command)) = request::read(line) else { return None };
        if self.router.expects(JOBS, command.id()) {
            // It was written to an earlier connection, and the same process is asked again.
            return Some(Write::Line(line.to_owned()));
        }
        if command.takes_a_place && self.router.in_flight() >= MAX_IN_FLIGHT {
            return None;
        }
        match self.router.offer(now.mono, JOBS, line.to_owned(), Request::Command(command)) {
            Verdict::Send(line) => Some(Write::Line(line)),
            _ => None,
        }
    }
}
