//! Bytes to requests: finds where a JSON value ends, and finds back after whatever was none.
//!
//! A request ends at its outermost bracket; no newline is needed. 0xFF and 0xFE begin anew at any place. A request that a host
//! tore by leaving has no newline, so the next one's line is glued to it: at a newline, and where the bytes can be no JSON any
//! more, a whole request is looked for at their end.

use crate::error::{Error, quoted};
use crate::json::Json;
use crate::limits::{MAX_DEPTH, MAX_VALUES, RECOVERY_BUDGET_BYTES, RECOVERY_BYTES, RECOVERY_TRIALS};

/// Bytes that an idle reader keeps for the next request.
const KEPT_CAPACITY: usize = 64 << 10;
/// Longest word outside of brackets: no number and no keyword is longer.
const MAX_WORD_BYTES: usize = 64;
/// The members of a request.
const MEMBERS: [&str; 3] = ["execute", "arguments", "id"];

/// What was read.
#[derive(Clone, Debug, PartialEq)]
pub enum Frame {
    /// One JSON value, and how many bytes it had.
    Value {
        /// The value.
        json: Json,
        /// Its length.
        bytes: usize,
    },
    /// Bytes that are none. Told once for each place where reading has to begin anew.
    Bad(Error),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// Between values.
    #[default]
    Between,
    /// In a word outside of brackets: a number, a keyword, or neither.
    Word,
    /// In brackets, or in a text.
    Inside,
    /// In something that was answered by an error. It ends with its line, or where a request may begin.
    Skipping,
    /// In a value that is beyond a limit, which was answered. It ends with its line, or its last bracket.
    Discarding,
}

/// Takes bytes in any portions.
#[derive(Debug)]
pub struct Reader {
    max_bytes: usize,
    place: Place,
    pending: Vec<u8>,
    depth: usize,
    in_text: bool,
    escaped: bool,
    values: usize,
    budget: usize,
    /// Found together with the error that was told before it.
    held: Option<Frame>,
}

impl Reader {
    /// A reader that refuses requests longer than this.
    pub fn new(max_bytes: usize) -> Self {
        Self {
            max_bytes,
            place: Place::Between,
            pending: Vec::new(),
            depth: 0,
            in_text: false,
            escaped: false,
            values: 0,
            budget: RECOVERY_BUDGET_BYTES,
            held: None,
        }
    }

    /// Whether part of something was read.
    pub fn is_pending(&self) -> bool {
        self.place != Place::Between
    }

    /// Memory that it holds.
    pub fn capacity(&self) -> usize {
        self.pending.capacity()
    }

    /// Forgets what was read in part; an error, if nobody was told so far.
    pub fn reset(&mut self) -> Option<Frame> {
        let untold = matches!(self.place, Place::Word | Place::Inside);
        self.begin(Place::Between);
        untold.then(|| bad("the request was not finished"))
    }

    /// Takes bytes off the front until something is found; `None`: all were taken.
    pub fn next(&mut self, input: &mut &[u8]) -> Option<Frame> {
        if let Some(frame) = self.held.take() {
            return Some(frame);
        }
        while let Some((byte, rest)) = input.split_first() {
            let (taken, frame) = self.take(*byte);
            if taken {
                *input = rest;
            }
            if frame.is_some() {
                return frame;
            }
        }
        None
    }

    /// Whether the byte was taken, and what it ended.
    fn take(&mut self, byte: u8) -> (bool, Option<Frame>) {
        if byte >= 0xFE {
            return (true, self.reset());
        }
        match self.place {
            Place::Between => (true, self.between(byte)),
            Place::Word => self.word(byte),
            Place::Inside => (true, self.inside(byte)),
            Place::Skipping => (self.skip(byte), None),
            Place::Discarding => {
                self.discard(byte);
                (true, None)
            }
        }
    }

    fn between(&mut self, byte: u8) -> Option<Frame> {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => None,
            b'{' | b'[' | b'"' => {
                self.begin(Place::Inside);
                self.inside(byte)
            }
            _ if is_word(byte) => {
                self.begin(Place::Word);
                self.pending.push(byte);
                None
            }
            b'}' | b']' | b',' | b':' => Some(self.fail("expecting value", byte)),
            _ => Some(self.fail("stray character", byte)),
        }
    }

    fn word(&mut self, byte: u8) -> (bool, Option<Frame>) {
        if is_word(byte) && self.pending.len() < MAX_WORD_BYTES {
            self.pending.push(byte);
            return (true, None);
        }
        let value = self.parse();
        let text = String::from_utf8_lossy(&self.pending).into_owned();
        self.begin(if value.is_ok() { Place::Between } else { Place::Skipping });
        (false, Some(value.unwrap_or_else(|_| bad(&format!("invalid keyword '{}'", quoted(&text))))))
    }

    fn inside(&mut self, byte: u8) -> Option<Frame> {
        if byte == b'\n' || !self.may_follow(byte) {
            let found = self.torn();
            if found.is_some() || byte != b'\n' || self.in_text {
                return found.or_else(|| Some(self.fail("invalid character in the request", byte)));
            }
        }
        self.pending.push(byte);
        self.track(byte);
        if self.pending.len() > self.max_bytes {
            return Some(self.refuse("JSON token size limit exceeded"));
        }
        if self.values > MAX_VALUES {
            return Some(self.refuse("JSON token count limit exceeded"));
        }
        if self.depth > MAX_DEPTH {
            return Some(self.refuse("JSON nesting depth limit exceeded"));
        }
        if self.is_complete() { self.complete() } else { None }
    }

    /// Whether the byte may stand here in any JSON. A newline stands between tokens only.
    fn may_follow(&self, byte: u8) -> bool {
        if self.in_text { byte >= b' ' } else { matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n') }
    }

    fn track(&mut self, byte: u8) {
        if self.in_text {
            self.in_text = self.escaped || byte != b'"';
            self.escaped = !self.escaped && byte == b'\\';
            return;
        }
        match byte {
            b'"' => self.in_text = true,
            b'{' | b'[' => (self.depth, self.values) = (self.depth + 1, self.values + 1),
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            b',' | b':' => self.values += 1,
            _ => {}
        }
    }

    fn is_complete(&self) -> bool {
        self.depth == 0 && !self.in_text
    }

    fn complete(&mut self) -> Option<Frame> {
        match self.parse() {
            Ok(value) => {
                self.begin(Place::Between);
                Some(value)
            }
            Err(reason) => self.torn().or_else(|| {
                self.begin(Place::Between);
                Some(bad(&reason))
            }),
        }
    }

    fn parse(&self) -> Result<Frame, String> {
        let bytes = self.pending.len();
        Json::parse(&self.pending).map(|json| Frame::Value { json, bytes })
    }

    /// A whole request at the end of what is pending: an error for what stands before it, and then it.
    fn torn(&mut self) -> Option<Frame> {
        let request = self.whole_suffix()?;
        self.begin(Place::Between);
        self.held = Some(request);
        Some(bad("the request was not finished when the next one began"))
    }

    fn whole_suffix(&mut self) -> Option<Frame> {
        let end = self.pending.trim_ascii_end().len();
        let from = end.saturating_sub(RECOVERY_BYTES).max(1);
        let tail = self.pending.get(from..end).filter(|tail| tail.ends_with(b"}"))?;
        let begins = tail.iter().enumerate().filter(|(_, byte)| **byte == b'{');
        let suffixes = begins.filter_map(|(at, _)| tail.get(at..)).filter(|suffix| begins_request(suffix));
        for suffix in suffixes.take(RECOVERY_TRIALS) {
            self.budget = self.budget.checked_sub(suffix.len())?;
            if let Some(json) = Json::parse(suffix).ok().filter(is_request) {
                return Some(Frame::Value { json, bytes: suffix.len() });
            }
        }
        None
    }

    /// An error, and on with the next line.
    fn fail(&mut self, reason: &str, byte: u8) -> Frame {
        self.begin(if byte == b'\n' { Place::Between } else { Place::Skipping });
        bad(reason)
    }

    /// Beyond a limit: where the value stands is kept, so that it is known where it ends.
    fn refuse(&mut self, text: &str) -> Frame {
        (self.place, self.pending) = (Place::Discarding, Vec::new());
        Frame::Bad(Error::generic(text))
    }

    /// Whether the byte was taken.
    fn skip(&mut self, byte: u8) -> bool {
        if matches!(byte, b'\n' | b'{') {
            self.begin(Place::Between);
        }
        byte != b'{'
    }

    fn discard(&mut self, byte: u8) {
        self.track(byte);
        if byte == b'\n' || self.is_complete() {
            self.begin(Place::Between);
        }
    }

    fn begin(&mut self, place: Place) {
        self.place = place;
        self.pending.clear();
        self.pending.shrink_to(KEPT_CAPACITY);
        (self.depth, self.in_text, self.escaped, self.values) = (0, false, false, 0);
        self.budget = RECOVERY_BUDGET_BYTES;
    }
}

fn bad(reason: &str) -> Frame {
    Frame::Bad(Error::syntax(reason))
}

/// What a number or keyword is made of.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.' | b'_')
}

/// A cheap look before it is parsed.
fn begins_request(suffix: &[u8]) -> bool {
    let name = suffix.get(1..).unwrap_or_default().trim_ascii_start().strip_prefix(b"\"");
    name.is_some_and(|name| MEMBERS.iter().any(|member| name.starts_with(member.as_bytes())))
}

fn is_request(value: &Json) -> bool {
    let Json::Object(members) = value else { return false };
    let known = members.iter().all(|(name, _)| MEMBERS.contains(&name.as_str()));
    known && members.iter().any(|(name, value)| name == "execute" && matches!(value, Json::Text(_)))
}
