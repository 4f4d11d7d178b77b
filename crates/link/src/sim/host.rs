//! The model host: sends commands and pings, answers heartbeats, asks again for what was not answered.

use super::checker::Found;
use super::compressed::Reading;
use super::lines::{self, Line, PING_BASE};
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

/// A host asks again for an answer that did not come in this time.
const TIMEOUT: Duration = Duration::from_secs(90);
/// Most questions repeated at once.
const REPEATED: usize = 15;

#[derive(Debug, Default)]
struct Command {
    line: String,
    /// The commands of a batch.
    members: Range<u64>,
    /// It belongs to a batch, with which it is asked again.
    is_member: bool,
    asked: u32,
    answered: u32,
    done: bool,
    last_asked: Duration,
}

/// The model host.
#[derive(Debug, Default)]
pub struct Host {
    line: Vec<u8>,
    commands: BTreeMap<u64, Command>,
    open: usize,
    last_command: u64,
    last_tag: u64,
    pings: u64,
    /// Takes heartbeats without answering them.
    pub silent: bool,
    /// Has stopped reading.
    pub stalled: bool,
    /// Whole lines read.
    pub lines: u64,
    /// Commands answered by success.
    pub done: u64,
    /// Results of batches.
    pub batches: u64,
    /// It reads the bulk port too: between the two there is no order.
    has_bulk: bool,
    /// Its end of compressed lines.
    pub compression: Reading,
}

impl Host {
    /// A host that reads a bulk port too, or only the other one.
    pub fn new(has_bulk: bool) -> Self {
        Self { has_bulk, ..Self::default() }
    }

    /// A new connection: what was half read is void.
    pub fn connects(&mut self) {
        self.line.clear();
        self.compression.begins();
    }

    /// Takes bytes of the guest; returns the heartbeats to be answered.
    pub fn read(&mut self, bytes: &[u8]) -> Result<Vec<u64>, String> {
        let mut heartbeats = Vec::new();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                let mut line = std::mem::take(&mut self.line);
                heartbeats.extend(self.take(line.trim_ascii())?);
                line.clear();
                line.shrink_to(1 << 16);
                self.line = line;
            }
        }
        Ok(heartbeats)
    }

    /// Takes a line of the bulk port, as it was before it was compressed.
    pub fn take_bulk(&mut self, line: &[u8]) -> Found {
        self.lines += 1;
        match lines::read(line) {
            Some(Line::Response { id, tag, settled }) => self.response(&id, tag, settled),
            Some(Line::BatchResult { id, tag }) => self.batch_result(&id, tag),
            _ => Ok(()),
        }
    }

    /// Something new to ask for, as a line: mostly a command, sometimes a batch, a stream, or the end of what was asked for.
    pub fn command(&mut self, now: Duration, rng: &mut fastrand::Rng) -> String {
        match rng.u8(..32) {
            0..3 => self.batch(now, rng),
            3 if self.last_command > 0 => {
                let target = self.last_command - rng.u64(..self.last_command.min(12));
                self.ask(now, |id| format!("{{\"type\":\"Cancel\",\"id\":\"c{id}\",\"target\":\"c{target}\"}}\n"))
            }
            4 => self.ask(now, |id| {
                format!("{{\"type\":\"Subscribe\",\"id\":\"c{id}\",\"interval_ms\":250,\"fields\":[\"system.cpu\"],\"lease_secs\":30}}\n")
            }),
            5 => {
                let stream = rng.u64(1..9);
                self.ask(now, |id| {
                    format!("{{\"type\":\"Unsubscribe\",\"id\":\"c{id}\",\"subscription\":{stream}}}\n")
                })
            }
            kind => self.ask(now, |id| command_json(id, kind < 10) + "\n"),
        }
    }

    fn ask(&mut self, now: Duration, line: impl FnOnce(u64) -> String) -> String {
        self.last_command += 1;
        self.open += 1;
        let line = line(self.last_command);
        let command = Command { line: line.clone(), asked: 1, last_asked: now, ..Command::default() };
        self.commands.insert(self.last_command, command);
        line
    }

    fn batch(&mut self, now: Duration, rng: &mut fastrand::Rng) -> String {
        let members = self.last_command + 1..self.last_command + 1 + rng.u64(1..9);
        let mut commands = Vec::new();
        for member in members.clone() {
            commands.push(command_json(member, false));
            self.ask(now, |_| String::new());
            if let Some(command) = self.commands.get_mut(&member) {
                command.is_member = true;
            }
        }
        let commands = commands.join(",");
        let line = self
            .ask(now, |id| format!("{{\"type\":\"Batch\",\"id\":\"c{id}\",\"commands\":[{commands}]}}\n"));
        if let Some(batch) = self.commands.get_mut(&self.last_command) {
            batch.members = members;
        }
        line
    }

    /// What was asked for last could not be sent after all.
    pub fn unsend(&mut self) {
        let Some(last) = self.commands.remove(&self.last_command) else { return };
        self.open -= 1;
        for member in last.members {
            self.open -= usize::from(self.commands.remove(&member).is_some());
        }
    }

    /// A ping as a line.
    pub fn ping(&mut self) -> String {
        self.pings += 1;
        format!("{{\"type\":\"keep_alive_request\",\"sequence_number\":{}}}\n", PING_BASE + self.pings)
    }

    /// Commands that have waited too long, asked again.
    pub fn repeat(&mut self, now: Duration) -> Vec<String> {
        let overdue = |c: &Command| !c.done && !c.is_member && c.last_asked + TIMEOUT <= now;
        let due: Vec<u64> =
            self.commands.iter().filter(|(_, c)| overdue(c)).map(|(n, _)| *n).take(REPEATED).collect();
        due.into_iter().map(|number| self.ask_again(number, now)).collect()
    }

    /// Commands without a success.
    pub fn open(&self) -> usize {
        self.open
    }

    /// All is answered and nothing is under way: the past may be forgotten.
    pub fn forget(&mut self) {
        self.commands.clear();
    }

    fn ask_again(&mut self, number: u64, now: Duration) -> String {
        let Some(command) = self.commands.get_mut(&number) else { return String::new() };
        command.asked += 1;
        command.last_asked = now;
        let (line, members) = (command.line.clone(), command.members.clone());
        for member in members {
            if let Some(member) = self.commands.get_mut(&member) {
                member.asked += 1;
            }
        }
        line
    }

    /// A line that is not whole is what a disconnect left; the checker saw to it that no other is torn.
    fn take(&mut self, line: &[u8]) -> Result<Option<u64>, String> {
        let within = self.compression.open(line)?;
        let Some(kind) = lines::read(within.as_deref().unwrap_or(line)) else { return Ok(None) };
        self.lines += 1;
        match kind {
            Line::Response { id, tag, settled } => self.response(&id, tag, settled).map(|()| None),
            Line::BatchResult { id, tag } => self.batch_result(&id, tag).map(|()| None),
            Line::KeepAlive(number) if number >= PING_BASE => self.pong(number).map(|()| None),
            Line::KeepAlive(number) => Ok(Some(number).filter(|_| !self.silent)),
            Line::Error
            | Line::Metrics
            | Line::Output(_)
            | Line::Sample(..)
            | Line::Compressed
            | Line::Other => Ok(None),
        }
    }

    /// All of its commands are done before: those that were not say so by another error than the model's own.
    fn batch_result(&mut self, id: &str, tag: u64) -> Found {
        self.response(id, tag, true)?;
        self.batches += 1;
        let number = number_of(id);
        let members = self.commands.get(&number).map(|batch| batch.members.clone()).unwrap_or_default();
        for member in members {
            let Some(command) = self.commands.get_mut(&member) else { continue };
            // Its own answer may have been lost with the connection; the result stands for it.
            if !std::mem::replace(&mut command.done, true) {
                self.open -= 1;
                self.done += 1;
            }
        }
        Ok(())
    }

    fn response(&mut self, id: &str, tag: u64, settled: bool) -> Found {
        if tag != 0 && tag <= self.last_tag && !self.has_bulk {
            return Err(format!("the host got response {tag} after {}", self.last_tag));
        }
        self.last_tag = self.last_tag.max(tag);
        let number = number_of(id);
        let Some(command) = self.commands.get_mut(&number) else {
            // The link's own refusals of garbage, and of two torn lines run into one, carry ids that nobody gave.
            return if tag == 0 { Ok(()) } else { Err(format!("an answer to {id}, never asked")) };
        };
        command.answered += 1;
        if command.answered > command.asked {
            return Err(format!("{id} was asked {} times and answered once more", command.asked));
        }
        if settled && !std::mem::replace(&mut command.done, true) {
            self.open -= 1;
            self.done += 1;
        }
        Ok(())
    }

    fn pong(&self, number: u64) -> Found {
        let known = number <= PING_BASE + self.pings;
        if known { Ok(()) } else { Err(format!("an answer to ping {number}, never sent")) }
    }
}

/// The number in an id of ours; none has 0.
fn number_of(id: &str) -> u64 {
    id.strip_prefix('c').and_then(|number| number.parse().ok()).unwrap_or(0)
}

fn command_json(number: u64, progress: bool) -> String {
    let followed = if progress { ",\"progress\":true" } else { "" };
    format!(
        "{{\"type\":\"SafeCommand\",\"id\":\"c{number}\",\"command_type\":{{\"action\":\"ServiceList\"}}{followed}}}"
    )
}
