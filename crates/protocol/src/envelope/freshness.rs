//! What is taken once, and in time: the window around the guest's clock, and the nonces that were taken, in bounded memory that is
//! safe against clocks that jump.

use super::EnvelopeError;
use sha2::{Digest, Sha256};
use std::collections::{BTreeSet, HashSet};

/// How far `ts` may be from the guest's clock, either way.
pub(crate) const WINDOW_MS: u64 = 300_000;

/// Most nonces that are remembered. Beyond it the oldest is forgotten, and lines not newer than it are refused.
pub(crate) const MAX_NONCES: usize = 4096;

type Hash = [u8; 16];

/// Nonces by their hash, and the `ts` up to which nothing is taken any more because it was forgotten.
#[derive(Debug, Default)]
pub(crate) struct Freshness {
    seen: HashSet<Hash>,
    by_time: BTreeSet<(u64, Hash)>,
    forgotten_up_to: Option<u64>,
}

impl Freshness {
    /// Takes what was sealed or signed at `ts` with this nonce, once: not before `oldest`, which a predecessor may have taken, and
    /// near `now`.
    pub(crate) fn take(
        &mut self,
        (oldest, now): (u64, u64),
        ts: u64,
        nonce: &str,
    ) -> Result<(), EnvelopeError> {
        check_window(now, ts)?;
        if let Some(early_ms) = oldest.checked_sub(ts).filter(|early| *early > 0) {
            return Err(EnvelopeError::BeforeStart { early_ms });
        }
        self.remember(now, ts, nonce)
    }

    /// Takes a nonce once. What is forgotten raises the oldest `ts` that is taken, so that a guest's clock that jumps
    /// forward and back again does not open a way for lines of the past.
    fn remember(&mut self, now: u64, ts: u64, nonce: &str) -> Result<(), EnvelopeError> {
        self.forget(now);
        let hash = hash(nonce);
        if self.forgotten_up_to.is_some_and(|oldest| ts <= oldest) || !self.seen.insert(hash) {
            return Err(EnvelopeError::Replayed);
        }
        self.by_time.insert((ts, hash));
        Ok(())
    }

    /// Takes no `ts` any more that is not newer.
    pub(crate) fn forget_up_to(&mut self, ts: u64) {
        self.forgotten_up_to = self.forgotten_up_to.max(Some(ts));
    }

    /// The newest `ts` that was taken.
    pub(crate) fn newest(&self) -> Option<u64> {
        self.by_time.last().map(|(ts, _)| *ts).max(self.forgotten_up_to)
    }

    fn forget(&mut self, now: u64) {
        while let Some((ts, hash)) = self.by_time.first().copied() {
            if self.by_time.len() < MAX_NONCES && ts.saturating_add(WINDOW_MS) >= now {
                break;
            }
            self.by_time.pop_first();
            self.seen.remove(&hash);
            self.forgotten_up_to = self.forgotten_up_to.max(Some(ts));
        }
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.seen.len().max(self.by_time.len())
    }
}

fn hash(nonce: &str) -> Hash {
    let mut hash = Hash::default();
    for (to, from) in hash.iter_mut().zip(Sha256::digest(nonce.as_bytes())) {
        *to = from;
    }
    hash
}

fn check_window(now: u64, ts: u64) -> Result<(), EnvelopeError> {
    if now.abs_diff(ts) <= WINDOW_MS {
        return Ok(());
    }
    let skew = i128::from(ts) - i128::from(now);
    let skew_ms = i64::try_from(skew).unwrap_or(if skew < 0 { i64::MIN } else { i64::MAX });
    Err(EnvelopeError::OutsideWindow { skew_ms })
}
