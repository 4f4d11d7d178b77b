//! What a receiver's answer means (OTLP specification, "OTLP/HTTP Response").

use hyper::StatusCode;
use hyper::header::{HeaderMap, RETRY_AFTER};
use infiniservice_hub_core::delivery::{Outcome, Signal};
use infiniservice_hub_core::otlp;
use std::time::Duration;

/// What of a receiver's words is told, in bytes.
const MAX_WORDS: usize = 200;

/// What became of a request that was answered.
pub(super) fn outcome(signal: Signal, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Outcome {
    if status.is_success() {
        let (rejected, why) = otlp::rejected(signal, body);
        return Outcome::Taken { rejected, why: words(&why) };
    }
    let why = format!("the receiver answers {} {}", status.as_u16(), words(&String::from_utf8_lossy(body)));
    let why = why.trim_end().to_owned();
    match status {
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => Outcome::Later { after: after(headers), why },
        _ => Outcome::Refused { why },
    }
}

/// Of the two forms of `Retry-After` the one in seconds; a date is the receiver's clock's.
fn after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

/// Words of somebody else for the log.
fn words(text: &str) -> String {
    let text = text.get(..text.floor_char_boundary(MAX_WORDS)).unwrap_or_default();
    let shown = |letter: char| !letter.is_control() && letter != char::REPLACEMENT_CHARACTER;
    text.chars().filter(|letter| shown(*letter)).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, retry_after: &str, body: &[u8]) -> Outcome {
        let headers = HeaderMap::from_iter([(RETRY_AFTER, retry_after.parse().unwrap())]);
        outcome(Signal::Logs, StatusCode::from_u16(status).unwrap(), &headers, body)
    }

    #[test]
    fn only_what_the_protocol_calls_retryable_is_tried_again() {
        for status in [429, 502, 503, 504] {
            let Outcome::Later { after, .. } = of(status, "7", b"") else { panic!("{status}") };
            assert_eq!(after, Some(Duration::from_secs(7)));
        }
        assert!(matches!(of(503, "Wed, 21 Oct 2026 07:28:00 GMT", b""), Outcome::Later { after: None, .. }));
        for status in [301, 400, 401, 404, 413, 500] {
            assert!(matches!(of(status, "7", b""), Outcome::Refused { .. }), "{status}");
        }
    }

    #[test]
    fn a_receivers_words_are_told_in_short_and_without_control_characters() {
        let Outcome::Refused { why } =
            of(400, "", &[b"\x08\x03\x12\x1b[2Jbad ".as_slice(), &[b'x'; 9000]].concat())
        else {
            panic!()
        };
        assert!(why.starts_with("the receiver answers 400 [2Jbad xxx") && why.len() < 250, "{why}");
        assert_eq!(of(200, "", b""), Outcome::Taken { rejected: 0, why: String::new() });
        // An answer that cannot be read is one that refuses nothing.
        assert_eq!(of(200, "", b"\xff\xff"), Outcome::Taken { rejected: 0, why: String::new() });
    }
}
