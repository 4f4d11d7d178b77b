//! Since when things are as they are, what was counted, and what `infiniservice status` is told of it.

use super::agent::Agent;
use crate::config::render;
use crate::logging::errors;
use crate::status::{Asker, Heartbeats, Host, Refused, Status};
use infiniservice_actions::autochecks::configuration;
use infiniservice_channel::transport::Transport;
use infiniservice_exec::containment;
use infiniservice_link::Link;
use infiniservice_platform::blocking;
use infiniservice_platform::clock::{Clock, Now};
use infiniservice_protocol::metrics::Collection;
use std::time::Duration;

/// Moments that the link itself does not keep.
#[derive(Debug, Default)]
pub(super) struct Standing {
    connected: Option<Now>,
    connects: u64,
    answered: u64,
    last_answer: Option<Duration>,
}

impl Standing {
    /// Looks after each turn whether a host came or went, and whether a heartbeat was answered.
    pub(super) fn observe(&mut self, link: &Link, now: Now) {
        let stats = link.stats();
        if !link.is_host_connected() {
            self.connected = None;
        } else if self.connected.is_none() || stats.host_connects != self.connects {
            self.connected = Some(now);
        }
        self.connects = stats.host_connects;
        if stats.heartbeats_answered != self.answered {
            (self.answered, self.last_answer) = (stats.heartbeats_answered, Some(now.mono));
        }
    }

    fn host(&self, now: Now) -> Host {
        let since = |at: Now| humantime::format_rfc3339_seconds(at.wall).to_string();
        Host {
            connected_since: self.connected.map(since),
            connected_secs: self.connected.map(|at| now.mono.saturating_sub(at.mono).as_secs()),
            connects: self.connects,
        }
    }
}

/// What is wrong with the agent itself, whatever the link is.
pub(super) fn problems() -> Vec<String> {
    let fences = containment::missing().map(|_| "commands have no cgroups of their own".to_owned());
    let wrong = configuration::problem()
        .map(|problem| format!("the configuration file is invalid, and an older one is in force: {problem}"));
    [blocking::summary(), fences, wrong].into_iter().flatten().collect()
}

impl<T: Transport, C: Clock> Agent<T, C> {
    /// The link's state, and what does not answer, which costs its figures until it does.
    pub(super) fn status_text(&self) -> String {
        std::iter::once(self.link_text()).chain(problems()).collect::<Vec<_>>().join("; ")
    }

    fn link_text(&self) -> String {
        match (self.driver.is_open(), self.link.is_host_connected()) {
            _ if self.config.settings.no_virtio => "No port (no_virtio); metrics go to the log".to_owned(),
            (false, _) => "Waiting for a virtio-serial port".to_owned(),
            (true, false) => "Port open, waiting for the host".to_owned(),
            (true, true) => format!("Connected, quality {}", self.link.quality()),
        }
    }

    /// Answers who asks; he may have gone meanwhile.
    pub(super) fn tell_status(&self, asker: Asker) {
        let document = serde_json::to_string(&self.status()).unwrap_or_default();
        let _gone = asker.send(document + "\n");
    }

    fn status(&self) -> Status {
        let (now, stats) = (self.clock.now(), self.link.stats());
        Status {
            agent_version: infiniservice_platform::AGENT_VERSION.to_owned(),
            pid: std::process::id(),
            uptime_secs: now.mono.as_secs(),
            state: self.state_name().to_owned(),
            host: self.standing.host(now),
            heartbeats: self.heartbeats(now),
            circuit_breaker: format!("{:?}", self.link.breaker_state()),
            quality: self.link.quality().to_string(),
            waiting_bytes: self.link.waiting_bytes() as u64,
            held_bytes: self.link.held_bytes() as u64,
            refused: Refused {
                signatures: stats.unsigned_lines,
                lines: stats.rejected_lines,
                commands: stats.commands_refused,
            },
            commands_held_by: containment::hold().map(|hold| hold.name().to_owned()),
            problems: problems(),
            last_errors: errors::newest(),
            configuration: serde_json::from_str(&render::print_json(&self.config)).unwrap_or_default(),
        }
    }

    fn heartbeats(&self, now: Now) -> Heartbeats {
        let stats = self.link.stats();
        Heartbeats {
            sent: stats.heartbeats_sent,
            answered: stats.heartbeats_answered,
            missed: stats.heartbeats_missed,
            last_answer_secs: self.standing.last_answer.map(|at| now.mono.saturating_sub(at).as_secs()),
            last_round_trip_ms: stats.last_rtt.map(|trip| trip.as_micros() as f64 / 1000.0),
        }
    }

    fn state_name(&self) -> &'static str {
        match (self.driver.is_open(), self.link.is_host_connected()) {
            _ if self.config.settings.no_virtio => "no_port_wanted",
            (false, _) => "waiting_for_port",
            (true, false) => "waiting_for_host",
            (true, true) => "connected",
        }
    }
}

/// Counts of the service itself; the link and the executor keep their own.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Collections that ended.
    pub collections: u64,
    /// Collectors that failed, summed over all collections; warming up is no failure.
    pub failed_collectors: u64,
    /// Configurations read again.
    pub reloads: u64,
}

impl Counts {
    /// Takes note of a collection.
    pub fn collected(&mut self, collection: &Collection) {
        self.collections += 1;
        let failed = collection.failed.iter().filter(|f| f.error != "warming_up").count();
        self.failed_collectors += failed as u64;
    }
}
