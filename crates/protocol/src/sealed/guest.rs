//! The guest's end: opens what its controllers sealed to it, once and in time, and seals what it answers.

use super::controllers::{Controller, Controllers, Role};
use super::keys::KeyPair;
use super::suite::{self, Random};
use super::{Inner, Line, TO_GUEST, TO_HOST, TYPE, VERSION, beside, context, pad, room, texts};
use crate::encode::Body;
use crate::envelope::{EnvelopeError, Freshness, check_nonce};
use crate::text::echo;
use std::sync::Arc;

/// Bytes of a guest's line besides what is hidden in it: an id of 256 characters of which each is spelled with twelve, and the rest.
const OUTSIDE_BYTES: usize = 4096;

/// What was in a sealed line, and who sealed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The controller's name.
    pub kid: Arc<str>,
    /// What it may do.
    pub role: Role,
    /// The id that stands beside the sealed part.
    pub id: Option<String>,
    /// The inner line.
    pub payload: String,
}

/// Opens the lines of a guest's controllers.
#[derive(Debug)]
pub struct Opener {
    own: KeyPair,
    controllers: Arc<Controllers>,
    freshness: Freshness,
}

impl Opener {
    /// Opens what was sealed to this key by one of these.
    pub fn new(own: KeyPair, controllers: Arc<Controllers>) -> Self {
        Self { own, controllers, freshness: Freshness::default() }
    }

    /// From now on these count. What was taken before stays taken.
    pub fn set_controllers(&mut self, controllers: Arc<Controllers>) {
        self.controllers = controllers;
    }

    /// Opens a line that was not sealed before `oldest_ms`: a predecessor of this agent may have taken it. `now_wall_ms` is the
    /// guest's clock. Both are milliseconds since 1970.
    ///
    /// # Errors
    /// Why it is not taken.
    pub fn open(&mut self, oldest_ms: u64, now_wall_ms: u64, line: &str) -> Result<Opened, EnvelopeError> {
        let line = Line::read(line)?;
        let kid = line.kid.as_deref().ok_or_else(|| EnvelopeError::Malformed("`kid` is missing".into()))?;
        let unknown = || EnvelopeError::UnknownKey(echo(&format!("{kid:?}")));
        let Controller { kid, key, role } = self.controllers.find(kid).cloned().ok_or_else(unknown)?;
        let beside = beside(&kid, line.id.as_deref());
        let (enc, ct) = line.sealed()?;
        let plain = suite::open(&self.own, &key, context(TO_GUEST, &beside), (&enc, &ct));
        let inner = read(&plain.ok_or(EnvelopeError::NotOpened)?)?;
        // Two controllers may well choose the same nonce. A kid has no newline, and no nonce of a signed line has one.
        let nonce = format!("{kid}\n{}", inner.nonce);
        self.freshness.take((oldest_ms, now_wall_ms), inner.ts, &nonce)?;
        Ok(Opened { kid, role, id: line.id, payload: inner.payload })
    }

    /// Takes no line any more whose `ts` is not newer than this one, which a predecessor took.
    pub fn forget_up_to(&mut self, newest_ts: u64) {
        self.freshness.forget_up_to(newest_ts);
    }

    /// The newest `ts` that was taken, a predecessor's included; `None` before the first.
    pub fn newest(&self) -> Option<u64> {
        self.freshness.newest()
    }
}

fn read(plain: &[u8]) -> Result<Inner, EnvelopeError> {
    // What it says of the error would show to all what is hidden.
    let malformed =
        |_| EnvelopeError::Malformed("what was sealed must have `ts`, `nonce` and `payload`".into());
    let inner: Inner = serde_json::from_slice(plain).map_err(malformed)?;
    check_nonce(&inner.nonce)?;
    Ok(inner)
}

/// How long a guest's line may be that becomes one of at most `max` bytes when it is sealed.
pub const fn inner_room(max: usize) -> usize {
    room(max, OUTSIDE_BYTES)
}

/// A line of the guest's, sealed to a controller; with `id` it can be routed by it. `None` where nothing can be sealed to that key.
pub fn seal_answer(
    own: &KeyPair,
    to: &Controller,
    id: Option<&str>,
    line: &[u8],
    random: Random,
) -> Option<Body> {
    let mut plain = line.trim_ascii_end().to_vec();
    pad(&mut plain);
    let beside = beside(&to.kid, id);
    let sealed = suite::seal(own, &to.key, context(TO_HOST, &beside), &plain, random)?;
    let (enc, ct) = texts(sealed);
    let (id, to) = (id.map(str::to_owned), Some(to.kid.to_string()));
    Some(Body::of(&Line { kind: TYPE.into(), v: VERSION, id, kid: None, to, enc, ct }))
}
