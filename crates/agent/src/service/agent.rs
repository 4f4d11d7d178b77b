//! The one main loop: waits for the first of everything that can happen, tells the link, does what it asks.

use super::adaptive::Adaptive;
use super::alarm::Alarm;
use super::bulk::{self, Bulk};
use super::demand::{Demand, RequestId};
use super::hello::Identity;
use super::infinibay::Restart;
use super::notify::Notifier;
use super::pace::Pace;
use super::qga::{self, Qga};
use super::reload::{self, Reloading};
use super::schedule::{Due, Schedule};
use super::scripts::Receipts;
use super::signals::{Signal, Signals};
use super::signed::Signed;
use super::sources::{Collected, SampleTaken, Sources};
use super::standing::Counts;
use super::standing::Standing;
use super::streams::Streams;
use super::traces::Traces;
use crate::config::Loaded;
use crate::status;
use infiniservice_actions::audit::AuditRecord;
use infiniservice_actions::{Executor, News, Reply};
use infiniservice_channel::driver::{Driver, Wake};
use infiniservice_channel::transport::Transport;
use infiniservice_infinibay::Profile;
use infiniservice_link::{Action, Event, GivenUp, Link, Outgoing};
use infiniservice_platform::clock::Clock;
use infiniservice_plugins::Plugins;
use infiniservice_protocol::guest::{GuestMessage, Output};
use infiniservice_protocol::host::HostMessage;
use infiniservice_protocol::sealed::PublicKey;
use std::future::pending;
use tokio::sync::mpsc;

/// Everything the loop owns.
pub(super) struct Agent<T: Transport, C: Clock> {
    pub(super) clock: C,
    pub(super) alarm: Alarm,
    pub(super) pace: Pace,
    pub(super) config: Loaded,
    pub(super) link: Link,
    pub(super) driver: Driver<T>,
    pub(super) schedule: Schedule,
    pub(super) executor: Executor,
    pub(super) replies: mpsc::Receiver<Reply>,
    pub(super) outputs: mpsc::Receiver<Output>,
    pub(super) sources: Sources,
    pub(super) plugins: Option<Plugins>,
    pub(super) identity: Identity,
    pub(super) demand: Demand,
    pub(super) streams: Streams,
    pub(super) traces: Traces,
    pub(super) notifier: Notifier,
    pub(super) counts: Counts,
    pub(super) standing: Standing,
    pub(super) inquiries: status::Server,
    pub(super) actions: Vec<Action>,
    pub(super) reloading: Reloading,
    pub(super) opened_once: bool,
    pub(super) stopping: bool,
    pub(super) signed: Signed,
    /// To which lines may be sealed.
    pub(super) public_key: Option<PublicKey>,
    pub(super) qga: Option<Box<Qga<T>>>,
    pub(super) bulk: Option<Box<Bulk<T>>>,
    pub(super) profile: Option<Box<Profile>>,
    pub(super) restart: Option<Restart>,
    pub(super) news: mpsc::Receiver<News>,
    pub(super) receipts: Receipts,
    /// Chooses the time between two collections, where the operator lets it.
    pub(super) adaptive: Option<Adaptive>,
}

/// What ended a wait.
pub(super) enum Turn {
    Signal(Signal),
    Timer,
    Reply(Box<Reply>),
    News(News),
    Output(Output),
    Collected(Box<Collected>),
    Sampled(Box<SampleTaken>),
    Port(Wake),
    Qga(qga::Turn),
    Bulk(Wake),
    Asked(status::Asker),
    Reload(reload::Wanted),
}

/// Said where `--require-virtio` forbids to wait for a port any longer.
const NO_DEVICE_REQUIRED: &str = "no virtio-serial port could be opened, and require_virtio is set: \
    giving up. \
`infiniservice --diagnose` shows what is there and what to do";

/// Said at start with `--no-virtio`.
const NO_VIRTIO: &str = "no_virtio is set: no port is opened, metrics go to the log only";

/// Why the loop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was asked to stop, by this.
    Stopped(&'static str),
    /// `require_virtio` is set and no port could be opened.
    NoDevice,
}

impl<T: Transport, C: Clock> Agent<T, C> {
    /// Runs until a signal says stop, or until a required device did not come.
    pub(super) async fn run_until_stopped(&mut self, signals: &mut impl Signals) -> Ended {
        self.begin();
        loop {
            let turn = self.next_turn(signals).await;
            if let Turn::Signal(Signal::Stop(who)) = turn {
                return Ended::Stopped(who);
            }
            self.take(turn);
            signals.end_within(self.config.settings.shutdown_timeout());
            if self.must_give_up() {
                log::error!("{NO_DEVICE_REQUIRED}");
                return Ended::NoDevice;
            }
        }
    }

    fn begin(&mut self) {
        self.notifier.ready();
        self.warn_of_raw_commands();
        self.warn_of_scripts();
        self.warn_of_unsigned_lines();
        // A first sample at once, so that the first message to a host has rates.
        self.want_metrics(None);
        if self.config.settings.no_virtio {
            log::info!("{NO_VIRTIO}");
            self.schedule.host_connected(self.clock.now().mono);
        }
        self.take(Turn::Timer);
    }

    /// Waits for the first thing that happens. Timers and answers come before the port, so that a flood on the port
    /// delays neither.
    pub(super) async fn next_turn(&mut self, signals: &mut impl Signals) -> Turn {
        let deadline = self.wake_at();
        self.alarm.set(deadline, self.clock.now().mono);
        tokio::select! {
            biased;
            signal = signals.next() => Turn::Signal(signal),
            () = self.alarm.rings() => Turn::Timer,
            // Before the answer that it belongs to.
            Some(output) = self.outputs.recv() => Turn::Output(output),
            Some(reply) = self.replies.recv() => Turn::Reply(Box::new(reply)),
            Some(news) = self.news.recv() => Turn::News(news),
            ended = self.sources.ended() => ended,
            turn = any_port(&mut self.driver, self.qga.as_deref_mut(), self.bulk.as_deref_mut()) => turn,
            asker = self.inquiries.asked() => Turn::Asked(asker),
            wanted = self.reloading.wanted() => Turn::Reload(wanted),
        }
    }

    /// Takes one turn: tells the link what happened and does what follows from it.
    pub(super) fn take(&mut self, turn: Turn) {
        match turn {
            Turn::Signal(Signal::Reload) => self.want_reload(),
            Turn::Signal(Signal::Stop(_)) => {}
            Turn::Timer => self.timer(),
            Turn::Output(output) => self.send(GuestMessage::Output(output)),
            Turn::Reply(reply) => self.reply(*reply),
            Turn::News(news) => self.hear(news),
            Turn::Collected(collected) => self.collected(*collected),
            Turn::Sampled(taken) => self.sampled(&taken),
            Turn::Port(wake) => self.driver.step(wake, &mut self.link, &self.clock, &mut self.actions),
            Turn::Qga(turn) => self.qga_turn(Some(turn)),
            Turn::Bulk(wake) => self.bulk_woke(wake),
            Turn::Asked(asker) => self.tell_status(asker),
            Turn::Reload(wanted) => self.reload_wanted(wanted),
        }
        self.carry_out();
        self.standing.observe(&self.link, self.clock.now());
        self.notifier.feed(self.clock.now().mono);
        self.notifier.status(self.status_text());
    }

    /// Serves every deadline of [`Self::next_deadline`] that has come, whatever the settings are.
    fn timer(&mut self) {
        let now = self.clock.now().mono;
        self.tell(Event::Timer);
        self.restart_if_due();
        self.ask_for_scripts_if_due();
        self.reload_if_due();
        while let Some(due) = self.schedule.take_due(self.clock.now().mono) {
            match due {
                Due::Collect => self.want_metrics(None),
                Due::HealthCheck => self.tell(Event::HealthCheck),
            }
        }
        self.take_samples();
        self.qga_turn(None);
        self.bulk_timer();
        self.pace.served(now);
    }

    /// Does what the link asked for; doing it may make it ask for more.
    pub(super) fn carry_out(&mut self) {
        loop {
            // First, as what the bulk port gives back goes over the other one.
            self.write_bulk();
            self.driver.write(&mut self.link, &self.clock, &mut self.actions);
            if self.actions.is_empty() {
                break;
            }
            for action in std::mem::take(&mut self.actions) {
                self.perform(action);
            }
        }
        if !self.has_reader() {
            self.schedule.host_gone();
        }
        self.end_streams_without_host();
    }

    /// Whether anybody reads the metrics: a host, or the log where there is no port at all.
    fn has_reader(&self) -> bool {
        self.link.is_host_connected() || self.config.settings.no_virtio
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Open => self.open(),
            Action::Close(reason) => {
                log::debug!("closing the port: {reason}");
                self.driver.close();
            }
            // Written by `carry_out`, whatever the action was.
            Action::Write => {}
            Action::Left(receipt) => self.line_left(receipt),
            Action::Deliver(message) => self.deliver(message),
            Action::DeliverLine(line) => self.deliver_line(&line),
            Action::NoRoom(command) => {
                if let Some(answer) = self.executor.turn_away(self.clock.now(), command) {
                    let answer =
                        self.profile.as_mut().map_or(answer.clone(), |profile| profile.answer(answer).0);
                    self.tell(Event::TurnedAway(answer));
                }
            }
            Action::NewestSigned(ts) => self.signed.keep(ts),
            Action::CollectMetrics => {
                self.schedule.host_connected(self.clock.now().mono);
                self.demand.host_came();
                if let Some(profile) = &mut self.profile {
                    profile.connected();
                }
                self.want_metrics(None);
            }
            Action::QualityChanged { to, .. } => {
                self.schedule.set_degraded(self.clock.now().mono, to.is_degraded());
            }
            Action::Refused(rejection) => self.record(&AuditRecord::of_refused(&rejection)),
            Action::RefusedLeftOut(count) => self.record(&AuditRecord::of_more_refused(count)),
            Action::Log(level, text) => log::log!(level, "{text}"),
        }
    }

    pub(super) fn record(&self, record: &AuditRecord) {
        self.executor.audit().record(record);
    }

    fn open(&mut self) {
        self.driver.open(&mut self.link, &self.clock, &mut self.actions);
        self.opened_once |= self.driver.is_open();
    }

    pub(super) fn deliver(&mut self, message: HostMessage) {
        match message {
            HostMessage::Metrics { id } => self.want_metrics(id),
            HostMessage::Hello { .. } => {
                let hello = self.hello();
                self.send(GuestMessage::Hello(hello));
            }
            HostMessage::Cancel { id, target } => {
                self.executor.cancel_one(self.clock.now(), &id, &target);
            }
            HostMessage::Traced(traced) => self.deliver_traced(traced),
            HostMessage::Batch(batch) => self.take_batch(batch, None),
            HostMessage::Subscribe(request) => self.subscribe(&request, None),
            HostMessage::Unsubscribe(request) => self.unsubscribe(&request),
            HostMessage::SafeCommand(_) | HostMessage::UnsafeCommand(_) if self.profile.is_none() => {
                self.executor.submit(self.clock.now(), message);
            }
            HostMessage::SafeCommand(_) | HostMessage::UnsafeCommand(_) => self.translated_command(message),
            // The link's own; it delivers none of them.
            HostMessage::KeepAliveResponse { .. }
            | HostMessage::KeepAliveRequest { .. }
            | HostMessage::ZReset => {}
        }
    }

    pub(super) fn want_metrics(&mut self, request: RequestId) {
        if let (true, Some(id)) = (self.stopping, &request) {
            self.traces.forget(id);
            return self.tell(Event::MetricsGivenUp(id.clone(), GivenUp::Stopping));
        }
        let start = self.demand.want(request);
        if let Some(id) = self.demand.given_up() {
            self.traces.forget(&id);
            self.tell(Event::MetricsGivenUp(id, GivenUp::CrowdedOut));
        }
        if start {
            self.sources.start_collection();
        }
    }

    /// A collection ended: everybody who asked for it gets it, and the schedule's goes to a host that is there. A host's
    /// request can be read before its connection is seen, so what was asked for goes to the link in any case.
    fn collected(&mut self, mut collected: Collected) {
        let (served, again) = self.demand.finished();
        self.counts.collected(&collected.collection);
        if collected.knows_an_address() && self.has_reader() {
            self.schedule.address_known(self.clock.now().mono);
        }
        if served.iter().any(Option::is_none) && self.has_reader() {
            self.adapt(&mut collected);
        }
        if again {
            self.sources.start_collection();
        }
        let connected = self.link.is_host_connected();
        if !connected {
            collected.log(if self.config.settings.no_virtio { log::Level::Info } else { log::Level::Debug });
        }
        let mut served: Vec<_> =
            served.into_iter().filter(|request| connected || request.is_some()).collect();
        let Some(last) = served.pop() else { return };
        for request_id in served {
            self.send_metrics(collected.clone(), request_id);
        }
        self.send_metrics(collected, last);
    }

    /// When the schedule's next collection is due, by what this one saw.
    fn adapt(&mut self, collected: &mut Collected) {
        let Some(adaptive) = &mut self.adaptive else { return };
        let next = adaptive.next(&collected.data, &collected.collection);
        self.schedule.set_adapted(self.clock.now().mono, Some(next));
        collected.collection.interval_secs = Some(self.schedule.interval().as_secs());
    }

    pub(super) fn send(&mut self, message: GuestMessage) {
        self.tell(Event::Send(Outgoing { message }));
    }

    pub(super) fn tell(&mut self, event: Event<'_>) {
        self.link.handle(self.clock.now(), event, &mut self.actions);
    }
}

/// What happens first on any port. Chosen by chance where several are ready, so that none holds another up.
async fn any_port<T: Transport>(
    driver: &mut Driver<T>,
    channel: Option<&mut Qga<T>>,
    bulk: Option<&mut Bulk<T>>,
) -> Turn {
    let next = async {
        match channel {
            Some(channel) => channel.next().await,
            None => pending().await,
        }
    };
    tokio::select! {
        wake = driver.wait() => Turn::Port(wake),
        turn = next => Turn::Qga(turn),
        turn = bulk::wait(bulk) => turn,
    }
}
