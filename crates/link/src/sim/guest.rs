//! The model of `service::run`: carries out the link's actions, moves bytes, collects, runs commands.

use super::super::{Action, Event, Outgoing, PortEvent};
use super::checker::Found;
use super::commands::id_of;
use super::queue::Happening;
use super::world::World;
use infiniservice_protocol::guest::{Features, Hello};
use infiniservice_protocol::metrics::{Process, SystemMetrics};
use infiniservice_protocol::tags::Tags;
use infiniservice_protocol::{GuestMessage, HostMessage, Limits};
use std::time::Duration;

const SLOW_EDGE: Duration = Duration::from_millis(100);
/// A device that came is tried at once, or when the bucket of such attempts has a token again.
const ATTEMPT_WITHIN: Duration = Duration::from_millis(1001);
const HEALTH_CHECK: Duration = Duration::from_secs(60);

impl World {
    pub(super) fn in_guest(&mut self, what: Happening) -> Found {
        match what {
            Happening::GuestEdge => self.edge(),
            Happening::Done(id) => {
                let answers = self.executor.finish(self.now, &id);
                self.answer_all(answers)
            }
            Happening::Piece(id, seq) => self.piece(id, seq),
            Happening::Sample(subscription) => self.sample_is_due(subscription),
            Happening::Collect => {
                let interval = Duration::from_secs(if self.degraded { 120 } else { 30 });
                self.later(interval, Happening::Collect);
                if self.subject.link().is_host_connected() {
                    self.later(Duration::from_millis(30), Happening::Collected(None));
                }
                Ok(())
            }
            Happening::Collected(request_id) => {
                let mut metrics = SystemMetrics { request_id, ..SystemMetrics::default() };
                if self.compressing {
                    metrics.data.processes = processes(&mut self.rng);
                }
                self.send(GuestMessage::SystemMetrics(metrics))
            }
            Happening::HealthCheck => {
                self.later(HEALTH_CHECK, Happening::HealthCheck);
                self.drive(Event::HealthCheck)
            }
            Happening::DevicesChanged => {
                if !self.device.open {
                    self.attempt_due = self.attempt_due.or(Some(self.now + ATTEMPT_WITHIN));
                }
                self.drive(Event::Port(PortEvent::DevicesChanged))?;
                self.bulk_devices_changed()
            }
            _ => Ok(()),
        }
    }

    /// Tells the link, and does what it asks for.
    pub(super) fn drive(&mut self, event: Event<'_>) -> Found {
        self.checker.step += 1;
        let clock = self.clock();
        let mut actions = std::mem::take(&mut self.actions);
        self.subject.handle(clock, event, &mut actions);
        // The link has heard all of what it delivers.
        for action in &actions {
            if let Action::Deliver(HostMessage::Hello { accept, .. }) = action {
                self.checker.compression.asked(!accept.is_empty());
            }
        }
        for action in actions.drain(..) {
            self.act(action)?;
        }
        self.actions = actions;
        if std::mem::take(&mut self.want_write) { self.pump() } else { Ok(()) }
    }

    fn act(&mut self, action: Action) -> Found {
        match action {
            Action::Open => self.open(),
            Action::Close(_) => {
                self.watch.closes += 1;
                self.streams.clear();
                self.known_host = None;
                self.device.close(&mut self.rng);
                self.checker.closed()
            }
            Action::Write => {
                self.want_write = true;
                Ok(())
            }
            Action::Deliver(message) => self.deliver(message),
            Action::CollectMetrics => {
                self.later(Duration::from_millis(30), Happening::Collected(None));
                Ok(())
            }
            Action::QualityChanged { to, .. } => {
                self.degraded = to.is_degraded();
                Ok(())
            }
            Action::NoRoom(command) => match id_of(&command) {
                Some(id) => {
                    let answer = self.executor.turn_away(self.now, id);
                    self.drive(Event::TurnedAway(answer))
                }
                None => Err(format!("no room for what needs none: {command:?}")),
            },
            Action::Refused(_)
            | Action::RefusedLeftOut(_)
            | Action::NewestSigned(_)
            | Action::DeliverLine(_)
            | Action::Left(_) => Ok(()),
            Action::Log(level, text) => self.watch.log(self.now, level, &text),
        }
    }

    fn open(&mut self) -> Found {
        self.watch.open(self.now)?;
        self.attempt_due = None;
        match self.device.open() {
            Err(failure) => self.drive(Event::Port(PortEvent::OpenFailed(failure))),
            Ok(host) => {
                self.known_host = host;
                if host != Some(false) {
                    self.checker.connected();
                }
                self.guest_notices();
                self.drive(Event::Port(PortEvent::Opened { path: "/dev/vport1p1", host }))
            }
        }
    }

    fn deliver(&mut self, message: HostMessage) -> Found {
        match message {
            HostMessage::Metrics { id } => {
                self.later(Duration::from_millis(50), Happening::Collected(id));
                Ok(())
            }
            HostMessage::Hello { .. } => self.send(GuestMessage::Hello(hello())),
            HostMessage::SafeCommand(command) => self.command(command),
            HostMessage::Batch(batch) => self.batch(&batch),
            HostMessage::Cancel { id, target } => {
                let answers = self.executor.cancel(self.now, &id, &target);
                self.answer_all(answers)
            }
            HostMessage::Subscribe(request) => self.subscribe(&request.id),
            HostMessage::Unsubscribe(request) => self.unsubscribe(&request),
            other => Err(format!("delivered, but not for the service: {other:?}")),
        }
    }

    pub(super) fn send(&mut self, message: GuestMessage) -> Found {
        self.drive(Event::Send(Outgoing { message }))
    }

    /// The port became ready for something.
    fn edge(&mut self) -> Found {
        self.edge_due = false;
        if !self.device.open {
            return Ok(());
        }
        if self.device.dead {
            return self.drive(Event::Port(PortEvent::DeviceGone));
        }
        let input_first = self.rng.bool();
        if input_first {
            self.take_input()?;
        }
        self.tell_host()?;
        self.take_input()?;
        self.pump()
    }

    fn tell_host(&mut self) -> Found {
        if !self.device.open || !self.device.tells_host || self.known_host == Some(self.device.host) {
            return Ok(());
        }
        self.known_host = Some(self.device.host);
        if self.device.host {
            self.checker.connected();
            self.drive(Event::Port(PortEvent::HostConnected))
        } else {
            self.checker.host_left();
            self.streams.clear();
            self.drive(Event::Port(PortEvent::HostDisconnected))
        }
    }

    fn take_input(&mut self) -> Found {
        while self.may_read() {
            if self.device.broken {
                return self.drive(Event::Port(PortEvent::IoFailed("EIO on read".into())));
            }
            let mut buffer = std::mem::take(&mut self.buffer);
            let max = self.rng.usize(1..=65_536).min(self.subject.link().read_room());
            self.device.guest_reads(max, &mut buffer);
            let found = self.drive(Event::Port(PortEvent::Read(&buffer)));
            self.buffer = buffer;
            found?;
        }
        Ok(())
    }

    fn may_read(&self) -> bool {
        self.device.open && self.device.has_input() && self.subject.link().read_room() > 0
    }

    /// Writes until nothing waits or the port would block; then what was left unread for want of room may be read.
    pub(super) fn pump(&mut self) -> Found {
        self.write_all()?;
        if self.may_read() {
            self.guest_notices();
        }
        Ok(())
    }

    fn write_all(&mut self) -> Found {
        self.blocked = false;
        while self.device.open {
            let clock = self.clock();
            let bytes = self.subject.pending_write(clock);
            if bytes.is_empty() {
                break;
            }
            if self.device.dead {
                return self.drive(Event::Port(PortEvent::DeviceGone));
            }
            if self.device.broken {
                return self.drive(Event::Port(PortEvent::IoFailed("EIO on write".into())));
            }
            self.checker.offer(clock, bytes)?;
            let count = self.device.write(bytes, &mut self.rng);
            if count == 0 {
                self.blocked = true;
                break;
            }
            self.checker.accept(bytes, count)?;
            self.host_notices();
            self.drive(Event::Port(PortEvent::Wrote(count)))?;
            if self.device.slow {
                self.later(SLOW_EDGE, Happening::GuestEdge);
                break;
            }
        }
        Ok(())
    }

    /// An edge for the guest's driver, a little later; edges before it has looked are one.
    pub(super) fn guest_notices(&mut self) {
        if !std::mem::replace(&mut self.edge_due, true) {
            let after = Duration::from_micros(self.rng.u64(..3000));
            self.later(after, Happening::GuestEdge);
        }
    }

    /// The host finds output, a little later.
    pub(super) fn host_notices(&mut self) {
        if !self.host.stalled && !std::mem::replace(&mut self.host_reads_due, true) {
            let after = Duration::from_micros(self.rng.u64(..3000));
            self.later(after, Happening::HostReads);
        }
    }
}

/// Enough that the line is worth compressing, mostly; from one line to the next a few figures move.
fn processes(rng: &mut fastrand::Rng) -> Vec<Process> {
    let process = |pid| Process {
        pid,
        name: format!("worker-{pid}"),
        cpu_percent: f64::from(rng.u8(..8)),
        ..Process::default()
    };
    (1..20).map(process).collect()
}

pub(crate) fn hello() -> Hello {
    Hello {
        agent_version: "0".into(),
        protocol_version: 1,
        platform: "linux".into(),
        os: "model".into(),
        vm_id: None,
        tags: Tags::default(),
        capabilities: Vec::new(),
        limits: Limits::default(),
        configuration_error: None,
        instance: String::new(),
        started_at: String::new(),
        features: Features::default(),
        channels: Vec::new(),
        timestamp: None,
    }
}
