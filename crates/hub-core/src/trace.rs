//! Where a request belongs in a trace (W3C Trace Context), and the ids of the spans that the hub makes.
//!
//! The ids are digests of what a span is about: the same after a restart of the hub, and known before the span is made.

use infiniservice_protocol::trace::{Trace, TraceContext};
use serde::Deserialize;
use serde_json::{Map, Value};

/// A place in a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The trace.
    pub trace: u128,
    /// The span above.
    pub parent: u64,
    /// Whether spans are to be kept.
    pub sampled: bool,
    /// `tracestate`, as it came.
    pub state: Option<String>,
}

impl Place {
    /// The place that a request names.
    pub fn of(context: &TraceContext) -> Option<Self> {
        let text = context.traceparent();
        let part = |from: usize, to: usize| text.get(from..to);
        Some(Self {
            trace: u128::from_str_radix(part(3, 35)?, 16).ok()?,
            parent: u64::from_str_radix(part(36, 52)?, 16).ok()?,
            sampled: u8::from_str_radix(part(53, 55)?, 16).ok()? & 1 == 1,
            state: context.tracestate().map(str::to_owned),
        })
    }

    /// The place that a message names.
    pub fn of_message(message: &Map<String, Value>) -> Option<Self> {
        let text = |name: &str| message.get(name).and_then(Value::as_str);
        Self::of(&TraceContext::read(text("traceparent")?, text("tracestate"))?)
    }

    /// The id of the span of this kind and name. It is never 0, which would be none.
    pub fn span(&self, kind: &str, name: &str) -> u64 {
        let parts = [&self.trace.to_be_bytes()[..], kind.as_bytes(), b"/", name.as_bytes()];
        digest(parts.into_iter().flatten().copied()).max(1)
    }

    /// What names a span of this trace as the one above.
    pub fn traceparent(&self, span: u64) -> String {
        format!("00-{:032x}-{span:016x}-{:02x}", self.trace, u8::from(self.sampled))
    }
}

/// FNV-1a, whose last bits are then mixed (the finish of `SplitMix64`). Whoever chooses what is digested can only spoil his own
/// trace.
fn digest(bytes: impl Iterator<Item = u8>) -> u64 {
    let sum = bytes
        .fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let sum = (sum ^ (sum >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let sum = (sum ^ (sum >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    sum ^ (sum >> 31)
}

#[derive(Deserialize)]
struct Line {
    #[serde(default)]
    trace: Option<Trace>,
}

/// What a guest's answer says of its time.
pub fn of_answer(line: &str) -> Option<Trace> {
    serde_json::from_str::<Line>(line).ok()?.trace
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn place(traceparent: &str) -> Option<Place> {
        let message = json!({ "traceparent": traceparent, "tracestate": "v=1" });
        Place::of_message(message.as_object().unwrap())
    }

    #[test]
    fn a_place_is_read_and_written_as_it_was() {
        let place = place(PARENT).unwrap();
        assert_eq!((place.parent, place.sampled), (0xb7ad_6b71_6920_3331, true));
        assert_eq!(place.traceparent(place.parent), PARENT);
        assert_eq!(place.state.as_deref(), Some("v=1"));
        assert!(!self::place(&PARENT.replace("-01", "-00")).unwrap().sampled);
        assert_eq!(self::place("00-x"), None);
    }

    #[test]
    fn ids_are_the_same_each_time_and_differ_by_what_they_name() {
        let place = place(PARENT).unwrap();
        let id = place.span("command", "job/web");
        assert_eq!(place.span("command", "job/web"), id);
        for other in [place.span("command", "job/db"), place.span("job", "job/web"), place.parent] {
            assert_ne!(other, id);
        }
    }
}
