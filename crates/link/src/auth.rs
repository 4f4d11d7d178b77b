//! The way in: with a shared secret only signed lines pass, without one every line of the contract does.

use crate::token_bucket::TokenBucket;
use infiniservice_protocol::clock::Now;
use infiniservice_protocol::codec::LineItem;
use infiniservice_protocol::envelope::{CAUSES, EnvelopeError, Verifier};
use infiniservice_protocol::number::millis;
use infiniservice_protocol::parse::parse_host_item;
use infiniservice_protocol::{ErrorCode, HostMessage, Rejection, parse_host_line};
use std::time::{Duration, UNIX_EPOCH};

/// Refused signatures of one cause that are answered at once; then one each [`ANSWER_PERIOD`]. An answer to each would be a
/// gift to a flood, and none would leave a host that has the wrong secret in the dark.
pub(super) const ANSWER_BURST: u32 = 32;
/// See [`ANSWER_BURST`].
pub(super) const ANSWER_PERIOD: Duration = Duration::from_secs(2);
/// Least time between two lines of the log about refused signatures of one cause.
pub(super) const LOG_PERIOD: Duration = Duration::from_secs(60);

/// Why a line did not pass.
#[derive(Debug)]
pub(super) enum Refusal {
    /// It is of a type that only the dialect has, and well signed where that is asked for; its text.
    Foreign(Box<(Rejection, String)>),
    /// It is to be answered like every bad line.
    Line(Rejection),
    /// It was not signed by the host; whether it is to be answered, and whether it is to be logged.
    Unsigned { rejection: Rejection, answer: bool, log: bool },
}

/// From when on signed lines are taken: what a predecessor may have taken must not run again.
#[derive(Clone, Copy, Debug)]
pub(super) enum Since {
    /// From this long before the clock's zero.
    Start { lead: Duration },
    /// From behind this `ts`.
    Newest(u64),
}

#[derive(Debug)]
struct Cause {
    answers: TokenBucket,
    logs: TokenBucket,
}

impl Default for Cause {
    fn default() -> Self {
        Self { answers: TokenBucket::new(ANSWER_BURST, ANSWER_PERIOD), logs: TokenBucket::new(1, LOG_PERIOD) }
    }
}

/// Checks signatures where a secret is set.
#[derive(Debug, Default)]
pub(super) struct Authenticator {
    verifier: Option<Verifier>,
    lead: Option<Duration>,
    causes: [Cause; CAUSES],
    told: Option<u64>,
    tells_foreign: bool,
}

impl Authenticator {
    pub(super) fn with_secret(secret: &str) -> Self {
        Self { verifier: Some(Verifier::new(secret)), lead: Some(Duration::ZERO), ..Self::default() }
    }

    /// The same auth, for lines signed with `secret`.
    pub(super) fn set_secret(&mut self, secret: &str) {
        *self = Self { tells_foreign: self.tells_foreign, ..Self::with_secret(secret) };
    }

    /// Another secret in the place of the one there is: no line that was taken under the old one is taken again.
    pub(super) fn change_secret(&mut self, secret: &str) {
        let Some(old) = &self.verifier else { return };
        let fresh = Verifier::new(secret);
        self.verifier = Some(match old.newest() {
            Some(ts) => fresh.with_newest(ts),
            None => fresh,
        });
    }

    pub(super) fn set_since(&mut self, since: Since) {
        match since {
            Since::Start { lead } => self.lead = Some(lead),
            Since::Newest(ts) => {
                self.lead = None;
                self.verifier = self.verifier.take().map(|verifier| verifier.with_newest(ts));
                self.told = Some(ts);
            }
        }
    }

    /// What a line says, if it may be heard.
    pub(super) fn admit(
        &mut self,
        now: Now,
        item: &LineItem,
        max_line_bytes: usize,
    ) -> Result<HostMessage, Refusal> {
        let Some(verifier) = &mut self.verifier else {
            return parse_host_item(item, max_line_bytes).map_err(|rejection| match item {
                LineItem::Line(line) => self.line(rejection, line),
                _ => Refusal::Line(rejection),
            });
        };
        let oldest = self.lead.map_or(0, |lead| began_ms(now, lead));
        let (signed, line) = match item {
            LineItem::Line(line) => (verifier.verify_since(oldest, wall_ms(now), line), line.as_bytes()),
            LineItem::InvalidUtf8 { line, .. } => (Err(EnvelopeError::NotSigned), line.as_slice()),
            LineItem::TooLong { .. } => (Err(EnvelopeError::NotSigned), &[][..]),
        };
        match signed {
            Ok(payload) => parse_host_line(&payload).map_err(|rejection| self.line(rejection, &payload)),
            Err(error) => Err(self.refuse(now, error, line)),
        }
    }

    fn line(&self, rejection: Rejection, text: &str) -> Refusal {
        if self.tells_foreign && rejection.code == ErrorCode::UnknownType {
            return Refusal::Foreign(Box::new((rejection, text.to_owned())));
        }
        Refusal::Line(rejection)
    }

    /// Lines of unknown types are told with their text.
    pub(super) fn tell_foreign(&mut self) {
        self.tells_foreign = true;
    }

    /// The newest `ts` that was taken, once.
    pub(super) fn newest(&mut self) -> Option<u64> {
        let newest = self.verifier.as_ref().and_then(Verifier::newest);
        (self.told < newest).then(|| self.told = newest).and(newest)
    }

    fn refuse(&mut self, now: Now, error: EnvelopeError, line: &[u8]) -> Refusal {
        let cause = self.causes.get_mut(error.cause());
        let (answer, log) =
            cause.map_or((true, true), |cause| (cause.answers.take(now.mono), cause.logs.take(now.mono)));
        Refusal::Unsigned { rejection: error.into_rejection(line), answer, log }
    }
}

/// When this agent began, less `lead`, as the wall clock of this moment sees it: a clock that is set right meanwhile shuts
/// nobody out.
fn began_ms(now: Now, lead: Duration) -> u64 {
    let ago = millis(now.mono + lead);
    wall_ms(now).saturating_sub(ago)
}

/// A clock before 1970 is as wrong as one that stands there.
fn wall_ms(now: Now) -> u64 {
    let since = now.wall.duration_since(UNIX_EPOCH).unwrap_or_default();
    millis(since)
}

#[cfg(test)]
#[path = "auth_tests.rs"]
mod tests;
