//! The host's end: seals what a controller asks of a guest, and opens what that guest answers.

use super::keys::{KeyPair, PublicKey};
use super::suite::{self, Random};
use super::{Inner, Line, TO_GUEST, TO_HOST, TYPE, VERSION, beside, context, is_sealed, pad, texts};
use crate::envelope::EnvelopeError;

/// Why a guest's line was not opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// It is sealed to another controller.
    #[error("the line is sealed to another controller's key")]
    OfAnother,
    /// It is no sealed line.
    #[error("the sealed line is invalid: {0}")]
    Malformed(EnvelopeError),
    /// It was sealed by another key, or changed.
    #[error(
        "the sealed line cannot be opened: it is not from the guest whose key is pinned, or it was changed"
    )]
    NotOpened,
}

/// One controller's end of the lines to one guest.
#[derive(Clone, Debug)]
pub struct HostEnd {
    kid: String,
    own: KeyPair,
    guest: PublicKey,
}

impl HostEnd {
    /// The controller `kid` with its key, and the guest by its key.
    pub fn new(kid: &str, own: KeyPair, guest: PublicKey) -> Self {
        Self { kid: kid.to_owned(), own, guest }
    }

    /// The sealed line, with its `\n`. `ts` and `nonce` are as those of a signed line. With `id`, which is then that of the
    /// payload, its answers can be routed by who carries them. `None` where nothing can be sealed to the guest's key.
    pub fn seal(
        &self,
        (ts, nonce): (u64, &str),
        id: Option<&str>,
        payload: &str,
        random: Random,
    ) -> Option<String> {
        let inner = Inner { ts, nonce: nonce.to_owned(), payload: payload.to_owned() };
        let mut plain = serde_json::to_vec(&inner).ok()?;
        pad(&mut plain);
        let beside = beside(&self.kid, id);
        let sealed = suite::seal(&self.own, &self.guest, context(TO_GUEST, &beside), &plain, random)?;
        let (enc, ct) = texts(sealed);
        let (id, kid) = (id.map(str::to_owned), Some(self.kid.clone()));
        let line = Line { kind: TYPE.into(), v: VERSION, id, kid, to: None, enc, ct };
        serde_json::to_string(&line).ok().map(|line| line + "\n")
    }

    /// The guest's line that is in a sealed one; `None` for one that is not sealed.
    ///
    /// # Errors
    /// Why it cannot be opened.
    pub fn open(&self, line: &str) -> Option<Result<String, AnswerError>> {
        is_sealed(line.as_bytes()).then(|| self.open_sealed(line))
    }

    fn open_sealed(&self, line: &str) -> Result<String, AnswerError> {
        let line = Line::read(line).map_err(AnswerError::Malformed)?;
        if line.to.as_deref() != Some(&self.kid) {
            return Err(AnswerError::OfAnother);
        }
        let (enc, ct) = line.sealed().map_err(AnswerError::Malformed)?;
        let beside = beside(&self.kid, line.id.as_deref());
        let plain = suite::open(&self.own, &self.guest, context(TO_HOST, &beside), (&enc, &ct));
        let text = plain.and_then(|plain| String::from_utf8(plain).ok()).ok_or(AnswerError::NotOpened)?;
        Ok(text.trim_end_matches(' ').to_owned())
    }
}
