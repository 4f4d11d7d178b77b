//! The port and the host: opened, failed, connected, gone.

use super::Link;
use super::breaker::Change;
use super::event::{Action, OpenFailure};
use super::fault_log::Kind;
use super::silence::Verdict;
use infiniservice_protocol::clock::Now;
use infiniservice_protocol::guest::BreakerState;
use log::Level;

impl Link {
    pub(super) fn opened(&mut self, now: Now, path: &str, host: Option<bool>, actions: &mut Vec<Action>) {
        self.stats.opens += 1;
        self.window.done();
        let change = self.breaker.opened();
        self.breaker_changed(change, actions);
        self.connection.opened(host, &self.breaker);
        let (level, text) = self.fault_log.opened(now.mono, path);
        actions.push(Action::Log(level, text));
        if self.connection.is_connected() {
            let text = self.connected(now, actions);
            actions.push(Action::Log(level, text));
        } else {
            actions.push(Action::Log(level, "no host is connected; waiting for one".to_owned()));
        }
    }

    pub(super) fn open_failed(&mut self, now: Now, failure: OpenFailure, actions: &mut Vec<Action>) {
        self.stats.open_failures += 1;
        let (kind, text) = failure.explain();
        if kind == Kind::Absent {
            self.breaker.abandoned();
        } else {
            self.count_failure(now, kind, actions);
        }
        self.connection.wait(now.mono, &self.breaker);
        actions.push(Action::Log(self.fault_log.begins(now.mono, kind), text));
    }

    pub(super) fn host_connected(&mut self, now: Now, actions: &mut Vec<Action>) {
        if !self.connection.is_open() || self.connection.is_connected() {
            return;
        }
        self.connection.set_host(true);
        self.silence.ended();
        self.refusal_logged = false;
        self.echo_logged = false;
        let text = self.connected(now, actions);
        self.visits.came(now.mono, text);
    }

    pub(super) fn host_disconnected(&mut self, now: Now, actions: &mut Vec<Action>) {
        if !self.connection.is_connected() {
            return;
        }
        self.connection.set_host(false);
        self.disconnected(true);
        let text = format!("the host disconnected after {}", self.since_host(now));
        actions.push(Action::Log(self.visits.left(), text));
    }

    pub(super) fn io_failed(&mut self, now: Now, error: &str, actions: &mut Vec<Action>) {
        self.fail(now, Kind::Io, format!("the port failed: {error}"), actions);
    }

    pub(super) fn device_gone(&mut self, now: Now, actions: &mut Vec<Action>) {
        if !self.connection.is_open() {
            return;
        }
        let text = "the device is gone".to_owned();
        self.close(now, text.clone(), actions);
        self.connection.device_gone(now.mono);
        actions.push(Action::Log(self.fault_log.begins(now.mono, Kind::Gone), text));
    }

    /// A failure of the open port: it is closed, and opened again when the back-off or the breaker says.
    pub(super) fn fail(&mut self, now: Now, kind: Kind, text: String, actions: &mut Vec<Action>) {
        if !self.connection.is_open() {
            return;
        }
        self.close(now, text.clone(), actions);
        self.count_failure(now, kind, actions);
        self.connection.wait(now.mono, &self.breaker);
        actions.push(Action::Log(self.fault_log.begins(now.mono, kind), text));
    }

    /// The host does not read; the port is closed only when that opens the breaker.
    pub(super) fn stalled(&mut self, now: Now, text: String, actions: &mut Vec<Action>) {
        self.count_failure(now, Kind::Stalled, actions);
        if self.breaker.open_until().is_some() {
            self.close(now, text.clone(), actions);
            self.connection.wait(now.mono, &self.breaker);
        }
        actions.push(Action::Log(self.fault_log.begins(now.mono, Kind::Stalled), text));
    }

    fn close(&mut self, now: Now, reason: String, actions: &mut Vec<Action>) {
        self.stats.reconnections += 1;
        self.visits.forget();
        if self.connection.is_connected() {
            self.host_since = Some(now.mono);
        }
        self.disconnected(false);
        actions.push(Action::Close(reason));
    }

    /// A host that takes what it is sent and answers no heartbeat: the port is opened anew all the same now and then, as the fault
    /// may be the port's.
    pub(super) fn unanswered(&mut self, now: Now, text: String, actions: &mut Vec<Action>) {
        match self.silence.reconnects(now.mono) {
            Verdict::Reconnect => {
                self.fail(now, Kind::Heartbeat, text, actions);
            }
            Verdict::Later { news } => {
                self.window.missed();
                for _ in 0..self.keep_alive.forgive() {
                    self.breaker.abandoned();
                }
                if news {
                    let text =
                        "this host answers no heartbeats; the port is reopened for that ever more seldom";
                    actions.push(Action::Log(Level::Info, text.to_owned()));
                }
            }
            Verdict::TryAgain => {
                self.window.missed();
                self.close(now, text.clone(), actions);
                self.connection.wait_least(now.mono);
                actions.push(Action::Log(self.fault_log.begins(now.mono, Kind::Heartbeat), text));
            }
        }
    }

    fn count_failure(&mut self, now: Now, kind: Kind, actions: &mut Vec<Action>) {
        match kind {
            Kind::Heartbeat => self.window.missed(),
            _ => self.window.failed(),
        }
        let change = self.breaker.failed(now);
        self.breaker_changed(change, actions);
    }

    /// Begins a connection; gives the sentence for the log.
    fn connected(&mut self, now: Now, actions: &mut Vec<Action>) -> String {
        self.stats.host_connects += 1;
        self.writer.connect();
        if let Some(dialect) = &self.dialect {
            self.outbox.spoken.greet(&dialect.greeting());
        } else {
            let probe = self.breaker.state() != BreakerState::Closed;
            self.keep_alive.connect(now.mono, probe);
        }
        // The watch over writes starts anew, and with it comes an `Action::Write`.
        self.stalled_since = None;
        actions.push(Action::CollectMetrics);
        format!("a host is connected after {}", self.since_host(now))
    }

    /// Ends what belonged to one connection: the torn lines of both ways, heartbeats under way, the probes they were.
    fn disconnected(&mut self, host_left: bool) {
        self.decoder.reset();
        self.writer.abandon(host_left, &mut self.outbox);
        let queued = usize::from(self.outbox.disconnect());
        for _ in 0..self.keep_alive.disconnect() + queued {
            self.breaker.abandoned();
        }
    }

    pub(super) fn breaker_changed(&mut self, change: Option<Change>, actions: &mut Vec<Action>) {
        let Some(change) = change else { return };
        let text = match change.state {
            BreakerState::Open => {
                self.stats.breaker_opens += 1;
                let wait = self.settings.breaker.open_for.as_secs();
                format!(
                    "circuit breaker open after {} failures: no attempts for {wait} s",
                    change.failure_count
                )
            }
            BreakerState::HalfOpen => "circuit breaker half open: probing".to_owned(),
            BreakerState::Closed => "circuit breaker closed".to_owned(),
        };
        // Told once when it opens first and when it closes; the probes in between repeat.
        let first = change.failure_count == self.settings.breaker.failure_threshold;
        let level = match change.state {
            BreakerState::Open if first => Level::Warn,
            BreakerState::Closed => Level::Info,
            BreakerState::Open | BreakerState::HalfOpen => Level::Debug,
        };
        actions.push(Action::Log(level, text));
        self.outbox.report(change);
    }

    /// How long the state that ends now has lasted, in words; marks the beginning of the next.
    fn since_host(&mut self, now: Now) -> String {
        let since = self.host_since.replace(now.mono).unwrap_or_default();
        let seconds = now.mono.saturating_sub(since).as_secs();
        humantime::format_duration(std::time::Duration::from_secs(seconds)).to_string()
    }
}
