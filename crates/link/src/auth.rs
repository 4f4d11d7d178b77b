//! The way in: with a shared secret only signed lines pass, without one every line of the contract does.

use crate::askers::Asker;
use crate::seals::{Plain, is_for_monitors};
use crate::token_bucket::TokenBucket;
use infiniservice_protocol::clock::Now;
use infiniservice_protocol::codec::LineItem;
use infiniservice_protocol::envelope::{CAUSES, EnvelopeError, Verifier};
use infiniservice_protocol::number::millis;
use infiniservice_protocol::parse::parse_host_item;
use infiniservice_protocol::sealed::{Controllers, KeyPair, Opened, Opener, Role, is_sealed};
use infiniservice_protocol::{ErrorCode, HostMessage, Rejection, parse_host_line};
use std::sync::Arc;
use std::time::Duration;

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
    /// It is to be answered like every bad line, to the one who sealed it.
    Line(Rejection, Option<Box<Asker>>),
    /// It was not signed by the host; whether it is to be answered, and whether it is to be logged.
    Unsigned { rejection: Rejection, answer: bool, log: bool },
}

/// What a line says, and who sealed it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Admitted {
    pub(super) message: HostMessage,
    pub(super) asker: Option<Asker>,
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
    sealed: Option<(Opener, Plain)>,
    lead: Option<Duration>,
    causes: [Cause; CAUSES],
    told: Option<u64>,
    tells_foreign: bool,
}

impl Authenticator {
    #[cfg(test)]
    pub(super) fn with_secret(secret: &str) -> Self {
        let mut auth = Self::default();
        auth.set_secret(secret);
        auth
    }

    /// The same auth, for lines signed with `secret`.
    pub(super) fn set_secret(&mut self, secret: &str) {
        self.verifier = Some(Verifier::new(secret));
        self.lead = Some(Duration::ZERO);
    }

    /// The same auth, for lines sealed to this key, and without them only for what may be asked in the open.
    pub(super) fn set_keys(&mut self, own: KeyPair, controllers: Arc<Controllers>, plain: Plain) {
        self.sealed = Some((Opener::new(own, controllers), plain));
        self.lead = Some(Duration::ZERO);
    }

    /// From now on these keys count.
    pub(super) fn set_controllers(&mut self, controllers: Arc<Controllers>) {
        if let Some((opener, _)) = &mut self.sealed {
            opener.set_controllers(controllers);
        }
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
                if let Some((opener, _)) = &mut self.sealed {
                    opener.forget_up_to(ts);
                }
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
    ) -> Result<Admitted, Refusal> {
        if let (LineItem::Line(line), Some((opener, _))) = (item, &mut self.sealed)
            && is_sealed(line.as_bytes())
        {
            let oldest = self.lead.map_or(0, |lead| began_ms(now, lead));
            return match opener.open(oldest, now.wall_ms(), line) {
                Ok(opened) => sealed(opened),
                Err(error) => Err(self.refuse(now, error, line.as_bytes())),
            };
        }
        let message = self.admit_unsealed(now, item, max_line_bytes)?;
        match (&self.sealed, item) {
            (Some((_, plain)), LineItem::Line(line)) if !plain.allows(&message) => {
                Err(self.refuse(now, EnvelopeError::NotSealed, line.as_bytes()))
            }
            _ => Ok(Admitted { message, asker: None }),
        }
    }

    /// A line that is signed where a secret is set, and plain elsewhere.
    fn admit_unsealed(
        &mut self,
        now: Now,
        item: &LineItem,
        max_line_bytes: usize,
    ) -> Result<HostMessage, Refusal> {
        let Some(verifier) = &mut self.verifier else {
            return parse_host_item(item, max_line_bytes).map_err(|rejection| match item {
                LineItem::Line(line) => self.line(rejection, line),
                _ => Refusal::Line(rejection, None),
            });
        };
        let oldest = self.lead.map_or(0, |lead| began_ms(now, lead));
        let (signed, line) = match item {
            LineItem::Line(line) => (verifier.verify_since(oldest, now.wall_ms(), line), line.as_bytes()),
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
        Refusal::Line(rejection, None)
    }

    /// Lines of unknown types are told with their text.
    pub(super) fn tell_foreign(&mut self) {
        self.tells_foreign = true;
    }

    /// The newest `ts` that was taken, once.
    pub(super) fn newest(&mut self) -> Option<u64> {
        let of_sealed = self.sealed.as_ref().and_then(|(opener, _)| opener.newest());
        let newest = self.verifier.as_ref().and_then(Verifier::newest).max(of_sealed);
        (self.told < newest).then(|| self.told = newest).and(newest)
    }

    fn refuse(&mut self, now: Now, error: EnvelopeError, line: &[u8]) -> Refusal {
        let cause = self.causes.get_mut(error.cause());
        let (answer, log) =
            cause.map_or((true, true), |cause| (cause.answers.take(now.mono), cause.logs.take(now.mono)));
        Refusal::Unsigned { rejection: error.into_rejection(line), answer, log }
    }
}

/// What was in a sealed line; what is wrong with it is for the eyes of who sealed it alone.
fn sealed(opened: Opened) -> Result<Admitted, Refusal> {
    let asker = Asker { kid: opened.kid, routed: opened.id.is_some() };
    let refuse = |rejection| Refusal::Line(rejection, Some(Box::new(asker.clone())));
    let message = parse_host_line(&opened.payload).map_err(refuse)?;
    let id = message.id().map(str::to_owned);
    let because = |code, error: &str| refuse(Rejection { id: id.clone(), ..Rejection::new(code, error) });
    if opened.id.is_some() && opened.id != id {
        let error = "the `id` beside what is sealed must be that of the sealed line";
        return Err(because(ErrorCode::InvalidMessage, error));
    }
    if opened.role == Role::Monitor && !is_for_monitors(&message) {
        let error = "the key that sealed this line is one for monitoring, which may read figures only";
        return Err(because(ErrorCode::PermissionDenied, error));
    }
    Ok(Admitted { message, asker: Some(asker) })
}

/// When this agent began, less `lead`, as the wall clock of this moment sees it: a clock that is set right meanwhile shuts
/// nobody out.
fn began_ms(now: Now, lead: Duration) -> u64 {
    let ago = millis(now.mono + lead);
    now.wall_ms().saturating_sub(ago)
}

#[cfg(test)]
#[path = "auth_tests.rs"]
mod tests;
