//! The bulk port: a second one, over which samples of streams, programs' output and large answers go, so that what is short does
//! not wait behind them.
//!
//! It only brings: what a host writes there is read and dropped, but for a blank line. It is used while a host reads the first
//! port and this one. A host that comes gets a blank line and `channel`; then the port is open to what waits in the outbox, where
//! all of it is encoded, and sealed, as it would be for the first port. Compressed lines are for a host that asked for them there.
//!
//! Where the host goes, or takes nothing for [`UNREAD`], all that waits goes over the first port, with a large answer of which
//! only a part was taken. A piece of output or a sample that was torn is lost, as its number says. A line of which only the
//! newline is missing counts as taken, as the next blank line completes it.

use super::Link;
use super::event::{PortEvent, Session};
use super::item::Item;
use super::outbox::Outbox;
use super::second_port::SecondPort;
use super::stats::LinkStats;
use super::timers::SUSPENDED;
use super::writer::{Writer, Written};
use infiniservice_protocol::GuestMessage;
use infiniservice_protocol::clock::Now;
use infiniservice_protocol::compression::Codec;
use infiniservice_protocol::encode::Body;
use infiniservice_protocol::guest::{ChannelRole, ChannelStart};
use log::Level;
use std::time::Duration;

/// A host that takes nothing of what waits for so long has stopped reading.
pub const UNREAD: Duration = Duration::from_secs(10);

/// Bytes that one call may read; all of them are dropped.
const READ_BYTES: usize = 4096;

/// What is to be done, in order. Whoever owns the port also asks for [`Session::pending_write`] after each event of the link.
#[derive(Debug)]
pub enum BulkAction {
    /// Find and open the port; answer by `Opened` or `OpenFailed`.
    Open,
    /// Close the port.
    Close(String),
    /// One line for the log, already said only once for a state.
    Log(Level, String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// No port, or no host.
    Away,
    /// The first line of the connection is not yet taken.
    Begun,
    /// It takes what waits.
    Open,
    /// It took nothing for too long. The first line of a connection waits for it to read again.
    Unread,
}

/// The port's state.
#[derive(Debug)]
pub(super) struct Bulk {
    port: SecondPort,
    stage: Stage,
    writer: Writer,
    /// What each connection begins with.
    start: Body,
    start_is_due: bool,
    /// Since when bytes wait and none was taken.
    waiting_since: Option<Duration>,
    /// The device tells whether a host is there.
    tells_host: bool,
    /// The blank line with which a host begins is still to come, or came before its connection was seen.
    blank_is_due: bool,
    blank_was_early: bool,
    /// Its loss was told, and no host has read it since.
    is_lost: bool,
    /// Times that this host stopped reading.
    falls: u32,
}

impl Bulk {
    fn new(instance: &str, seed: u64, devices_are_watched: bool) -> Self {
        let (role, instance) = (ChannelRole::Bulk, instance.to_owned());
        let start = GuestMessage::Channel(ChannelStart { role, instance, timestamp: None });
        Self {
            port: SecondPort::new("bulk port", seed, devices_are_watched),
            stage: Stage::Away,
            writer: Writer::default(),
            start: Body::encode(&start),
            start_is_due: false,
            waiting_since: None,
            tells_host: false,
            blank_is_due: false,
            blank_was_early: false,
            is_lost: false,
            falls: 0,
        }
    }

    /// Whether part of a line that matters is still to be taken.
    pub(super) fn is_busy(&self) -> bool {
        self.stage == Stage::Open && self.writer.is_busy()
    }

    /// Memory that the line being written takes.
    pub(super) fn capacity(&self) -> usize {
        self.writer.capacity()
    }

    fn deadline(&self) -> Option<Duration> {
        let unread = self.waiting_since.filter(|_| self.stage == Stage::Open);
        self.port.deadline().or(unread.map(|since| since.saturating_add(UNREAD)))
    }

    /// The device tells of a host.
    fn came(&mut self, outbox: &mut Outbox) {
        self.blank_is_due = !std::mem::take(&mut self.blank_was_early);
        self.port.set_host(true);
        self.begin(outbox);
    }

    /// A host is there, or another one.
    fn begin(&mut self, outbox: &mut Outbox) {
        self.writer.abandon(false, outbox);
        self.greet(Stage::Begun);
        self.falls = 0;
    }

    fn greet(&mut self, stage: Stage) {
        self.writer.connect();
        (self.stage, self.start_is_due, self.waiting_since) = (stage, true, None);
    }

    fn end(&mut self, host_left: bool, outbox: &mut Outbox) {
        self.writer.abandon(host_left, outbox);
        (self.stage, self.start_is_due, self.waiting_since) = (Stage::Away, false, None);
        self.blank_was_early = false;
    }

    /// A host that begins with a blank line and whose connection was not seen, or which the device cannot tell.
    fn said(&mut self, bytes: &[u8], outbox: &mut Outbox) {
        let blank = bytes.first() == Some(&b'\n');
        match self.stage {
            Stage::Away if self.port.is_open() && !self.tells_host => {
                self.port.set_host(true);
                self.begin(outbox);
            }
            Stage::Away => self.blank_was_early |= blank,
            Stage::Open | Stage::Unread if blank && !self.blank_is_due => self.begin(outbox),
            Stage::Begun | Stage::Open | Stage::Unread => {}
        }
        self.blank_is_due &= !blank;
    }

    fn wrote(&mut self, count: usize, outbox: &mut Outbox, stats: &mut LinkStats) -> Option<BulkAction> {
        if count == 0 {
            return None;
        }
        self.waiting_since = None;
        stats.bytes_out += count as u64;
        let Written::Line { .. } = self.writer.wrote(count, outbox) else { return None };
        stats.lines_out += 1;
        stats.bulk_lines += 1;
        self.is_lost = false;
        let before = std::mem::replace(&mut self.stage, Stage::Open);
        let text = "the host reads the bulk port again".to_owned();
        (before == Stage::Unread).then(|| BulkAction::Log(self.level(Level::Info), text))
    }

    /// What takes nothing for too long gives back what waits for it.
    fn fall_back(&mut self, now: Duration, outbox: &mut Outbox, stats: &mut LinkStats) -> Option<BulkAction> {
        let due = self.waiting_since.filter(|_| self.stage == Stage::Open)?.saturating_add(UNREAD);
        if now < due {
            return None;
        }
        if now > due.saturating_add(SUSPENDED) {
            // The machine was suspended, and the host with it, perhaps.
            self.waiting_since = Some(now);
            return None;
        }
        self.writer.abandon(false, outbox);
        self.greet(Stage::Unread);
        self.falls += 1;
        stats.bulk_falls += 1;
        let text = format!(
            "the host has taken no byte from the bulk port for {} s: everything goes over the first port until it \
             reads again",
            UNREAD.as_secs()
        );
        Some(BulkAction::Log(self.level(Level::Warn), text))
    }

    /// A host that stops and goes on again and again is told once.
    fn level(&self, first: Level) -> Level {
        if self.falls <= 1 { first } else { Level::Debug }
    }
}

/// The session on the bulk port, for its driver.
#[derive(Debug)]
pub struct BulkSession<'a> {
    link: &'a mut Link,
}

impl BulkSession<'_> {
    /// The time of [`Link::bulk_deadline`] may have come.
    pub fn timer(&mut self, now: Now, actions: &mut Vec<BulkAction>) {
        let Link { bulk: Some(bulk), outbox, stats, .. } = &mut *self.link else { return };
        actions.extend(bulk.fall_back(now.mono, outbox, stats));
        if bulk.port.run_timer(now.mono) {
            actions.push(BulkAction::Open);
        }
        self.link.bulk_has_changed(now);
    }

    fn take(&mut self, now: Now, event: PortEvent<'_>, actions: &mut Vec<BulkAction>) {
        let Link { bulk: Some(bulk), outbox, stats, .. } = &mut *self.link else { return };
        match event {
            PortEvent::Opened { path, host } => {
                bulk.tells_host = host.is_some();
                bulk.port.opened(host == Some(true));
                let level = if bulk.is_lost { Level::Debug } else { Level::Info };
                actions.push(BulkAction::Log(level, format!("{path} is open as the bulk port")));
                if host == Some(true) {
                    bulk.came(outbox);
                }
            }
            PortEvent::OpenFailed(failure) => {
                let words = bulk.port.open_failed(now.mono, failure);
                actions.extend(words.map(|(level, text)| BulkAction::Log(level, text)));
            }
            PortEvent::HostConnected => bulk.came(outbox),
            PortEvent::HostDisconnected => {
                bulk.port.set_host(false);
                bulk.end(true, outbox);
            }
            PortEvent::Read(bytes) => bulk.said(bytes, outbox),
            PortEvent::Wrote(count) => actions.extend(bulk.wrote(count, outbox, stats)),
            PortEvent::IoFailed(reason) => self.lost(now, reason, actions),
            PortEvent::DeviceGone => self.lost(now, "its device is gone".to_owned(), actions),
            PortEvent::DevicesChanged => bulk.port.devices_changed(now.mono),
        }
    }

    fn lost(&mut self, now: Now, reason: String, actions: &mut Vec<BulkAction>) {
        let Link { bulk: Some(bulk), outbox, .. } = &mut *self.link else { return };
        bulk.end(false, outbox);
        bulk.port.lost(now.mono);
        let text = format!("the bulk port is lost: {reason}; everything goes over the first port");
        let told = std::mem::replace(&mut bulk.is_lost, true);
        actions.push(BulkAction::Log(if told { Level::Debug } else { Level::Info }, text));
        actions.push(BulkAction::Close(reason));
    }
}

impl Session for BulkSession<'_> {
    type Action = BulkAction;

    fn handle(&mut self, now: Now, event: PortEvent<'_>, actions: &mut Vec<BulkAction>) {
        self.take(now, event, actions);
        self.timer(now, actions);
    }

    fn pending_write(&mut self, now: Now) -> &[u8] {
        let Link { bulk: Some(bulk), outbox, keep_alive, .. } = &mut *self.link else { return &[] };
        if !bulk.port.has_host() {
            return &[];
        }
        let (start, start_is_due) = (&bulk.start, &mut bulk.start_is_due);
        let next = || {
            let first = std::mem::take(start_is_due).then(|| Item::Greeting(start.clone()));
            first.or_else(|| outbox.pop_bulk())
        };
        let bytes = bulk.writer.pending(now, next, keep_alive);
        let since = bulk.waiting_since.or(Some(now.mono));
        bulk.waiting_since = since.filter(|_| !bytes.is_empty());
        bytes
    }

    fn read_room(&self) -> usize {
        READ_BYTES
    }
}

impl Link {
    /// The same link, with a bulk port beside its own. `instance` is that of `hello`, `seed` decides the jitter of the back-off;
    /// where devices are watched, no timer looks for a port that is not there.
    #[must_use]
    pub fn with_bulk(mut self, instance: &str, seed: u64, devices_are_watched: bool) -> Self {
        self.bulk = Some(Box::new(Bulk::new(instance, seed, devices_are_watched)));
        self
    }

    /// The session on the bulk port; of a link without one it does nothing.
    pub fn bulk(&mut self) -> BulkSession<'_> {
        BulkSession { link: self }
    }

    /// When [`BulkSession::timer`] is wanted next, on the monotonic clock; `None`: never.
    pub fn bulk_deadline(&self) -> Option<Duration> {
        self.bulk.as_ref().and_then(|bulk| bulk.deadline())
    }

    /// Whether the bulk port takes what is for it.
    pub fn uses_bulk(&self) -> bool {
        self.outbox.uses_bulk()
    }

    /// What goes over the bulk port follows from where both ports stand.
    pub(super) fn route(&mut self) {
        let Some(bulk) = &mut self.bulk else { return };
        self.outbox.use_bulk(bulk.stage == Stage::Open && self.connection.is_connected());
        let compressed = self.writer.compression.is_on();
        if bulk.writer.compression.is_on() != compressed {
            bulk.writer.compression.accept(if compressed { &Codec::ALL } else { &[] });
        }
    }

    fn bulk_has_changed(&mut self, now: Now) {
        self.route();
        self.watch_progress(now);
    }
}
