//! How lines are protected on their way: not at all, signed, or sealed.

use super::event::{Content, Event};
use super::options::Options;
use infiniservice_protocol::envelope::Signer;
use infiniservice_protocol::guest::GuestMessage;
use infiniservice_protocol::sealed::{AnswerError, HostEnd, KEY_BYTES, TYPE};
use infiniservice_protocol::timestamp::unix_millis;
use infiniservice_protocol::{ErrorCode, HostMessage};
use std::time::{Instant, SystemTime};

/// Why a line in the open is not believed on a connection whose lines are sealed.
const IN_THE_OPEN: &str = "the guest's line is not sealed, so that it may come from anybody";

/// What protects the lines of one connection.
pub(super) enum Protection {
    /// Nothing: everybody at the socket reads and writes them.
    None,
    /// Our lines are signed.
    Signed(Signer),
    /// Our lines are sealed to the guest, and its answers to us.
    Sealed(Box<HostEnd>),
}

impl Protection {
    /// By what the options name.
    pub(super) fn of(options: Options) -> Self {
        match (options.seal, options.secret) {
            (Some(end), _) => Self::Sealed(end),
            (None, Some(secret)) => Self::Signed(Signer::new(&secret)),
            (None, None) => Self::None,
        }
    }

    /// A message as its line. The nonce is of 128 random bits.
    pub(super) fn encode(&self, message: &HostMessage, now: SystemTime) -> String {
        let ms = unix_millis(now);
        let nonce = || format!("{:032x}", fastrand::u128(..));
        match self {
            Self::None => message.to_line(now),
            Self::Signed(signer) => signer.sign(ms, &nonce(), &message.to_payload(now)),
            Self::Sealed(end) => {
                let mut random = [0; KEY_BYTES];
                // Nothing is better than a line that can be read: the request then times out.
                let drawn = getrandom::fill(&mut random).is_ok();
                let line = || end.seal((ms, &nonce()), message.id(), &message.to_payload(now), random);
                drawn.then(line).flatten().unwrap_or_default()
            }
        }
    }

    /// A line of the guest's.
    pub(super) fn read(&self, line: String, received: Instant) -> Event {
        let Self::Sealed(end) = self else { return Event::parse(line, received) };
        match end.open(&line) {
            Some(Ok(inner)) => Event::parse(inner, received),
            Some(Err(AnswerError::OfAnother)) => Event::unknown(line, TYPE, received),
            Some(Err(error)) => Event::malformed(line, error.to_string(), received),
            None => in_the_open(Event::parse(line, received)),
        }
    }
}

/// What may be believed although it is not sealed: what says nothing of the machine, and that a line of ours was refused.
fn in_the_open(event: Event) -> Event {
    let refusals = [ErrorCode::SignatureInvalid, ErrorCode::UnknownType, ErrorCode::Internal];
    let may_be_believed = match &event.content {
        Content::Message(GuestMessage::Response(response)) => {
            !response.success && response.error_code.is_some_and(|code| refusals.contains(&code))
        }
        Content::Message(GuestMessage::SystemMetrics(metrics)) => metrics.request_id.is_none(),
        Content::Message(
            GuestMessage::KeepAlive(_)
            | GuestMessage::Error(_)
            | GuestMessage::CircuitBreakerState(_)
            | GuestMessage::Channel(_),
        )
        | Content::Unknown { .. }
        | Content::Malformed { .. } => true,
        Content::Message(_) => false,
    };
    if may_be_believed { event } else { Event::malformed(event.raw, IN_THE_OPEN.into(), event.received) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use infiniservice_protocol::sealed::{Controllers, KeyPair, Opener, seal_answer};
    use std::sync::Arc;
    use std::time::UNIX_EPOCH;

    fn pair(n: u8) -> KeyPair {
        KeyPair::from_bytes([n; KEY_BYTES])
    }

    fn sealed() -> Protection {
        Protection::Sealed(Box::new(HostEnd::new("ops", pair(2), pair(1).public().clone())))
    }

    fn controllers(kid: &str) -> Arc<Controllers> {
        Arc::new(Controllers::parse(&format!("{kid} {}", pair(2).public())).unwrap())
    }

    fn answer(kid: &str, line: &str) -> String {
        let mut out = Vec::new();
        let to = controllers(kid).find(kid).cloned().unwrap();
        let body = seal_answer(&pair(1), &to, None, line.as_bytes(), [3; KEY_BYTES]).unwrap();
        body.finish(UNIX_EPOCH, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_is_asked_can_be_opened_by_the_guest_alone_and_differs_each_time() {
        let now = SystemTime::now();
        let message = HostMessage::Metrics { id: Some("m-1".into()) };
        let (one, other) = (sealed().encode(&message, now), sealed().encode(&message, now));
        assert_ne!(one, other);
        let ms = unix_millis(now);
        let mut opener = Opener::new(pair(1), controllers("ops"));
        for line in [one, other] {
            let found = opener.open(0, ms, line.trim_end()).unwrap();
            assert_eq!((found.payload, found.id.as_deref()), (message.to_payload(now), Some("m-1")));
        }
    }

    #[test]
    fn a_sealed_answer_is_read_and_one_for_another_is_passed_over() {
        let line = r#"{"type":"keep_alive","sequence_number":3}"#;
        let event = sealed().read(answer("ops", line), Instant::now());
        assert!(matches!(event.message(), Some(GuestMessage::KeepAlive(_))), "{event:?}");
        assert_eq!(event.raw, line);
        let event = sealed().read(answer("other", line), Instant::now());
        assert_eq!(event.content, Content::Unknown { kind: "sealed".into() });
        let changed = answer("ops", line).replacen("\"ct\":\"", "\"ct\":\"AAAA", 1);
        assert!(matches!(sealed().read(changed, Instant::now()).content, Content::Malformed { .. }));
    }

    #[test]
    fn an_answer_in_the_open_is_not_believed_but_a_refusal_is() {
        let response = |success: bool, code: &str| {
            format!(
                r#"{{"type":"response","id":"c","command_type":"Reboot","success":{success},"exit_code":null,
                "stdout":"","stderr":"","execution_time_ms":1,"data":{{}}{code}}}"#
            )
            .replace('\n', "")
        };
        let code = |code: &str| format!(r#","error":"x","error_code":"{code}""#);
        for (line, believed) in [
            (response(true, ""), false),
            (response(false, &code("NOT_FOUND")), false),
            (response(false, &code("SIGNATURE_INVALID")), true),
            (r#"{"type":"system_metrics","data":{}}"#.to_owned(), true),
            (r#"{"type":"system_metrics","data":{},"request_id":"m"}"#.to_owned(), false),
            (r#"{"type":"keep_alive","sequence_number":3}"#.to_owned(), true),
            (r#"{"type":"output","id":"c","stream":"stdout","seq":1,"text":"x"}"#.to_owned(), false),
        ] {
            let event = sealed().read(line.clone(), Instant::now());
            let plain = Event::parse(line.clone(), Instant::now());
            assert!(plain.message().is_some(), "{plain:?}");
            assert_eq!(event.message().is_some(), believed, "{event:?}");
        }
    }
}
