//! The simulated world: the link, the model driver around it, the port, the host; and the loop over what happens.

use super::super::{Action, Event, LinkSettings};
use super::Life;
use super::bulk::Side;
use super::checker::{Checker, Found};
use super::device::Device;
use super::executor::Executor;
use super::faults::Phase;
use super::host::Host;
use super::queue::{BulkHappening, Happening, Queue};
use super::subject::{Mutation, Subject};
use super::watch::{Moment, Watch};
use infiniservice_protocol::Limits;
use infiniservice_protocol::clock::Now;
use infiniservice_protocol::compression::DICTIONARY_BYTES;
use std::time::{Duration, UNIX_EPOCH};

/// Small bounds, so that they are reached often: 15 commands in flight, or 30.
const OUTBOX_MAX: [usize; 2] = [256 * 1024, 2 << 20];
const MAX_LINE: usize = 16 * 1024;
const MAX_OUT_LINE: usize = 128 * 1024;
/// What the link may hold beside the answers: one line out on each port, one line and one chunk in, a dictionary, small change, and what may be
/// lost: output, and a sample of each stream.
const HELD_BESIDE: usize = 4 * MAX_OUT_LINE + 2 * MAX_LINE + 3 * 64 * 1024 + DICTIONARY_BYTES + EXTRAS_MAX;
/// See [`HELD_BESIDE`].
const EXTRAS_MAX: usize = (1 << 20) + 64 * 1024;

/// A stream of samples.
#[derive(Clone, Copy, Debug)]
pub struct Streaming {
    /// Its number.
    pub(super) subscription: u64,
    /// The last sample.
    pub(super) seq: u64,
}

/// A world from one seed.
#[derive(Debug)]
pub struct World {
    pub(super) rng: fastrand::Rng,
    pub(super) now: Duration,
    /// The wall clock's lead over the monotonic one, in ms since 1970.
    pub(super) wall_ms: u64,
    pub(super) subject: Subject,
    pub(super) queue: Queue,
    pub(super) device: Device,
    pub(super) host: Host,
    /// Hosts of this world may ask for compressed lines.
    pub(super) compressing: bool,
    pub(super) executor: Executor,
    pub(super) streams: Vec<Streaming>,
    pub(super) last_stream: u64,
    /// In some worlds.
    pub(super) bulk: Option<Side>,
    pub(super) checker: Checker,
    pub(super) watch: Watch,
    pub(super) phase: Phase,
    pub(super) phase_ends: Duration,
    /// What the link was told of the host.
    pub(super) known_host: Option<bool>,
    pub(super) edge_due: bool,
    pub(super) host_reads_due: bool,
    /// The guest is suspended until then.
    pub(super) frozen_until: Duration,
    pub(super) latency: Duration,
    pub(super) degraded: bool,
    pub(super) want_write: bool,
    /// The guest's last write would have blocked: room is an edge to it.
    pub(super) blocked: bool,
    /// A device may have come while no port was open: an attempt must follow until then.
    pub(super) attempt_due: Option<Duration>,
    pub(super) actions: Vec<Action>,
    pub(super) buffer: Vec<u8>,
    /// Steps taken.
    steps: u64,
    /// Faults begun.
    pub(super) faults: u64,
}

impl World {
    /// The world of this seed, with the link broken or whole.
    pub fn new(seed: u64, mutation: Option<Mutation>) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let outbox_max = OUTBOX_MAX[usize::from(rng.bool())];
        let limits = Limits {
            outbox_max_bytes: outbox_max,
            max_line_bytes: MAX_LINE,
            max_outgoing_line_bytes: MAX_OUT_LINE,
            ..Limits::default()
        };
        let settings = LinkSettings { limits, ..LinkSettings::default() };
        let settings = if rng.u8(..4) == 0 { settings.aggressive() } else { settings };
        let tells_host = rng.u8(..4) != 0;
        let capacity = 1 << rng.u32(12..18);
        let latency = Duration::from_millis(1 << rng.u32(..10));
        let compressing = rng.u8(..4) == 0;
        let bulk = rng.bool().then(|| Side::new(rng.u8(..4) != 0, 1 << rng.u32(12..18)));
        let has_bulk = bulk.is_some();
        let mut world = Self {
            now: Duration::ZERO,
            wall_ms: 1_700_000_000_000,
            subject: Subject::new(settings, seed, has_bulk, mutation),
            queue: Queue::default(),
            device: Device::new(tells_host, capacity),
            host: Host::new(has_bulk),
            compressing,
            executor: Executor::default(),
            streams: Vec::new(),
            last_stream: 0,
            bulk,
            checker: Checker::new(has_bulk),
            watch: Watch::new(outbox_max, outbox_max + HELD_BESIDE),
            phase: Phase::Settling,
            phase_ends: Duration::ZERO,
            known_host: None,
            edge_due: false,
            host_reads_due: false,
            frozen_until: Duration::ZERO,
            latency,
            degraded: false,
            want_write: false,
            blocked: false,
            attempt_due: None,
            actions: Vec::new(),
            buffer: Vec::new(),
            steps: 0,
            faults: 0,
            rng,
        };
        world.begin();
        world
    }

    /// Lives until `end`; the error says what was found wrong.
    pub fn run(&mut self, end: Duration) -> Found {
        while self.now < end {
            self.step()?;
        }
        Ok(())
    }

    /// The simulated time.
    pub fn now(&self) -> Duration {
        self.now
    }

    /// What was logged and which faults began, last.
    pub fn diary(&self) -> Vec<String> {
        self.watch.diary()
    }

    /// What has happened in it.
    pub fn life(&self) -> Life {
        let (lines, commands) = (self.checker.lines, self.host.done);
        let stats = self.subject.link().stats();
        let (cut, refused) = (stats.responses_cut, stats.commands_refused);
        let (batches, extras) = (self.host.batches, self.checker.extras);
        let left_out = stats.samples_left_out + stats.output_left_out;
        Life {
            steps: self.steps,
            faults: self.faults,
            lines,
            commands,
            cut,
            refused,
            batches,
            extras,
            left_out,
            compressed: self.checker.compression.lines,
            garbled: self.host.compression.garbled,
            bulk_lines: stats.bulk_lines,
            bulk_falls: stats.bulk_falls,
        }
    }

    pub(super) fn clock(&self) -> Now {
        let wall = UNIX_EPOCH + Duration::from_millis(self.wall_ms) + self.now;
        Now { mono: self.now, wall }
    }

    pub(super) fn later(&mut self, after: Duration, what: Happening) {
        self.queue.push(self.now + after, what);
    }

    fn step(&mut self) -> Found {
        self.steps += 1;
        let deadline = self.subject.next_deadline().map(|due| due.max(self.frozen_until).max(self.now));
        let next = self.queue.next_at().unwrap_or(Duration::MAX);
        let bulk = self.subject.bulk_deadline().map(|due| due.max(self.frozen_until).max(self.now));
        if let Some(due) = bulk.filter(|due| *due <= next.min(deadline.unwrap_or(Duration::MAX))) {
            self.now = due;
            self.watch.timer(due)?;
            self.bulk_timer()?;
            self.watch.served(self.now, self.subject.bulk_deadline())?;
        } else if let Some(due) = deadline.filter(|due| *due <= next) {
            self.now = due;
            self.watch.timer(due)?;
            self.drive(Event::Timer)?;
            self.watch.served(self.now, self.subject.next_deadline())?;
        } else if let Some(what) = self.queue.pop() {
            self.now = next.max(self.now);
            self.happen(what)?;
        }
        if self.bulk.is_some() && self.frozen_until <= self.now {
            self.bulk_turn()?;
        }
        self.check()
    }

    fn check(&mut self) -> Found {
        let hindered = self.host.stalled
            || self.device.slow
            || self.device.tight
            || self.device.broken
            || self.frozen_until > self.now
            || self.checker.waiting() > 0;
        let connected = self.device.open && self.device.host && self.known_host != Some(false);
        let moment = Moment {
            now: self.now,
            attempt_due: self.attempt_due.map(|due| due.max(self.frozen_until)),
            calm: connected && !hindered,
            host_away: self.device.open && self.known_host == Some(false),
            deadline: self.subject.next_deadline(),
            last_heartbeat: self.checker.last_heartbeat_at,
            waiting: self.subject.link().waiting_bytes(),
            held: self.subject.link().held_bytes(),
        };
        if !self.bulk_is_at_rest() {
            return Err("it would wake up for the bulk port, although no host is there".into());
        }
        self.watch.check(&moment)
    }

    fn happen(&mut self, what: Happening) -> Found {
        match what {
            Happening::HostReads => return self.host_reads(),
            Happening::Phase => return self.next_phase(),
            Happening::HostComes => self.host_comes(),
            Happening::HostLeaves => self.host_leaves(),
            Happening::HostRounds => self.host_rounds(),
            Happening::Answer(number) => self.host_answers(number),
            Happening::Replug => self.replug(),
            Happening::Fault => self.fault(),
            Happening::Bulk(BulkHappening::Edge) if self.frozen_until > self.now => {
                self.queue.push(self.frozen_until, Happening::Bulk(BulkHappening::Edge));
            }
            Happening::Bulk(what) => return self.bulk_happens(what),
            Happening::FaultEnds(passing) => self.fault_ends(passing),
            in_guest if self.frozen_until > self.now => self.queue.push(self.frozen_until, in_guest),
            in_guest => return self.in_guest(in_guest),
        }
        Ok(())
    }
}
