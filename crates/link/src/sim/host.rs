//! The model host: sends commands and pings, answers heartbeats, asks again for what was not answered.

use super::checker::Found;
use super::lines::{self, Line, PING_BASE};
use std::collections::BTreeMap;
use std::time::Duration;

/// A host asks again for an answer that did not come in this time.
const TIMEOUT: Duration = Duration::from_secs(90);
/// Most questions repeated at once.
const REPEATED: usize = 15;

#[derive(Debug, Default)]
struct Command {
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
}

impl Host {
    /// A new connection: what was half read is void.
    pub fn connects(&mut self) {
        self.line.clear();
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

    /// A new command as a line.
    pub fn command(&mut self, now: Duration) -> String {
        self.last_command += 1;
        self.open += 1;
        self.commands.insert(self.last_command, Command { asked: 1, last_asked: now, ..Command::default() });
        command_line(self.last_command)
    }

    /// The last command could not be sent after all.
    pub fn unsend(&mut self) {
        if self.commands.remove(&self.last_command).is_some() {
            self.open -= 1;
        }
    }

    /// A ping as a line.
    pub fn ping(&mut self) -> String {
        self.pings += 1;
        format!("{{\"type\":\"keep_alive_request\",\"sequence_number\":{}}}\n", PING_BASE + self.pings)
    }

    /// Commands that have waited too long, asked again.
    pub fn repeat(&mut self, now: Duration) -> Vec<String> {
        let overdue = |c: &Command| !c.done && c.last_asked + TIMEOUT <= now;
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
        if let Some(command) = self.commands.get_mut(&number) {
            command.asked += 1;
            command.last_asked = now;
        }
        command_line(number)
    }

    /// A line that is not whole is what a disconnect left; the checker saw to it that no other is torn.
    fn take(&mut self, line: &[u8]) -> Result<Option<u64>, String> {
        let Some(kind) = lines::read(line) else { return Ok(None) };
        self.lines += 1;
        match kind {
            Line::Response { id, tag, success } => self.response(&id, tag, success).map(|()| None),
            Line::KeepAlive(number) if number >= PING_BASE => self.pong(number).map(|()| None),
            Line::KeepAlive(number) => Ok(Some(number).filter(|_| !self.silent)),
            Line::Error | Line::Metrics | Line::Other => Ok(None),
        }
    }

    fn response(&mut self, id: &str, tag: u64, success: bool) -> Found {
        if tag != 0 && tag <= self.last_tag {
            return Err(format!("the host got response {tag} after {}", self.last_tag));
        }
        self.last_tag = self.last_tag.max(tag);
        let number = id.strip_prefix('c').and_then(|n| n.parse().ok()).unwrap_or(0);
        let Some(command) = self.commands.get_mut(&number) else {
            // The link's own refusals of garbage, and of two torn lines run into one, carry ids that nobody gave.
            return if tag == 0 { Ok(()) } else { Err(format!("an answer to {id}, never asked")) };
        };
        command.answered += 1;
        if command.answered > command.asked {
            return Err(format!("{id} was asked {} times and answered once more", command.asked));
        }
        if success && !std::mem::replace(&mut command.done, true) {
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

fn command_line(number: u64) -> String {
    format!(
        "{{\"type\":\"SafeCommand\",\"id\":\"c{number}\",\"command_type\":{{\"action\":\"ServiceList\"}}}}\n"
    )
}
