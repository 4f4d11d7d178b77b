//! Faults, and the phases that they come in: chaos, settling (faults have stopped, all must come right), normal life.

use super::checker::Found;
use super::device::Refusal;
use super::queue::{BulkHappening, Happening, Passing};
use super::world::World;
use std::ops::Range;
use std::time::Duration;

/// After this long without faults the link must be in touch: the longest back-off, a heartbeat's timeout, the breaker's wait,
/// and some for the host's part.
const TOUCH_WITHIN: Duration = Duration::from_secs(300 + 60 + 60 + 60);
/// And after this long all commands must be answered.
const ANSWERED_WITHIN: Duration = Duration::from_secs(1500);

/// The phases of a simulated life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Faults have stopped.
    Settling,
    /// The link is in touch; answers may still come in.
    Answering,
    /// No faults, ordinary traffic. No reconnection may happen: their number at the start.
    Normal,
    /// No host for hours: nothing may happen.
    Alone,
    /// Faults.
    Chaos,
}

impl World {
    pub(super) fn begin(&mut self) {
        let first = Duration::from_millis(self.rng.u64(..20_000));
        self.later(first, Happening::HostComes);
        self.later(Duration::from_secs(1), Happening::HostRounds);
        self.later(Duration::from_secs(2), Happening::Collect);
        self.later(Duration::from_secs(60), Happening::HealthCheck);
        self.later(TOUCH_WITHIN, Happening::Phase);
        self.later(first, Happening::Bulk(BulkHappening::HostComes));
    }

    pub(super) fn next_phase(&mut self) -> Found {
        let (phase, length) = match self.phase {
            Phase::Settling => {
                self.must_be_in_touch()?;
                (Phase::Answering, ANSWERED_WITHIN)
            }
            Phase::Answering => {
                self.must_have_answered()?;
                self.watch.closes = 0;
                self.host.compression.garble();
                (Phase::Normal, Duration::from_secs(self.rng.u64(..10_800)))
            }
            Phase::Normal => {
                self.must_not_have_reconnected()?;
                self.host.compression.must_read()?;
                self.alone_or_in_trouble()
            }
            Phase::Alone => {
                self.later(Duration::ZERO, Happening::HostComes);
                self.trouble()
            }
            Phase::Chaos => {
                self.faults_stop();
                (Phase::Settling, TOUCH_WITHIN)
            }
        };
        self.phase = phase;
        self.phase_ends = self.now + length;
        self.later(length, Happening::Phase);
        Ok(())
    }

    fn alone_or_in_trouble(&mut self) -> (Phase, Duration) {
        if self.rng.u8(..8) > 0 {
            return self.trouble();
        }
        self.later(Duration::ZERO, Happening::HostLeaves);
        (Phase::Alone, Duration::from_secs(self.rng.u64(3600..28_800)))
    }

    fn trouble(&mut self) -> (Phase, Duration) {
        self.later(Duration::from_secs(1), Happening::Fault);
        (Phase::Chaos, Duration::from_secs(self.rng.u64(300..3600)))
    }

    fn must_be_in_touch(&self) -> Found {
        let breaker = self.subject.link().breaker_state();
        if self.subject.is_healthy() {
            return Ok(());
        }
        Err(format!("not in touch {} s after the last fault; breaker {breaker:?}", TOUCH_WITHIN.as_secs()))
    }

    fn must_have_answered(&mut self) -> Found {
        if self.host.open() > 0 || !self.executor.is_idle() || !self.subject.link().is_drained() {
            let (open, idle) = (self.host.open(), self.executor.is_idle());
            let drained = self.subject.link().is_drained();
            return Err(format!(
                "{open} commands unanswered long after the faults; executor idle {idle}, outbox drained {drained}"
            ));
        }
        match self.subject.link().owed_requests() {
            0 => {}
            owed => return Err(format!("{owed} requests for metrics unanswered long after the faults")),
        }
        self.host.compression.must_read()?;
        self.checker.must_have_all()?;
        self.host.forget();
        self.checker.forget();
        self.must_not_have_reconnected()
    }

    fn must_not_have_reconnected(&self) -> Found {
        match (self.phase, self.watch.closes) {
            (Phase::Normal, 1..) => Err("it reconnected although there was no fault".into()),
            _ => self.must_be_in_touch(),
        }
    }

    fn faults_stop(&mut self) {
        self.device.refusal = None;
        self.device.broken = false;
        self.device.slow = false;
        self.device.loosen();
        self.host.silent = false;
        self.host.stalled = false;
        self.host_notices();
        self.later(Duration::from_millis(5), Happening::HostComes);
        self.later(Duration::from_millis(9), Happening::Replug);
        self.bulk_faults_stop();
        self.guest_notices();
    }

    pub(super) fn replug(&mut self) {
        if !self.device.present {
            self.device.present = true;
            self.devices_change(3);
        }
    }

    fn devices_change(&mut self, times: usize) {
        for _ in 0..times {
            let after = Duration::from_millis(self.rng.u64(..400));
            self.later(after, Happening::DevicesChanged);
        }
    }

    pub(super) fn fault(&mut self) {
        if self.phase != Phase::Chaos {
            return;
        }
        self.faults += 1;
        let pause = self.some_millis(10..19);
        self.later(pause, Happening::Fault);
        if self.bulk.is_some() && self.rng.u8(..3) == 0 {
            return self.bulk_fault();
        }
        let fault = self.rng.u32(..20);
        self.watch.note(self.now, format!("fault {fault}"));
        match fault {
            0 | 1 => self.restart_host(),
            2 => self.blink(),
            3 => self.lasting(Passing::Stall, 120),
            4 => self.lasting(Passing::Silence, 600),
            5 => self.lasting(Passing::Refusal, 900),
            6 => self.lasting(Passing::Broken, 60),
            7 => self.lasting(Passing::Slow, 20),
            8 => self.flood_of_commands(),
            9 => self.flood_of_questions(),
            10 => self.garbage(),
            11 => self.oversized_line(),
            12 | 13 => self.unplug(),
            14 => self.wall_ms = self.rng.u64(..4_000_000_000_000),
            15 => self.freeze(),
            16 => self.storm_of_devices(),
            17 => self.lasting(Passing::Tight, 60),
            18 => self.host.compression.garble(),
            _ => self.wrong_answers(),
        }
    }

    fn lasting(&mut self, passing: Passing, most_secs: u64) {
        let refusals = [Refusal::Busy, Refusal::Denied, Refusal::Other];
        match passing {
            Passing::Stall => self.host.stalled = true,
            Passing::Silence => self.host.silent = true,
            Passing::Slow => self.device.slow = true,
            Passing::Tight => self.device.tight = true,
            Passing::Broken => self.device.broken = true,
            Passing::Refusal => {
                self.device.refusal = self.rng.choice(refusals);
                self.lasting(Passing::Broken, 2);
            }
        }
        let length = Duration::from_millis(self.rng.u64(..most_secs * 1000));
        self.later(length, Happening::FaultEnds(passing));
    }

    pub(super) fn fault_ends(&mut self, passing: Passing) {
        match passing {
            Passing::Stall => {
                self.host.stalled = false;
                self.host_notices();
            }
            Passing::Silence => self.host.silent = false,
            Passing::Slow => self.device.slow = false,
            Passing::Tight => self.device.loosen(),
            Passing::Broken => self.device.broken = false,
            Passing::Refusal => self.device.refusal = None,
        }
        self.guest_notices();
    }

    fn restart_host(&mut self) {
        // Half a line, as a host that dies leaves it.
        if self.rng.bool() {
            self.host_says("{\"type\":\"SafeCommand\",\"id\":\"torn");
        }
        let soon = Duration::from_micros(self.rng.u64(..5000));
        self.later(soon, Happening::HostLeaves);
        let away = Duration::from_millis(10) + self.some_millis(8..21);
        self.later(away, Happening::HostComes);
    }

    /// Gone and back before the guest looks.
    fn blink(&mut self) {
        self.later(Duration::ZERO, Happening::HostLeaves);
        self.later(Duration::ZERO, Happening::HostComes);
    }

    fn flood_of_commands(&mut self) {
        let count = self.rng.usize(10..150);
        self.host_commands(count);
    }

    fn flood_of_questions(&mut self) {
        for number in 0..self.rng.usize(10..300) {
            let line = match self.rng.u8(..4) {
                0 => "{\"type\":\"Metrics\"}\n".to_owned(),
                1 => format!("{{\"type\":\"Metrics\",\"id\":\"m{number}\"}}\n"),
                2 => "{\"type\":\"Hello\"}\n".to_owned(),
                _ => self.host.ping(),
            };
            self.host_says(&line);
        }
    }

    fn garbage(&mut self) {
        for number in 0..self.rng.usize(1..200) {
            let line = match self.rng.u8(..4) {
                0 => "no JSON at all\n".to_owned(),
                1 => format!("{{\"type\":\"Reboot\",\"id\":\"g{number}\"}}\n"),
                2 => "\u{0}\u{7f}{{{{[[[\"\n".to_owned(),
                _ => format!("{{\"type\":\"SafeCommand\",\"id\":\"g{number}\",\"command_type\":7}}\n"),
            };
            self.host_says(&line);
        }
    }

    fn oversized_line(&mut self) {
        let mut line = "x".repeat(self.rng.usize(10_000..100_000));
        line.push('\n');
        self.host_says(&line);
    }

    fn unplug(&mut self) {
        self.device.unplug();
        self.guest_notices();
        self.devices_change(1);
        let away = self.some_millis(4..20);
        self.later(away, Happening::Replug);
    }

    fn freeze(&mut self) {
        let length = self.some_millis(10..23);
        self.frozen_until = self.frozen_until.max((self.now + length).min(self.phase_ends));
    }

    fn storm_of_devices(&mut self) {
        let times = self.rng.usize(10..300);
        for _ in 0..times {
            let after = Duration::from_millis(self.rng.u64(..30_000));
            self.later(after, Happening::DevicesChanged);
        }
    }

    /// A time whose magnitude is random too: up to 2 to the power of one of `bits`.
    fn some_millis(&mut self, bits: Range<u32>) -> Duration {
        let bits = self.rng.u32(bits);
        Duration::from_millis(self.rng.u64(..1 << bits))
    }

    fn wrong_answers(&mut self) {
        for _ in 0..self.rng.u32(1..50) {
            let number = self.rng.u64(..100_000);
            self.host_says(&format!("{{\"type\":\"KeepAliveResponse\",\"sequence_number\":{number}}}\n"));
        }
    }
}
