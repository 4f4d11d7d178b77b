//! Sealed lines: what a controller and a guest say to each other through anything that may read and change what it carries.
//!
//! Pure: the caller gives the time and the randomness. A line is sealed to one key by another, so that who opens it knows who
//! sealed it; what stands beside it in the open is authenticated with it. What is hidden is padded with blanks, which JSON passes
//! over, and is never compressed: its length must not tell what is in it.

mod controllers;
mod guest;
mod host;
mod keys;
mod suite;

pub use crate::parse::SEALED as TYPE;
pub use controllers::{Controller, Controllers, MAX_CONTROLLERS, MAX_KID_CHARS, Role, check_kid};
pub use guest::{Opened, Opener, inner_room, seal_answer};
pub use host::{AnswerError, HostEnd};
pub use keys::{KEY_BYTES, KEY_CHARS, KeyPair, PublicKey};
pub use suite::Random;

use crate::envelope::{EnvelopeError, whole_number};
use crate::parse::{check_id, id_scan};
use crate::text::echo;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use suite::{Context, TAG_BYTES};

/// The only version of sealed lines.
pub const VERSION: u64 = 1;
/// What is hidden has a multiple of this length.
pub const PAD_BYTES: usize = 256;

/// What each way is for: a line that is sent back where it came from cannot be opened.
const TO_GUEST: &[u8] = b"infiniservice sealed line v1, host to guest";
const TO_HOST: &[u8] = b"infiniservice sealed line v1, guest to host";

/// The line as it stands on the wire. The host's has `kid`, the guest's `to`: each names the controller's key.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Line {
    #[serde(rename = "type")]
    kind: String,
    #[serde(deserialize_with = "whole_number")]
    v: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kid: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    enc: String,
    ct: String,
}

/// What is hidden in a host's line, but for the padding.
#[derive(Debug, Serialize, Deserialize)]
struct Inner {
    #[serde(deserialize_with = "whole_number")]
    ts: u64,
    nonce: String,
    payload: String,
}

impl Line {
    fn read(text: &str) -> Result<Self, EnvelopeError> {
        let malformed = |error: serde_json::Error| EnvelopeError::Malformed(echo(&error.to_string()));
        let line: Self = serde_json::from_str(text).map_err(malformed)?;
        if line.v != VERSION {
            return Err(EnvelopeError::Malformed(format!("`v` must be {VERSION}, not {}", line.v)));
        }
        line.id.as_deref().map_or(Ok(()), check_id).map_err(EnvelopeError::Malformed)?;
        Ok(line)
    }

    /// The encapsulated key and the ciphertext.
    fn sealed(&self) -> Result<(Vec<u8>, Vec<u8>), EnvelopeError> {
        let wrong = |field: &str| EnvelopeError::Malformed(format!("`{field}` must be base64"));
        let enc = STANDARD.decode(&self.enc).map_err(|_| wrong("enc"))?;
        let ct = STANDARD.decode(&self.ct).map_err(|_| wrong("ct"))?;
        Ok((enc, ct))
    }
}

/// Whether a line says that it is sealed.
pub fn is_sealed(line: &[u8]) -> bool {
    id_scan::find(line, "type").is_some_and(|kind| kind == TYPE)
}

/// What stands in the open, in one way to write it: neither a `kid` nor an id has a newline, and no id is empty.
fn beside(kid: &str, id: Option<&str>) -> String {
    format!("{VERSION}\n{kid}\n{}", id.unwrap_or_default())
}

/// Blanks up to the next multiple.
fn pad(plain: &mut Vec<u8>) {
    plain.resize(plain.len().next_multiple_of(PAD_BYTES), b' ');
}

/// How much may be hidden in a line of `max` bytes, when all else takes `outside` of them.
const fn room(max: usize, outside: usize) -> usize {
    let sealed = max.saturating_sub(outside) / 4 * 3;
    sealed.saturating_sub(TAG_BYTES) / PAD_BYTES * PAD_BYTES
}

/// Both parts as text.
fn texts((enc, ct): (Vec<u8>, Vec<u8>)) -> (String, String) {
    (STANDARD.encode(enc), STANDARD.encode(ct))
}

/// What belongs to a line, whichever way it goes.
const fn context<'a>(info: &'a [u8], beside: &'a str) -> Context<'a> {
    Context { info, aad: beside.as_bytes() }
}

#[cfg(test)]
mod tests;
