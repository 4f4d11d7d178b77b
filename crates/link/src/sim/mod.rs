//! A deterministic simulator of the link's life: the real [`Link`](super::Link) and the real codec, a model port, a model host and a
//! model executor, simulated time, faults from a seed.
//!
//! Checked at each step: no response lost, doubled or out of order on its way into the port; each connection begins with a newline and
//! no line is torn but by a close; lines stamped with the time of their writing; heartbeats in time; answers before heartbeats and
//! metrics; of batches each command answered once, and the result last; no output after its response, samples in order, neither before
//! an answer or a heartbeat; compressed lines for a host that asked alone, and each readable from what the same connection brought; of two ports each line on one of them, nothing kept for the bulk port that takes nothing; bounds kept; no wake-up while no host is connected, no busy loop, nothing logged twice running. Checked when faults have
//! stopped: in touch again within 8 minutes, every command answered, no reconnection without a fault.
//!
//! What the medium loses (bytes taken by the port before a disconnect) the model host recovers as a real one would: it asks again
//! by the same id, and the executor replays.

pub mod bulk;
pub mod bulk_bytes;
pub mod checker;
pub mod commands;
pub mod compressed;
pub mod device;
pub mod executor;
mod faults;
mod guest;
pub mod host;
mod host_side;
pub mod lines;
pub mod queue;
pub mod subject;
#[cfg(test)]
mod tests;
pub mod watch;
pub mod world;

#[cfg(test)]
pub(crate) use guest::hello;
use std::fmt;
use std::time::Duration;
use subject::Mutation;
use world::World;

/// One life of the link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Life {
    /// Steps of the world.
    pub steps: u64,
    /// Faults.
    pub faults: u64,
    /// Whole lines that the port took.
    pub lines: u64,
    /// Commands answered by success.
    pub commands: u64,
    /// Answers cut because the outbox was full.
    pub cut: u64,
    /// Commands refused because it was.
    pub refused: u64,
    /// Results of batches that the host read.
    pub batches: u64,
    /// Samples and pieces of output that the port took.
    pub extras: u64,
    /// Samples and pieces of output that were left out.
    pub left_out: u64,
    /// Compressed lines that the port took.
    pub compressed: u64,
    /// Compressed lines that the host could not read, because they were damaged on their way.
    pub garbled: u64,
    /// Lines that the bulk port took.
    pub bulk_lines: u64,
    /// Times that the bulk port was given up, as its host did not read.
    pub bulk_falls: u64,
}

impl std::ops::AddAssign for Life {
    fn add_assign(&mut self, other: Self) {
        self.steps += other.steps;
        self.faults += other.faults;
        self.lines += other.lines;
        self.commands += other.commands;
        self.cut += other.cut;
        self.refused += other.refused;
        self.batches += other.batches;
        self.extras += other.extras;
        self.left_out += other.left_out;
        self.compressed += other.compressed;
        self.garbled += other.garbled;
        self.bulk_lines += other.bulk_lines;
        self.bulk_falls += other.bulk_falls;
    }
}

/// An invariant that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The seed with which it is found again.
    pub seed: u64,
    /// When in the simulated life.
    pub at: Duration,
    /// What.
    pub what: String,
    /// What was logged and which faults began, last.
    pub diary: Vec<String>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hours = self.at.as_secs_f64() / 3600.0;
        write!(f, "seed {}, after {hours:.3} simulated hours: {}", self.seed, self.what)?;
        for note in &self.diary {
            write!(f, "\n    {note}")?;
        }
        write!(f, "\nagain: cargo xtask soak --seed {} --hours {}", self.seed, hours.ceil().max(1.0))
    }
}

impl std::error::Error for Violation {}

/// Simulates one life of this many hours.
pub fn live(seed: u64, hours: u64, mutation: Option<Mutation>) -> Result<Life, Box<Violation>> {
    let mut world = World::new(seed, mutation);
    let found = world.run(Duration::from_secs(hours * 3600));
    found.map_err(|what| Box::new(Violation { seed, at: world.now(), what, diary: world.diary() }))?;
    Ok(world.life())
}
