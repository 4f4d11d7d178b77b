//! The way in: with a shared secret only signed lines pass, without one every line of the contract does.

use crate::clock::Now;
use infiniservice_protocol::codec::LineItem;
use infiniservice_protocol::envelope::{EnvelopeError, Refusals, Verifier};
use infiniservice_protocol::parse::parse_host_item;
use infiniservice_protocol::{HostMessage, Rejection, parse_host_line};
use std::time::UNIX_EPOCH;

/// Why a line did not pass.
#[derive(Debug)]
pub(super) enum Refusal {
    /// It is to be answered like every bad line.
    Line(Rejection),
    /// It was not signed by the host. `answer` is true at most once a minute; `count` is how many there were so far.
    Unsigned { rejection: Rejection, answer: bool, count: u64 },
}

/// Checks signatures where a secret is set.
#[derive(Debug, Default)]
pub(super) struct Gate {
    verifier: Option<Verifier>,
    refusals: Refusals,
}

impl Gate {
    pub(super) fn with_secret(secret: &str) -> Self {
        Self { verifier: Some(Verifier::new(secret)), refusals: Refusals::default() }
    }

    /// What a line says, if it may be heard.
    pub(super) fn admit(
        &mut self,
        now: Now,
        item: &LineItem,
        max_line_bytes: usize,
    ) -> Result<HostMessage, Refusal> {
        let Some(verifier) = &mut self.verifier else {
            return parse_host_item(item, max_line_bytes).map_err(Refusal::Line);
        };
        let signed = match item {
            LineItem::Line(line) => verifier.verify(wall_ms(now), line),
            LineItem::TooLong { .. } | LineItem::InvalidUtf8 { .. } => Err(EnvelopeError::NotSigned),
        };
        match signed {
            Ok(payload) => parse_host_line(&payload).map_err(Refusal::Line),
            Err(error) => Err(self.refuse(now, error)),
        }
    }

    fn refuse(&mut self, now: Now, error: EnvelopeError) -> Refusal {
        let answer = self.refusals.refuse(now.mono);
        Refusal::Unsigned { rejection: error.into_rejection(), answer, count: self.refusals.count() }
    }
}

/// A clock before 1970 is as wrong as one that stands there.
fn wall_ms(now: Now) -> u64 {
    let since = now.wall.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use infiniservice_protocol::ErrorCode;
    use infiniservice_protocol::envelope::Signer;
    use std::time::Duration;

    const SECRET: &str = "sixteen letters!";
    const MS: u64 = 1_700_000_000_000;

    fn at(seconds: u64) -> Now {
        let mono = Duration::from_secs(seconds);
        Now { mono, wall: UNIX_EPOCH + Duration::from_millis(MS) + mono }
    }

    fn line(text: &str) -> LineItem {
        LineItem::Line(text.trim_end().to_owned())
    }

    fn signed(nonce: &str, payload: &str) -> LineItem {
        line(&Signer::new(SECRET).sign(MS, nonce, payload))
    }

    #[test]
    fn a_signed_line_says_what_its_payload_says() {
        let mut gate = Gate::with_secret(SECRET);
        let admitted = gate.admit(at(0), &signed("a", r#"{"type":"Metrics","id":"m"}"#), 1000);
        assert_eq!(admitted.unwrap(), HostMessage::Metrics { id: Some("m".to_owned()) });
    }

    #[test]
    fn a_signed_line_is_heard_once() {
        let mut gate = Gate::with_secret(SECRET);
        let item = signed("a", r#"{"type":"Hello"}"#);
        assert!(gate.admit(at(0), &item, 1000).is_ok());
        assert!(matches!(gate.admit(at(1), &item, 1000), Err(Refusal::Unsigned { .. })));
    }

    #[test]
    fn with_a_secret_a_plain_line_is_refused_and_answered_once_a_minute() {
        let mut gate = Gate::with_secret(SECRET);
        let mut answers = Vec::new();
        for second in 0..120 {
            let refused = gate.admit(at(second), &line(r#"{"type":"Hello"}"#), 1000);
            let Err(Refusal::Unsigned { rejection, answer, count }) = refused else { panic!("passed") };
            assert_eq!(count, second + 1);
            answers.extend(answer.then_some(rejection));
        }
        assert_eq!(answers.len(), 2);
        assert!(answers.iter().all(|answer| answer.code == ErrorCode::SignatureInvalid));
    }

    #[test]
    fn oversized_and_garbled_lines_are_not_signed_either() {
        let mut gate = Gate::with_secret(SECRET);
        for item in
            [LineItem::TooLong { bytes: 2000 }, LineItem::InvalidUtf8 { line: vec![0xff], valid_up_to: 0 }]
        {
            assert!(matches!(gate.admit(at(0), &item, 1000), Err(Refusal::Unsigned { .. })));
        }
    }

    #[test]
    fn what_a_true_host_gets_wrong_is_answered_as_ever() {
        let mut gate = Gate::with_secret(SECRET);
        let refused = gate.admit(at(0), &signed("a", r#"{"type":"Nonsense"}"#), 1000);
        assert!(matches!(refused, Err(Refusal::Line(rejection)) if rejection.code == ErrorCode::UnknownType));
    }

    #[test]
    fn without_a_secret_plain_lines_pass() {
        assert!(Gate::default().admit(at(0), &line(r#"{"type":"Hello"}"#), 1000).is_ok());
    }
}
