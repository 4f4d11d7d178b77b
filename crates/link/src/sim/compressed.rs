//! Compressed lines in the simulated world: what must be true of them in the port, and the model host's end.

use super::lines::{self, Line};
use infiniservice_protocol::compression::{Decoder, Garbled};

/// Longest line that a compressed one may hold: the world's.
const MAX_LINE: usize = 128 * 1024;

/// The watch over the compressed lines that the port takes. Nothing of one connection may be needed to read another's.
#[derive(Debug, Default)]
pub struct Watched {
    /// What can be read is what this connection brought.
    decoder: Option<Decoder>,
    /// The host of this connection asked for them.
    asked: bool,
    /// It had, when the line under way began.
    allowed: bool,
    /// Compressed lines.
    pub lines: u64,
}

impl Watched {
    /// A connection begins. The host's first lines may have been read before that was seen.
    pub fn begins(&mut self) {
        self.decoder = None;
    }

    /// A connection ended.
    pub fn ends(&mut self) {
        self.decoder = None;
        self.asked = false;
    }

    /// A `Hello` was read: whether the host takes compressed lines.
    pub fn asked(&mut self, asked: bool) {
        self.asked = asked;
    }

    /// A line begins.
    pub fn line_begins(&mut self) {
        self.allowed = self.asked;
    }

    /// The line within a compressed one.
    pub fn open(&mut self, line: &[u8]) -> Result<Option<Vec<u8>>, String> {
        if lines::read(line) != Some(Line::Compressed) {
            return Ok(None);
        }
        if !self.allowed {
            return Err("a compressed line for a host that did not ask for one".into());
        }
        self.lines += 1;
        let decoder = self.decoder.get_or_insert(Decoder::new(MAX_LINE));
        decode(decoder, line).map_err(|error| format!("out of step: {error}"))
    }
}

/// So many lines may be on their way while a host asks to begin anew.
const MOST_LOST: u32 = 8;

/// The model host's end. What it cannot read it asks to begin anew.
#[derive(Debug)]
pub struct Reading {
    decoder: Decoder,
    /// This host asks for compressed lines.
    pub wanted: bool,
    /// The next compressed line is damaged on its way.
    garble: bool,
    /// Lines cannot be read because of that; until one that is a dictionary was.
    excused: bool,
    reset: bool,
    /// Lines in a row that could not be read; none of metrics was since.
    lost: u32,
    /// Lines that could not be read.
    pub garbled: u64,
}

impl Default for Reading {
    fn default() -> Self {
        Self {
            decoder: Decoder::new(MAX_LINE),
            wanted: false,
            garble: false,
            excused: false,
            reset: false,
            lost: 0,
            garbled: 0,
        }
    }
}

impl Reading {
    /// A new connection. A guest that has not seen it yet may still speak as to the host before.
    pub fn begins(&mut self) {
        let (wanted, garbled) = (self.wanted, self.garbled);
        *self = Self { wanted, garbled, excused: true, ..Self::default() };
    }

    /// The next compressed line is damaged on its way.
    pub fn garble(&mut self) {
        self.garble = true;
    }

    /// While there are no faults, a host that lost its place is helped.
    pub fn must_read(&self) -> Result<(), String> {
        match self.lost {
            0..MOST_LOST => Ok(()),
            lost => Err(format!("the host lost its place, and has read none of {lost} lines since")),
        }
    }

    /// Whether a `ZReset` is due.
    pub fn take_reset(&mut self) -> bool {
        std::mem::take(&mut self.reset)
    }

    /// The line within a compressed one; empty where it cannot be read.
    pub fn open(&mut self, line: &[u8]) -> Result<Option<Vec<u8>>, String> {
        let kind = lines::read(line);
        self.lost *= u32::from(kind != Some(Line::Metrics));
        if kind != Some(Line::Compressed) {
            return Ok(None);
        }
        let mut line = line.to_vec();
        if std::mem::take(&mut self.garble) {
            self.excused = true;
            damage(&mut line);
        }
        match decode(&mut self.decoder, &line) {
            Ok(within) => {
                if within.as_ref().is_some_and(|within| lines::read(within) == Some(Line::Metrics)) {
                    (self.excused, self.lost) = (false, 0);
                }
                Ok(within)
            }
            Err(error) => self.failed(&error),
        }
    }

    fn failed(&mut self, error: &Garbled) -> Result<Option<Vec<u8>>, String> {
        if !self.excused {
            return Err(format!("the host cannot read a line: {error}"));
        }
        self.garbled += 1;
        (self.lost, self.reset) = (self.lost + 1, true);
        Ok(Some(Vec::new()))
    }
}

fn decode(decoder: &mut Decoder, line: &[u8]) -> Result<Option<Vec<u8>>, Garbled> {
    let within = decoder.decode(&String::from_utf8_lossy(line))?;
    Ok(within.map(String::into_bytes))
}

/// One character of what is compressed becomes another.
fn damage(line: &mut [u8]) {
    let at = line.len().saturating_sub(8);
    if let Some(byte) = line.get_mut(at) {
        *byte = if *byte == b'A' { b'B' } else { b'A' };
    }
}
