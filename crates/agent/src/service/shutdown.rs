//! The way out, in order and under a deadline: take no more commands, answer what is in flight, flush, disconnect,
//! stop watching, say what was done.

use super::agent::{Agent, Turn};
use super::signals::{Signal, Signals};
use crate::status::text;
use infiniservice_actions::audit::AuditRecord;
use infiniservice_channel::transport::Transport;
use infiniservice_link::{Event, GivenUp};
use infiniservice_platform::clock::Clock;
use std::time::Duration;

/// Of the time allowed, the part given to commands in flight; the rest is for ending them and for the flush.
const COMMANDS_SHARE: f64 = 0.66;

/// The last of the time allowed, for threads that end and for the log; of a short time this share, so that answers to
/// what was ended still go out.
const RESERVE: Duration = Duration::from_millis(500);
const RESERVE_SHARE: f64 = 0.1;

impl<T: Transport, C: Clock> Agent<T, C> {
    /// Ends everything; a second request to stop ends the waiting.
    pub(super) async fn shut_down(mut self, who: &str, signals: &mut impl Signals) {
        log::info!("stopping: asked by {who}");
        self.notifier.stopping();
        let total = Duration::from_secs(self.config.settings.shutdown_timeout_secs);
        let start = self.clock.now().mono;
        self.executor.close();
        if let Some(plugins) = &self.plugins {
            plugins.stop();
        }
        self.stopping = true;
        if let Some(qga) = &mut self.qga {
            qga.close(&self.clock);
            // What is logged from now on is written only then.
            let _ = tokio::time::timeout(total, qga.ending()).await;
        }
        let grace = start + total.mul_f64(COMMANDS_SHARE);
        self.drain(signals, grace, Agent::answered).await;
        if self.executor.in_flight() > 0 || self.executor.scripts().is_running() {
            let script = if self.executor.scripts().is_running() { " and a script" } else { "" };
            log::warn!("{} commands{script} are still running: ending them", self.executor.in_flight());
            self.executor.cancel();
        }
        self.give_up_metrics();
        let reserve = RESERVE.min(total.mul_f64(RESERVE_SHARE));
        self.drain(signals, start + total.saturating_sub(reserve), Agent::flushed).await;
        self.driver.close();
        self.close_bulk();
        if let Some(count) = self.link.refused_left_out() {
            self.record(&AuditRecord::of_more_refused(count));
        }
        self.log_summary();
    }

    /// Goes on with the main loop's work until `done`, the deadline, or a second request to stop.
    async fn drain(&mut self, signals: &mut impl Signals, deadline: Duration, done: impl Fn(&Self) -> bool) {
        while !done(self) {
            let left = deadline.saturating_sub(self.clock.now().mono);
            // Looked at here as well: what is ready at once never reaches the timer's own look.
            if left.is_zero() {
                return;
            }
            let Ok(turn) = tokio::time::timeout(left, self.next_turn(signals)).await else { return };
            if matches!(turn, Turn::Signal(Signal::Stop(_))) {
                return;
            }
            self.take(turn);
        }
    }

    fn give_up_metrics(&mut self) {
        self.streams.book.host_gone();
        for id in self.demand.give_up() {
            self.tell(Event::MetricsGivenUp(id, GivenUp::Stopping));
        }
        self.carry_out();
    }

    /// Commands, the script that runs, and metrics that were asked for.
    fn answered(&self) -> bool {
        self.executor.in_flight() == 0 && !self.executor.scripts().is_running() && !self.demand.is_asked()
    }

    /// Every answer is written, or there is nobody to write to.
    fn flushed(&self) -> bool {
        let answered = self.answered() && self.replies.is_empty();
        answered && (self.link.is_drained() || !self.link.is_host_connected())
    }

    fn log_summary(&self) {
        let uptime = text::duration(self.clock.now().mono);
        let counts = self.counts;
        log::info!(
            "stopped after {uptime}: {} collections ({} collectors failed), {} reloads",
            counts.collections,
            counts.failed_collectors,
            counts.reloads
        );
        log::info!("commands: {}", self.executor.summary());
        log::info!("link: {}", self.link.stats());
    }
}
