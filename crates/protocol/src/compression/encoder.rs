//! The guest's end of compressed lines.

use super::{Codec, Compressed, MIN_LINE_BYTES, Way, dictionary};
use crate::checksum::crc32;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lz4_flex::block::{compress, compress_with_dict};
use std::borrow::Cow;

/// Compresses lines for one host after the other.
#[derive(Clone, Debug, Default)]
pub struct Encoder {
    accepted: bool,
    /// The number given last. It is not forgotten with the rest, so that no number stands for two lines.
    last: u64,
    /// The line that the next one may refer to: its number, and its end.
    before: Option<(u64, Vec<u8>)>,
}

impl Encoder {
    /// The host says what it takes; what it took before no longer counts.
    pub fn accept(&mut self, codecs: &[Codec]) {
        self.accepted = codecs.contains(&Codec::Lz4);
        self.reset();
    }

    /// The host went: the next one takes plain lines until it says otherwise.
    pub fn end(&mut self) {
        self.accept(&[]);
    }

    /// The host lost its place: the next line stands alone.
    pub fn reset(&mut self) {
        self.before = None;
    }

    /// Whether the host takes compressed lines.
    pub const fn is_on(&self) -> bool {
        self.accepted
    }

    /// Memory that is kept for the next line.
    pub fn held_bytes(&self) -> usize {
        self.before.as_ref().map_or(0, |(_, text)| text.capacity())
    }

    /// The compressed form of a line, both with their newlines. `None`: the line goes as it is.
    pub fn encode(&mut self, line: &[u8]) -> Option<Vec<u8>> {
        let text = line.strip_suffix(b"\n").filter(|text| self.accepted && text.len() >= MIN_LINE_BYTES)?;
        let way = Way::of(text)?;
        let before = self.before.as_ref().filter(|_| way == Way::AfterTheLast);
        let block = before.map_or_else(|| compress(text), |(_, before)| compress_with_dict(text, before));
        let n = (way == Way::AfterTheLast).then_some(self.last + 1);
        let coded = to_line(text, n, before.map(|(n, _)| *n), &block)?;
        if let Some(n) = n.filter(|_| coded.len() < line.len()) {
            self.last = n;
            self.before = Some((n, dictionary(text).to_vec()));
        }
        (coded.len() < line.len()).then_some(coded)
    }
}

fn to_line(text: &[u8], n: Option<u64>, prev: Option<u64>, block: &[u8]) -> Option<Vec<u8>> {
    let coded = Compressed {
        c: Cow::Borrowed(Codec::Lz4.name()),
        n,
        prev,
        len: text.len(),
        crc: format!("{:08x}", crc32(text)).into(),
        d: STANDARD.encode(block).into(),
    };
    // Infallible: every member is a text or a number.
    let mut line = serde_json::to_vec(&coded).ok()?;
    line.push(b'\n');
    Some(line)
}
