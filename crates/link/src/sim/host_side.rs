//! What the host's end does in the simulated world.

use super::checker::Found;
use super::faults::Phase;
use super::queue::Happening;
use super::world::World;
use std::time::Duration;

/// Commands that the host has open at once.
const MAX_OPEN: usize = 200;
const ROUNDS: Duration = Duration::from_secs(30);

impl World {
    pub(super) fn host_reads(&mut self) -> Found {
        self.host_reads_due = false;
        if !self.device.host || self.host.stalled {
            return Ok(());
        }
        let mut bytes = Vec::new();
        self.device.host_reads(&mut bytes);
        for number in self.host.read(&bytes)? {
            let jitter = Duration::from_micros(self.rng.u64(..1000));
            self.later(self.latency + jitter, Happening::Answer(number));
        }
        if self.host.compression.take_reset() {
            self.host_says("{\"type\":\"ZReset\"}\n");
        }
        if self.blocked {
            self.guest_notices();
        }
        Ok(())
    }

    pub(super) fn host_answers(&mut self, number: u64) {
        let kind = if self.rng.bool() { "KeepAliveResponse" } else { "keep_alive_response" };
        self.host_says(&format!("{{\"type\":\"{kind}\",\"sequence_number\":{number}}}\n"));
    }

    pub(super) fn host_comes(&mut self) {
        if self.device.host {
            return;
        }
        self.device.host = true;
        self.watch.host_changed();
        if self.device.tells_host {
            self.host.connects();
        }
        self.guest_notices();
        self.host_introduces_itself();
        if self.device.has_output() {
            self.host_notices();
        }
    }

    /// A host that knows of compression begins with a blank line, and asks for it or not: its successor may be another one.
    fn host_introduces_itself(&mut self) {
        if self.compressing {
            self.host.compression.wanted = self.rng.bool();
            self.host_says("\n");
            self.host_wants_compression();
        }
    }

    fn host_wants_compression(&mut self) {
        if self.host.compression.wanted {
            self.host_says("{\"type\":\"Hello\",\"accept\":[\"lz4\"]}\n");
        }
    }

    pub(super) fn host_leaves(&mut self) {
        if self.device.host && matches!(self.phase, Phase::Chaos | Phase::Alone) {
            self.device.host_leaves(&mut self.rng);
            self.guest_notices();
        }
    }

    /// Every half minute: what was not answered is asked again, and sometimes something new.
    pub(super) fn host_rounds(&mut self) {
        self.later(ROUNDS, Happening::HostRounds);
        if !self.device.host || self.host.stalled {
            return;
        }
        for line in self.host.repeat(self.now) {
            self.host_says(&line);
        }
        // The guest may have opened its port anew, of which a host learns nothing.
        if self.rng.u8(..8) == 0 {
            self.host_wants_compression();
        }
        let asks = matches!(self.phase, Phase::Chaos | Phase::Normal);
        if asks && self.rng.u8(..4) == 0 {
            self.host_commands(1);
        }
    }

    pub(super) fn host_commands(&mut self, count: usize) {
        for _ in 0..count.min(MAX_OPEN.saturating_sub(self.host.open())) {
            let line = self.host.command(self.now, &mut self.rng);
            if !self.host_says(&line) {
                self.host.unsend();
            }
        }
    }

    /// The host writes, if it can.
    pub(super) fn host_says(&mut self, line: &str) -> bool {
        let taken = self.device.host_writes(line.as_bytes());
        if taken {
            self.guest_notices();
        }
        taken
    }
}
