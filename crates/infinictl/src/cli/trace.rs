//! `--trace`: requests with a place in a trace, and where the guest says that their time went.

use super::error::CliError;
use crate::text::sanitize;
use infiniservice_protocol::HostMessage;
use infiniservice_protocol::guest::GuestMessage;
use infiniservice_protocol::host::Traced;
use infiniservice_protocol::trace::{StepName, Trace, TraceContext};

/// What the caller's trace is named in, by the OpenTelemetry specification "Environment Variables as Context Propagation Carriers".
const PARENT_VARIABLE: &str = "TRACEPARENT";
const STATE_VARIABLE: &str = "TRACESTATE";

/// The caller's place in its trace, where the environment names one, or else a new one.
pub(super) fn context() -> Result<TraceContext, CliError> {
    let state = std::env::var(STATE_VARIABLE).ok();
    match std::env::var(PARENT_VARIABLE) {
        Ok(parent) => TraceContext::read(&parent, state.as_deref()).ok_or_else(|| {
            let parent = sanitize::brief(&parent);
            CliError::Usage(format!(
                "{PARENT_VARIABLE} is not a traceparent (00-TRACE-PARENT-FLAGS, 55 characters): {parent}"
            ))
        }),
        Err(_) => new().ok_or_else(|| CliError::Failed("no trace can be made".into())),
    }
}

/// A sampled trace that nobody has; an id of zeros is none.
fn new() -> Option<TraceContext> {
    let (trace, parent) = (fastrand::u128(1..), fastrand::u64(1..));
    TraceContext::read(&format!("00-{trace:032x}-{parent:016x}-01"), None)
}

/// The message with its place in the trace, where it may have one.
pub(super) fn traced(message: &HostMessage, context: Option<&TraceContext>) -> HostMessage {
    match context.filter(|_| message.may_be_traced()) {
        Some(context) => {
            HostMessage::Traced(Traced { context: Some(context.clone()), message: Box::new(message.clone()) })
        }
        None => message.clone(),
    }
}

/// Says on standard error where the time of an answer went.
pub(super) fn tell(message: Option<&GuestMessage>, context: Option<&TraceContext>) {
    let Some(context) = context else { return };
    match message.and_then(GuestMessage::trace) {
        Some(trace) => lines(trace).iter().for_each(|line| eprintln!("{line}")),
        None => eprintln!("trace {}: the guest's agent tells nothing of it", context.trace_id()),
    }
}

fn lines(trace: &Trace) -> Vec<String> {
    let id = TraceContext::read(&trace.traceparent, None).map(|context| context.trace_id().to_owned());
    let id = id.unwrap_or_else(|| sanitize::brief(&trace.traceparent));
    let (started, ended) = (sanitize::brief(&trace.started), sanitize::brief(&trace.ended));
    let mut lines = vec![format!("trace {id}: in the guest from {started} to {ended}")];
    lines.extend(trace.steps.iter().map(|step| {
        let (name, took) = (name(step.name), step.end_ms.saturating_sub(step.start_ms));
        format!("  {name:8} {took:6} ms, from {} ms to {} ms", step.start_ms, step.end_ms)
    }));
    lines.extend(trace.steps_left_out.map(|more| format!("  and {more} more steps")));
    lines
}

const fn name(step: StepName) -> &'static str {
    match step {
        StepName::Queue => "queue",
        StepName::Lock => "lock",
        StepName::Program => "program",
        StepName::Read => "read",
        StepName::Unknown => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use infiniservice_protocol::trace::Step;

    #[test]
    fn a_new_trace_is_a_valid_one_and_no_two_are_the_same() {
        let (one, other) = (new().unwrap(), new().unwrap());
        assert_ne!(one.trace_id(), other.trace_id());
    }

    #[test]
    fn each_step_has_its_line_and_a_hostile_guest_steers_no_terminal() {
        let step = Step { name: StepName::Program, start_ms: 3, end_ms: 1203 };
        let trace = Trace {
            traceparent: "\u{1b}[2J".into(),
            started: "\u{1b}now".into(),
            steps: vec![step],
            steps_left_out: Some(2),
            ..Trace::default()
        };
        let told = lines(&trace);
        assert_eq!(told[1..], ["  program    1200 ms, from 3 ms to 1203 ms", "  and 2 more steps"]);
        assert!(!told[0].contains('\u{1b}'), "{told:?}");
    }
}
