//! A request with its place in a trace, and what its answer says of it.

use infiniservice_protocol::HostMessage;
use infiniservice_protocol::host::Traced;
use infiniservice_protocol::trace::{Step, StepName, Trace, TraceContext};

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

pub fn traced(message: HostMessage) -> HostMessage {
    let context = TraceContext::read(PARENT, Some("vendor=1"));
    HostMessage::Traced(Traced { context, message: Box::new(message) })
}

pub fn trace() -> Trace {
    let step = |name, start_ms, end_ms| Step { name, start_ms, end_ms };
    Trace {
        traceparent: PARENT.into(),
        tracestate: Some("vendor=1".into()),
        received_offset_ms: 0,
        started: "2026-11-23T06:29:58.900Z".into(),
        ended: "2026-11-23T06:30:00.112Z".into(),
        steps: vec![step(StepName::Queue, 0, 8), step(StepName::Program, 9, 1212)],
        steps_left_out: Some(2),
    }
}
