//! What the passing of time brings: attempts, heartbeats, timeouts, the assessment of quality.

use super::Link;
use super::event::Action;
use super::quality::Quality;
use infiniservice_protocol::clock::Now;
use log::Level;
use std::time::Duration;

/// A timer served later than this was held up by a suspended machine, not by a busy one.
pub(super) const SUSPENDED: Duration = Duration::from_secs(10);

/// While bytes or a heartbeat wait this long for the host, the connection is not called good.
const UNREAD: Duration = Duration::from_secs(30);
/// How often a connection that stays critical is logged.
const SAY_AGAIN: Duration = Duration::from_secs(600);

impl Link {
    /// After a suspension the host is asked anew: whether it answered while we did not look is unknown.
    pub(super) fn forgive_suspension(&mut self, now: Now) {
        let late = self.next_deadline().is_some_and(|due| now.mono > due.saturating_add(SUSPENDED));
        if late && self.connection.is_connected() {
            for _ in 0..self.keep_alive.forgive() {
                self.breaker.abandoned();
            }
            self.stalled_since = self.stalled_since.map(|_| now.mono);
        }
    }

    pub(super) fn run_timers(&mut self, now: Now, actions: &mut Vec<Action>) {
        let change = self.breaker.tick(now);
        self.breaker_changed(change, actions);
        self.check_heartbeats(now, actions);
        self.check_stall(now, actions);
        // Without a host nothing more comes, and nothing may wake the agent up.
        let connected = self.connection.is_connected();
        let left_out = if connected { self.refused.due(now.mono) } else { self.refused.rest() };
        actions.extend(left_out.map(Action::RefusedLeftOut));
        actions.extend(self.visits.due(now.mono).map(|text| Action::Log(Level::Info, text)));
        if self.connection.try_open(now.mono, &mut self.breaker) {
            actions.push(Action::Open);
        }
    }

    fn check_heartbeats(&mut self, now: Now, actions: &mut Vec<Action>) {
        if let Some(number) = self.keep_alive.timed_out(now.mono) {
            self.stats.heartbeats_missed += 1;
            let seconds = self.settings.keep_alive_timeout.as_secs();
            let text = format!("heartbeat {number} was not answered within {seconds} s; reconnecting");
            self.unanswered(now, text, actions);
            if !self.connection.is_open() {
                return;
            }
        }
        let due = self.keep_alive.take_due(now.mono) && self.breaker.begin(false);
        if due && !self.outbox.heartbeat() {
            self.breaker.abandoned();
        }
    }

    /// A host that takes nothing is a failure each time the limit has passed. The port stays open: closing it would tear the line
    /// under way, and the edge that says "there is room again" would go unheard. Only the breaker's opening closes it.
    fn check_stall(&mut self, now: Now, actions: &mut Vec<Action>) {
        let limit = self.settings.connection_timeout;
        if self.stalled_since.is_none_or(|since| now.mono < since.saturating_add(limit)) {
            return;
        }
        self.stalled_since = Some(now.mono);
        let text = format!("the host has taken no byte for {} s although some are waiting", limit.as_secs());
        self.stalled(now, text, actions);
    }

    /// Whether the host has taken nothing, or has answered no heartbeat, for so long that the connection cannot be called good.
    fn is_unread(&self, now: Now) -> bool {
        let since = [self.unread_since, self.keep_alive.oldest()].into_iter().flatten().min();
        since.is_some_and(|since| now.mono >= since.saturating_add(UNREAD))
    }

    /// A connection that stays critical is not said once and then forgotten; while no host is there nothing is wrong.
    fn say_again(&mut self, now: Now, actions: &mut Vec<Action>) {
        let Some((since, said)) = self.critical_said else { return };
        let host_away = self.connection.is_open() && !self.connection.is_connected();
        if host_away || now.mono < said.saturating_add(SAY_AGAIN) {
            return;
        }
        self.critical_said = Some((since, now.mono));
        let minutes = now.mono.saturating_sub(since).as_secs() / 60;
        let unanswered = self.window.unanswered();
        let text = format!(
            "connection quality has been Critical for {minutes} min; consecutive unanswered heartbeats: \
             {unanswered}"
        );
        actions.push(Action::Log(Level::Warn, text));
    }

    pub(super) fn health_check(&mut self, now: Now, actions: &mut Vec<Action>) {
        if self.settings.validate_connection {
            self.keep_alive.ask_now(now.mono);
        }
        let mut found = self.window.assess();
        if self.is_unread(now) {
            found.quality = found.quality.max(Quality::Poor);
        }
        let from = std::mem::replace(&mut self.quality, found.quality);
        if from == found.quality {
            return self.say_again(now, actions);
        }
        self.critical_said = (found.quality == Quality::Critical).then_some((now.mono, now.mono));
        self.stats.quality_changed(now.mono, found.quality);
        let latency = found.latency.map_or_else(|| "unknown".to_owned(), |l| format!("{} ms", l.as_millis()));
        let level = if found.quality > from { Level::Warn } else { Level::Info };
        let text = format!(
            "connection quality is {}, was {from}: {} % errors, mean round trip {latency}",
            found.quality, found.error_percent
        );
        actions.push(Action::Log(level, text));
        actions.push(Action::QualityChanged { from, to: found.quality });
    }
}
