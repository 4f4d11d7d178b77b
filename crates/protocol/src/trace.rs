//! Where a request belongs in its host's trace (W3C Trace Context), and what the guest says of the time that it took.

use serde::{Deserialize, Serialize};

/// Length of a `traceparent`: version, trace, parent and flags, in hexadecimal.
pub const TRACEPARENT_CHARS: usize = 55;
/// Longest `tracestate`.
pub const MAX_TRACESTATE_CHARS: usize = 512;
/// Steps of one answer, at most.
pub const MAX_STEPS: usize = 16;

/// A valid `traceparent`, and the `tracestate` beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    traceparent: String,
    tracestate: Option<String>,
}

impl TraceContext {
    /// `None` where `traceparent` is malformed. A malformed `tracestate` alone is left out.
    pub fn read(traceparent: &str, tracestate: Option<&str>) -> Option<Self> {
        let printable = |text: &&str| text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        let state = tracestate.filter(|text| !text.is_empty() && text.len() <= MAX_TRACESTATE_CHARS);
        is_traceparent(traceparent).then(|| Self {
            traceparent: traceparent.to_owned(),
            tracestate: state.filter(printable).map(str::to_owned),
        })
    }

    /// As it came.
    pub fn traceparent(&self) -> &str {
        &self.traceparent
    }

    /// As it came.
    pub fn tracestate(&self) -> Option<&str> {
        self.tracestate.as_deref()
    }

    /// The trace's id, 32 hexadecimal digits.
    pub fn trace_id(&self) -> &str {
        self.traceparent.get(3..35).unwrap_or_default()
    }
}

/// `00-` trace `-` parent `-` flags, in lower case; version ff and ids of zeros are invalid. Of later versions too this length alone is
/// taken.
fn is_traceparent(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [version, trace, parent, flags] = parts[..] else { return false };
    let hexadecimal = |part: &str, digits: usize| {
        part.len() == digits && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let id = |part: &str, digits| hexadecimal(part, digits) && part.bytes().any(|byte| byte != b'0');
    hexadecimal(version, 2) && version != "ff" && id(trace, 32) && id(parent, 16) && hexadecimal(flags, 2)
}

/// `trace` of an answer: its request's context, and where the time went.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Trace {
    /// As the request had it.
    pub traceparent: String,
    /// As the request had it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracestate: Option<String>,
    /// The moment from which the steps count: 0, when the guest had read the request.
    pub received_offset_ms: u64,
    /// When the guest had read the request, by its own clock, RFC 3339.
    pub started: String,
    /// When the answer was made, RFC 3339: `started` plus the time by a clock that nobody can set.
    pub ended: String,
    /// In the order in which they ended; one may lie within another.
    pub steps: Vec<Step>,
    /// How many more steps there were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps_left_out: Option<u64>,
}

/// A part of the time that a request took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Step {
    /// The kind of step.
    pub name: StepName,
    /// Milliseconds since the request was read.
    pub start_ms: u64,
    /// The same.
    pub end_ms: u64,
}

/// The kinds of steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum StepName {
    /// Waiting for a slot, or for the previous collection.
    Queue,
    /// Waiting for something that only one command may use.
    Lock,
    /// A program that ran.
    Program,
    /// Reading the system: the whole of a command that only reads, or the collection of metrics.
    Read,
    /// A role of a later version.
    #[serde(other)]
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_traceparent_is_taken_as_it_is() {
        let context = TraceContext::read(PARENT, Some("vendor=1,other=2")).unwrap();
        assert_eq!(context.traceparent().len(), TRACEPARENT_CHARS);
        assert_eq!(context.trace_id(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(context.tracestate(), Some("vendor=1,other=2"));
    }

    #[test]
    fn a_malformed_one_is_none() {
        for wrong in [
            "",
            "00",
            &PARENT[..54],
            &format!("{PARENT}0"),
            &format!("{PARENT}-00"),
            &PARENT.to_uppercase(),
            &PARENT.replacen("00", "ff", 1),
            &PARENT.replace("0af7651916cd43dd8448eb211c80319c", &"0".repeat(32)),
            &PARENT.replace("b7ad6b7169203331", &"0".repeat(16)),
            &PARENT.replace('-', "_"),
            &PARENT.replace("b7", "\u{e9}"),
        ] {
            assert_eq!(TraceContext::read(wrong, None), None, "{wrong}");
        }
    }

    #[test]
    fn a_malformed_state_is_left_out_alone() {
        for wrong in ["", "a\nb", "caf\u{e9}", &"x".repeat(513)] {
            assert_eq!(TraceContext::read(PARENT, Some(wrong)).unwrap().tracestate(), None, "{wrong}");
        }
        let longest = "x".repeat(512);
        assert_eq!(TraceContext::read(PARENT, Some(&longest)).unwrap().tracestate(), Some(longest.as_str()));
    }
}
