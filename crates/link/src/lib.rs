//! The link: a pure state machine over circuit breaker, back-off, keep-alive, quality, outbox and codec.
//!
//! It takes the time and an [`Event`], and says what to do by [`Action`]s. It holds no clock and does no I/O.
//!
//! The driver (`driver` in the crate `channel`) carries out the actions in order, and tells what came of them by further
//! events: `Open` by `Opened` or `OpenFailed`, bytes written by `Wrote`. It calls [`Link::handle`] with `Timer` when [`Link::next_deadline`] has come.
#![forbid(unsafe_code)]

mod askers;
mod audit_sampler;
mod auth;
pub mod backoff;
pub mod breaker;
pub mod bulk;
pub mod connection;
pub mod dialect;
pub mod event;
mod extras;
pub mod fault_log;
mod foreign;
mod incoming;
mod item;
pub mod keep_alive;
mod lifecycle;
pub mod outbox;
pub mod quality;
mod reconfigure;
mod seals;
pub mod second_port;
pub mod settings;
mod silence;
#[cfg(any(test, feature = "sim"))]
pub mod sim;
mod spoken;
pub mod stats;
#[cfg(test)]
mod tests;
mod timers;
pub mod token_bucket;
mod visits;
pub mod writer;

use audit_sampler::AuditSampler;
use breaker::CircuitBreaker;
use bulk::Bulk;
use connection::Connection;
use dialect::Dialect;
use fault_log::FaultLog;
use infiniservice_protocol::clock::Now;
use infiniservice_protocol::sealed::Controllers;
use infiniservice_protocol::stream::Stream;
use infiniservice_protocol::{ErrorCode, GuestMessage, LineDecoder};
use keep_alive::KeepAlive;
use outbox::Outbox;
use quality::QualityWindow;
use seals::Seals;
use silence::Silence;
use std::sync::Arc;
use std::time::Duration;
use token_bucket::TokenBucket;
use visits::Visits;
use writer::{Writer, Written};

use auth::{Authenticator, Since};
pub use bulk::{BulkAction, BulkSession};
pub use dialect::{Line, Said};
pub use event::{Action, Event, GivenUp, OpenFailure, Outgoing, PortEvent, Session};
pub use quality::Quality;
pub use seals::{Draw, Plain, SealSettings};
pub use settings::{BreakerSettings, LinkSettings};
pub use stats::LinkStats;

/// Errors that answer garbage: this many at once, then [`ERROR_PERIOD`] apart; more are counted and dropped.
const ERROR_BURST: u32 = 32;
/// See [`ERROR_BURST`].
const ERROR_PERIOD: Duration = Duration::from_millis(250);

/// The link. A new one wants to open at once: its first deadline is zero.
#[derive(Debug)]
pub struct Link {
    settings: LinkSettings,
    connection: Connection,
    breaker: CircuitBreaker,
    keep_alive: KeepAlive,
    window: QualityWindow,
    quality: Quality,
    outbox: Outbox,
    writer: Writer,
    bulk: Option<Box<Bulk>>,
    decoder: LineDecoder,
    auth: Authenticator,
    errors: TokenBucket,
    silence: Silence,
    dialect: Option<Arc<dyn Dialect>>,
    /// When an error of each code was sent last, where the dialect wants few.
    errors_sent: Vec<(ErrorCode, Duration)>,
    refused: AuditSampler,
    fault_log: FaultLog,
    stats: LinkStats,
    /// Since when bytes wait and none was taken; `None` while nothing waits or no host is connected.
    stalled_since: Option<Duration>,
    /// Since when bytes wait for a connected host that takes none; failures in between do not begin it anew.
    unread_since: Option<Duration>,
    /// Since when the quality is critical, and when that was said last.
    critical_said: Option<(Duration, Duration)>,
    /// When the host came or went, for the log.
    host_since: Option<Duration>,
    visits: Visits,
    /// A refused line of this host's was logged; further ones are told to the audit only.
    refusal_logged: bool,
    /// The same of lines that only guests send.
    echo_logged: bool,
}

impl Link {
    /// A link that has tried nothing yet. `seed` decides the jitter of the back-off.
    pub fn new(settings: LinkSettings, seed: u64) -> Self {
        Self {
            connection: Connection::new(&settings, seed),
            breaker: CircuitBreaker::new(settings.breaker.clone()),
            keep_alive: KeepAlive::new(settings.keep_alive_interval, settings.keep_alive_timeout),
            window: QualityWindow::default(),
            quality: Quality::Excellent,
            outbox: Outbox::new(settings.limits.clone()),
            writer: Writer::default(),
            bulk: None,
            decoder: LineDecoder::new(settings.limits.max_line_bytes),
            auth: Authenticator::default(),
            errors: TokenBucket::new(ERROR_BURST, ERROR_PERIOD),
            silence: Silence::new(&settings, seed),
            dialect: None,
            errors_sent: Vec::new(),
            refused: AuditSampler::default(),
            fault_log: FaultLog::default(),
            stats: LinkStats::default(),
            stalled_since: None,
            unread_since: None,
            critical_said: None,
            host_since: None,
            visits: Visits::default(),
            refusal_logged: false,
            echo_logged: false,
            settings,
        }
    }

    /// The same link, but only lines signed with `secret` are taken.
    #[must_use]
    pub fn with_secret(mut self, secret: &str) -> Self {
        self.auth.set_secret(secret);
        self
    }

    /// The same link, which takes sealed lines, and in the open only what may be asked so.
    #[must_use]
    pub fn with_seals(mut self, seals: SealSettings) -> Self {
        self.auth.set_keys(seals.own.clone(), Arc::clone(&seals.controllers), seals.plain);
        self.outbox.seals = Some(Box::new(Seals::new(seals, &self.settings.limits)));
        self
    }

    /// Of a link that takes sealed lines: from now on these keys count. Answers to a key that is gone are not told any more.
    pub fn set_controllers(&mut self, controllers: Arc<Controllers>) {
        self.auth.set_controllers(Arc::clone(&controllers));
        if let Some(seals) = &mut self.outbox.seals {
            seals.set_controllers(controllers);
        }
    }

    /// The same link, which speaks to another kind of host.
    #[must_use]
    pub fn with_dialect(mut self, dialect: Arc<dyn Dialect>) -> Self {
        self.auth.tell_foreign();
        self.outbox.dialect = Some(Arc::clone(&dialect));
        self.dialect = Some(dialect);
        self
    }

    /// The same link, but it opens no port, and so wants no timer.
    #[must_use]
    pub fn without_port(mut self) -> Self {
        self.connection.rest();
        self
    }

    /// With a secret: a predecessor can have taken no line that was signed in this time before the clock's zero, at which this
    /// agent began. Without it, lines signed before that moment are refused.
    #[must_use]
    pub fn with_no_predecessor_for(mut self, lead: Duration) -> Self {
        self.auth.set_since(Since::Start { lead });
        self
    }

    /// With a secret: the newest `ts` that a predecessor took, see [`Action::NewestSigned`].
    #[must_use]
    pub fn with_newest_signed(mut self, ts: u64) -> Self {
        self.auth.set_since(Since::Newest(ts));
        self
    }

    /// Takes what happened; appends what is to be done, in order. Timers that are due are served by every event.
    pub fn handle(&mut self, now: Now, event: Event<'_>, actions: &mut Vec<Action>) {
        let had_bytes = self.stalled_since.is_some();
        if let Some(seals) = &mut self.outbox.seals {
            seals.set_now(now);
        }
        self.forgive_suspension(now);
        self.take(now, event, actions);
        self.run_timers(now, actions);
        self.route();
        self.watch_progress(now);
        if self.stalled_since.is_some() && !had_bytes {
            actions.push(Action::Write);
        }
    }

    /// When [`Event::Timer`] is wanted next, on the monotonic clock; `None`: never.
    pub fn next_deadline(&self) -> Option<Duration> {
        let stall = self.stalled_since.map(|since| since.saturating_add(self.settings.connection_timeout));
        let own = [self.refused.deadline(), self.visits.deadline()];
        let all = [self.connection.deadline(), self.keep_alive.deadline(), stall].into_iter().chain(own);
        all.flatten().min()
    }

    /// What the port is to take next, never more than one line; empty: nothing. Starting a line stamps it with `now`.
    pub fn pending_write(&mut self, now: Now) -> &[u8] {
        if !self.connection.is_connected() {
            return &[];
        }
        let Self { writer, outbox, keep_alive, .. } = self;
        writer.pending(now, || outbox.pop(), keep_alive)
    }

    /// Bytes that may be read now so that everything in them is sure of an answer; 0: nothing, until some of what waits is
    /// written. So a host that asks faster than it reads is held up by its own answers, and loses none.
    pub fn read_room(&self) -> usize {
        if self.connection.is_connected() { self.outbox.read_room() } else { usize::MAX }
    }

    /// Whether nothing waits to be written: the shutdown has flushed.
    pub fn is_drained(&self) -> bool {
        self.outbox.is_empty()
            && !self.writer.is_busy()
            && !self.bulk.as_ref().is_some_and(|bulk| bulk.is_busy())
    }

    /// Whether the outbox has room for one more command's answer.
    pub fn has_room(&self) -> bool {
        self.outbox.has_room()
    }

    /// Requests for metrics that were delivered and have no answer so far.
    pub fn owed_requests(&self) -> usize {
        self.outbox.owed_requests()
    }

    /// Bytes of responses and errors that wait.
    pub fn waiting_bytes(&self) -> usize {
        self.outbox.answer_bytes()
    }

    /// Bytes that the link holds in all: what waits, the line being written, and what was read of an unfinished line.
    pub fn held_bytes(&self) -> usize {
        let bulk = self.bulk.as_ref().map_or(0, |bulk| bulk.capacity());
        self.outbox.held_bytes() + self.writer.capacity() + bulk + self.decoder.capacity()
    }

    /// Whether a port is open and a host is connected, or may be (the device cannot tell).
    pub fn is_host_connected(&self) -> bool {
        self.connection.is_connected()
    }

    /// The circuit breaker's state.
    pub fn breaker_state(&self) -> infiniservice_protocol::guest::BreakerState {
        self.breaker.state()
    }

    /// The band that the last health check found.
    pub fn quality(&self) -> Quality {
        self.quality
    }

    /// Refused lines that no action has told yet, for the end of the agent's life.
    pub fn refused_left_out(&mut self) -> Option<u64> {
        self.refused.rest()
    }

    /// Counters since the agent started.
    pub fn stats(&self) -> &LinkStats {
        &self.stats
    }

    fn take(&mut self, now: Now, event: Event<'_>, actions: &mut Vec<Action>) {
        match event {
            Event::Port(PortEvent::Opened { path, host }) => self.opened(now, path, host, actions),
            Event::Port(PortEvent::OpenFailed(failure)) => self.open_failed(now, failure, actions),
            Event::Port(PortEvent::HostConnected) => self.host_connected(now, actions),
            Event::Port(PortEvent::HostDisconnected) => self.host_disconnected(now, actions),
            Event::Port(PortEvent::Read(bytes)) => self.read(now, bytes, actions),
            Event::Port(PortEvent::Wrote(count)) => self.wrote(now, count, actions),
            Event::Port(PortEvent::IoFailed(error)) => self.io_failed(now, &error, actions),
            Event::Port(PortEvent::DeviceGone) => self.device_gone(now, actions),
            Event::Port(PortEvent::DevicesChanged) => self.connection.device_came(now.mono),
            Event::Send(outgoing) => self.send(now, outgoing.message),
            Event::Say(said) => self.say(&said),
            Event::TurnedAway(response) => self.refuse(GuestMessage::Response(response)),
            Event::Spared(answers) => self.outbox.spare(answers),
            Event::MetricsGivenUp(id, why) => self.metrics_given_up(id, why),
            Event::HealthCheck => self.health_check(now, actions),
            Event::Timer => {}
        }
    }

    fn send(&mut self, now: Now, message: GuestMessage) {
        match message {
            GuestMessage::Response(response) => {
                self.stats.responses_cut += u64::from(self.outbox.answer(response));
            }
            GuestMessage::BatchResult(result) => {
                self.stats.responses_cut += u64::from(self.outbox.batch_result(result));
            }
            GuestMessage::SystemMetrics(metrics) => {
                let wanted = metrics.request_id.is_some() || self.connection.is_connected();
                if let Some(id) = wanted.then(|| self.outbox.metrics(metrics)).flatten() {
                    self.metrics_given_up(id, GivenUp::CrowdedOut);
                }
            }
            GuestMessage::Hello(hello) => self.outbox.hello(hello),
            GuestMessage::Stream(sample) => self.sample(sample),
            GuestMessage::Output(output) => {
                let taken = self.connection.is_connected() && self.outbox.output(output);
                self.stats.output_left_out += u64::from(!taken);
            }
            GuestMessage::KeepAlive(ping) => self.outbox.pong(ping.sequence_number),
            // The bulk port's own first line.
            GuestMessage::Channel(_) => {}
            error if self.is_spared(now, &error) => self.stats.refusals_dropped += 1,
            other @ (GuestMessage::Error(_) | GuestMessage::CircuitBreakerState(_)) => self.refuse(other),
        }
    }

    fn sample(&mut self, sample: Stream) {
        let taken = self.connection.is_connected() && self.outbox.sample(sample);
        self.stats.samples_left_out += u64::from(!taken);
    }

    fn wrote(&mut self, now: Now, count: usize, actions: &mut Vec<Action>) {
        if count == 0 {
            return;
        }
        self.stats.bytes_out += count as u64;
        self.stalled_since = self.stalled_since.map(|_| now.mono);
        self.unread_since = None;
        if let Written::Line { heartbeat, receipt } = self.writer.wrote(count, &mut self.outbox) {
            actions.extend(receipt.map(Action::Left));
            self.stats.lines_out += 1;
            self.stats.heartbeats_sent += u64::from(heartbeat);
            self.window.done();
        }
    }

    /// Starts or ends the watch over bytes that wait for a connected host.
    fn watch_progress(&mut self, now: Now) {
        let idle = self.outbox.is_empty_but_for_bulk() && !self.writer.is_busy();
        let waits = self.connection.is_connected() && !idle;
        self.stalled_since = if waits { self.stalled_since.or(Some(now.mono)) } else { None };
        self.unread_since = if waits { self.unread_since.or(Some(now.mono)) } else { None };
    }
}

impl Session for Link {
    type Action = Action;

    fn handle(&mut self, now: Now, event: PortEvent<'_>, actions: &mut Vec<Action>) {
        Self::handle(self, now, Event::Port(event), actions);
    }

    fn pending_write(&mut self, now: Now) -> &[u8] {
        Self::pending_write(self, now)
    }

    fn read_room(&self) -> usize {
        Self::read_room(self)
    }
}
