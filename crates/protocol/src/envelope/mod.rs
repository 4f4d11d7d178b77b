//! The signed envelope: HMAC-SHA256 over the host's lines, where a shared secret is set.
//!
//! Pure: the caller gives the time. The sentence that is signed is `v\nts\nnonce\npayload`; a nonce holds no control
//! characters, so that the same bytes cannot be split in two ways. The nonces that were taken are kept in bounded memory, safe
//! against clocks that jump.

use crate::parse::{Rejection, describe, id_of, id_scan, is_of_guest};
use crate::text::echo;
use crate::{ErrorCode, number};
use hmac::{Hmac, KeyInit, Mac};
use serde::de::{Deserialize, Deserializer, Error as _};
use serde_json::Value;
use sha2::Sha256;
use std::fmt;

mod freshness;
pub(crate) use freshness::Freshness;
#[cfg(test)]
pub(crate) use freshness::{MAX_NONCES, WINDOW_MS};

/// The only version of the envelope.
pub const VERSION: u64 = 1;

/// Longest nonce, in characters.
pub const MAX_NONCE_CHARS: usize = 128;

/// Why a line was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// A plain line, or noise.
    #[error("the line is not signed, but shared_secret is set: only signed lines are accepted")]
    NotSigned,
    /// A signed line with a field missing or wrong.
    #[error("the signed line is invalid: {0}")]
    Malformed(String),
    /// Another secret, or a changed line.
    #[error("the signature does not match: the host's secret differs, or the line was changed")]
    BadSignature,
    /// Rightly signed, but too early or too late.
    #[error(
        "the line's `ts` is {} the guest's clock, and at most 300 s are allowed: compare the clocks of \
         host and guest",
        off(*skew_ms)
    )]
    OutsideWindow {
        /// `ts` minus the guest's clock.
        skew_ms: i64,
    },
    /// Rightly signed, but taken before, or too old to tell.
    #[error("the nonce was used before, or is older than those that the guest remembers")]
    Replayed,
    /// A line that would change something or tell what is confidential, where controllers must seal such lines.
    #[error(
        "the line is not sealed, but controller_keys is set: what changes the machine must be sealed to this \
         agent's key"
    )]
    NotSealed,
    /// A sealed line of a controller that is not known here.
    #[error("no key of controller_keys has the `kid` {0}")]
    UnknownKey(String),
    /// Sealed to another guest or by another key, or changed.
    #[error(
        "the sealed line cannot be opened: it is for another guest's key or by another controller's, or it \
         was changed"
    )]
    NotOpened,
    /// Rightly signed, but before the agent's start: it may have been taken by its predecessor.
    #[error(
        "the line's `ts` is {} s before the earliest that this agent accepts, and its predecessor may \
         already have accepted the line: sign it again; if that does not help, compare the clocks of host \
         and guest",
        seconds(*early_ms)
    )]
    BeforeStart {
        /// By how much.
        early_ms: u64,
    },
}

/// How many causes [`EnvelopeError::cause`] tells apart.
pub const CAUSES: usize = 9;

impl EnvelopeError {
    /// The answer to `line`, by the id that the line claims to have.
    pub fn into_rejection(self, line: &[u8]) -> Rejection {
        let id = claimed_id(line);
        let from_guest = is_of_guest(line);
        Rejection { id, from_guest, ..Rejection::new(ErrorCode::SignatureInvalid, self.to_string()) }
    }

    /// The kind of error by a number below [`CAUSES`]: a flood of one must not hide another.
    pub const fn cause(&self) -> usize {
        match self {
            Self::NotSigned => 0,
            Self::Malformed(_) => 1,
            Self::BadSignature => 2,
            Self::OutsideWindow { .. } => 3,
            Self::Replayed => 4,
            Self::BeforeStart { .. } => 5,
            Self::NotSealed => 6,
            Self::UnknownKey(_) => 7,
            Self::NotOpened => 8,
        }
    }
}

/// The secret's key schedule; the secret's text is not kept.
#[derive(Clone)]
struct Key(Hmac<Sha256>);

impl Key {
    fn new(secret: &str) -> Self {
        // Infallible: HMAC takes keys of any length (RFC 2104, section 2), and the crate fails on length alone.
        Self(Hmac::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length"))
    }

    fn mac(&self, ts: u64, nonce: &str, payload: &str) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(format!("{VERSION}\n{ts}\n{nonce}\n").as_bytes());
        mac.update(payload.as_bytes());
        mac
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// The host's side.
#[derive(Clone, Debug)]
pub struct Signer(Key);

impl Signer {
    /// Signs with the UTF-8 bytes of the secret's text.
    pub fn new(secret: &str) -> Self {
        Self(Key::new(secret))
    }

    /// The signed line, with its `\n`. `ts` is in milliseconds since 1970; a nonce must not be used twice, and holds 1
    /// to 128 characters and no control characters.
    pub fn sign(&self, ts: u64, nonce: &str, payload: &str) -> String {
        let tag = self.0.mac(ts, nonce, payload).finalize().into_bytes();
        let sig = hex(&tag);
        // `Value` writes a text as a JSON string; the order of the fields is the contract's.
        let (nonce, payload) = (Value::from(nonce), Value::from(payload));
        let head = format!(r#"{{"type":"signed","v":{VERSION},"ts":{ts},"nonce":{nonce}"#);
        format!("{head},\"payload\":{payload},\"sig\":\"{sig}\"}}\n")
    }
}

/// The guest's side: the secret, and the nonces that were taken.
#[derive(Debug)]
pub struct Verifier {
    key: Key,
    freshness: Freshness,
}

#[derive(serde::Deserialize)]
struct Envelope {
    #[serde(deserialize_with = "whole_number")]
    v: u64,
    #[serde(deserialize_with = "whole_number")]
    ts: u64,
    nonce: String,
    payload: String,
    sig: String,
}

#[derive(serde::Deserialize)]
struct Kind {
    #[serde(rename = "type")]
    kind: String,
}

impl Verifier {
    /// Takes lines signed with this secret's text.
    pub fn new(secret: &str) -> Self {
        Self { key: Key::new(secret), freshness: Freshness::default() }
    }

    /// The payload of a signed line. `now_wall_ms` is the guest's clock, in milliseconds since 1970.
    pub fn verify(&mut self, now_wall_ms: u64, line: &str) -> Result<String, EnvelopeError> {
        self.verify_since(0, now_wall_ms, line)
    }

    /// The same, and the line must not have been signed before `oldest_ms`: a predecessor of this agent, whose nonces are not
    /// known, may have taken it.
    pub fn verify_since(
        &mut self,
        oldest_ms: u64,
        now_wall_ms: u64,
        line: &str,
    ) -> Result<String, EnvelopeError> {
        let envelope = read(line)?;
        let sig = unhex(&envelope.sig).ok_or(EnvelopeError::BadSignature)?;
        let mac = self.key.mac(envelope.ts, &envelope.nonce, &envelope.payload);
        // `verify_slice` compares in constant time.
        mac.verify_slice(&sig).map_err(|_| EnvelopeError::BadSignature)?;
        self.freshness.take((oldest_ms, now_wall_ms), envelope.ts, &envelope.nonce)?;
        Ok(envelope.payload)
    }

    /// Takes no line any more whose `ts` is not newer than this one, which a predecessor took.
    #[must_use]
    pub fn with_newest(mut self, newest_ts: u64) -> Self {
        self.freshness.forget_up_to(newest_ts);
        self
    }

    /// The newest `ts` that was taken, a predecessor's included; `None` before the first.
    pub fn newest(&self) -> Option<u64> {
        self.freshness.newest()
    }
}

/// The id that a refused line claims to have: its own, or that of the payload that it envelops.
pub(crate) fn claimed_id(line: &[u8]) -> Option<String> {
    id_of(line).or_else(|| id_of(id_scan::find(line, "payload")?.as_bytes()))
}

/// What stands inside a signed line, whoever signed it: good for nothing that has an effect.
pub fn unchecked_payload(line: &str) -> Option<String> {
    read(line).ok().map(|envelope| envelope.payload)
}

fn read(line: &str) -> Result<Envelope, EnvelopeError> {
    let kind: Kind = serde_json::from_str(line).map_err(|_| EnvelopeError::NotSigned)?;
    if kind.kind != "signed" {
        return Err(EnvelopeError::NotSigned);
    }
    let envelope: Envelope =
        serde_json::from_str(line).map_err(|error| EnvelopeError::Malformed(echo(&error.to_string())))?;
    if envelope.v != VERSION {
        return Err(EnvelopeError::Malformed(format!("`v` must be {VERSION}, not {}", envelope.v)));
    }
    check_nonce(&envelope.nonce)?;
    Ok(envelope)
}

/// Whether a text may be a nonce.
pub(crate) fn check_nonce(nonce: &str) -> Result<(), EnvelopeError> {
    if nonce.is_empty() || nonce.chars().nth(MAX_NONCE_CHARS).is_some() || nonce.chars().any(char::is_control)
    {
        let must = format!("`nonce` must have 1 to {MAX_NONCE_CHARS} characters and no control characters");
        return Err(EnvelopeError::Malformed(must));
    }
    Ok(())
}

/// An integer, which hosts with one kind of number write as a float without a fraction.
pub(crate) fn whole_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let number = number::integer(&value).and_then(|number| u64::try_from(number).ok());
    number.ok_or_else(|| {
        D::Error::custom(format!("invalid type: {}, expected a whole number", describe(&value)))
    })
}

/// By how much, for a person: `86400.250 s behind`.
fn off(skew_ms: i64) -> String {
    let side = if skew_ms < 0 { "behind" } else { "ahead of" };
    format!("{} s {side}", seconds(skew_ms.unsigned_abs()))
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// 64 hexadecimal digits, in any case, to the 32 bytes of a tag. A shorter tag is never taken.
fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut tag = [0; 32];
    if text.len() != 2 * tag.len() || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, at) in tag.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(tag)
}

#[cfg(test)]
mod tests;
