//! Compressed lines (`z`): the guest's long lines for a host whose `Hello` accepts them.
//!
//! The two ends are [`Encoder`] and [`Decoder`]. Each is for one connection: a new connection begins with new ones, and so without
//! anything that the other end might not know.

mod decoder;
mod encoder;

pub use decoder::{Decoder, Garbled};
pub use encoder::Encoder;

use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Shorter lines are never compressed: there is nothing to gain.
pub const MIN_LINE_BYTES: usize = 2048;

/// So much of the end of a line is the dictionary of a later one: lz4 looks back no further.
pub const DICTIONARY_BYTES: usize = 64 << 10;

/// What each compressed line begins with.
const START: &str = "{\"type\":\"z\",";

/// What a line is compressed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Codec {
    /// LZ4's block format.
    Lz4,
}

impl Codec {
    /// All of them.
    pub const ALL: [Self; 1] = [Self::Lz4];

    /// Its name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lz4 => "lz4",
        }
    }

    /// The one of this name, if this version knows it.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|codec| codec.name() == name)
    }
}

/// How the lines of one type are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// By itself: its host may read it without the lines before, which may be of others.
    Alone,
    /// With the line of the same type before it as the dictionary.
    AfterTheLast,
}

/// The types of lines that are compressed. This is the one place that decides it: what is not here always comes as it is. That
/// holds for `hello`, which says what may be compressed, and for any line that hides what it says: its length would tell of it, as
/// others choose part of the text (names of processes).
const COMPRESSED: [(&str, Way); 6] = [
    ("system_metrics", Way::AfterTheLast),
    ("response", Way::Alone),
    ("batch_result", Way::Alone),
    ("stream", Way::Alone),
    ("output", Way::Alone),
    ("error", Way::Alone),
];

impl Way {
    /// How this line of the guest is compressed; `None` where it never is.
    fn of(line: &[u8]) -> Option<Self> {
        let rest = line.strip_prefix(b"{\"type\":\"")?;
        let of_kind =
            |kind: &str| rest.strip_prefix(kind.as_bytes()).is_some_and(|rest| rest.starts_with(b"\""));
        COMPRESSED.iter().find(|(kind, _)| of_kind(kind)).map(|(_, way)| *way)
    }
}

/// `z`: another line of the guest, compressed. Only the line within has a timestamp.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename = "z")]
pub struct Compressed<'a> {
    /// What it is compressed with: `lz4`.
    pub c: Cow<'a, str>,
    /// The line's number, if a later line may need it as its dictionary. Numbers grow as long as the agent runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n: Option<u64>,
    /// The number of the line that is the dictionary; absent if the line needs no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prev: Option<u64>,
    /// Bytes of the line within, without its newline.
    pub len: usize,
    /// CRC-32 of them, in eight hexadecimal digits.
    pub crc: Cow<'a, str>,
    /// The compressed bytes, in base64.
    pub d: Cow<'a, str>,
}

/// Whether a line of the guest is a compressed one.
pub fn is_compressed(line: &str) -> bool {
    line.starts_with(START)
}

/// The end of a line, as much of it as serves as a dictionary.
fn dictionary(line: &[u8]) -> &[u8] {
    line.get(line.len().saturating_sub(DICTIONARY_BYTES)..).unwrap_or(line)
}
