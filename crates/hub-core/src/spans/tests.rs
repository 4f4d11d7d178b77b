//! One trace from who asks to the program in the guest: who is below whom, and nothing outside the time of what is above it.

use super::*;
use crate::at;
use crate::router::{Client, End, Sent};
use infiniservice_protocol::trace::TraceContext;
use proptest::prelude::*;
use std::collections::BTreeMap;

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn done(traceparent: &str, code: Option<&str>) -> Done {
    let sent = Sent {
        client: Client(7),
        id: "x-1".to_owned(),
        what: "UnsafeCommand".to_owned(),
        by: "uid 0".to_owned(),
        changes: true,
        trace: TraceContext::read(traceparent, Some("v=1")),
        offered: Duration::from_secs(10),
        sent: Duration::from_secs(12),
    };
    Done { sent, end: End::Answered(code.map(str::to_owned)) }
}

fn told(started: &str, ended: &str, steps: &[(StepName, u64, u64)]) -> Trace {
    let steps = steps.iter().map(|(name, start_ms, end_ms)| Step {
        name: *name,
        start_ms: *start_ms,
        end_ms: *end_ms,
    });
    Trace { started: started.to_owned(), ended: ended.to_owned(), steps: steps.collect(), ..Trace::default() }
}

/// Each span lies within the one above it, which is another one or the caller's.
fn is_whole(spans: &[Span], caller: u64) {
    let by_id: BTreeMap<_, _> = spans.iter().map(|span| (span.id, span)).collect();
    assert_eq!(by_id.len(), spans.len(), "an id comes twice");
    for span in spans {
        assert!(span.from <= span.to, "{span:?}");
        match by_id.get(&span.parent) {
            Some(above) => {
                assert!(above.from <= span.from && span.to <= above.to, "{span:?} outside {above:?}");
            }
            None => assert_eq!(span.parent, caller, "{span:?}"),
        }
    }
}

fn names(spans: &[Span]) -> Vec<&str> {
    spans.iter().map(|span| &*span.name).collect()
}

#[test]
fn a_command_is_below_its_caller_and_the_guests_steps_are_below_the_command() {
    // The guest's clock is an hour ahead; it took 2 of the 4 seconds.
    let answer = told(
        "2026-11-23T07:30:12.000Z",
        "2026-11-23T07:30:14.000Z",
        &[(StepName::Queue, 0, 500), (StepName::Program, 500, 2000)],
    );
    let spans = of_command(at(16), &"web".into(), &done(PARENT, None), Some(&answer));
    assert_eq!(names(&spans), ["command UnsafeCommand", "wait", "execute UnsafeCommand", "queue", "program"]);
    is_whole(&spans, 0xb7ad_6b71_6920_3331);
    let second =
        |span: &Span| (span.from / 1_000_000 - 1_795_415_400_000, span.to / 1_000_000 - 1_795_415_400_000);
    let times: Vec<_> = spans.iter().map(second).collect();
    assert_eq!(
        times,
        [(10_000, 16_000), (10_000, 12_000), (13_000, 15_000), (13_000, 13_500), (13_500, 15_000)]
    );
    assert_eq!((spans[0].kind, spans[2].kind), (Kind::Client, Kind::Server));
    assert_eq!((spans[0].vm.clone(), spans[4].vm.as_deref()), (None, Some("web")));
    assert!(spans.iter().all(|span| span.state.as_deref() == Some("v=1")));
}

#[test]
fn who_traces_nothing_gets_no_span_and_a_failure_is_one() {
    let vm: Arc<str> = "web".into();
    for untraced in ["", &PARENT.replace("-01", "-00")] {
        assert_eq!(of_command(at(16), &vm, &done(untraced, None), None), []);
    }
    let failed = of_command(at(16), &vm, &done(PARENT, Some("TIMEOUT")), None);
    assert_eq!((failed[0].failure.as_deref(), failed.len()), (Some("TIMEOUT"), 2));
}

proptest! {
    #[test]
    fn whatever_a_guest_says_of_its_time_no_span_lies_outside_the_one_above(
        started in "[0-9T:.Z-]{0,24}|2026-11-23T06:30:1[0-9].[0-9]{3}Z",
        ended in "2026-11-23T06:30:1[0-9].[0-9]{3}Z|9999-12-31T23:59:59.999Z",
        steps in prop::collection::vec((any::<u64>(), any::<u64>()), 0..40),
    ) {
        let steps: Vec<_> = steps.into_iter().map(|(from, to)| (StepName::Read, from, to)).collect();
        let spans = of_command(at(16), &"web".into(), &done(PARENT, None), Some(&told(&started, &ended, &steps)));
        prop_assert!(spans.len() <= 3 + MAX_STEPS);
        is_whole(&spans, 0xb7ad_6b71_6920_3331);
    }
}
