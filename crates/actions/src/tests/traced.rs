//! What a host that traces its commands is told.

use super::*;
use infiniservice_protocol::batch::{Mode, OnError};
use infiniservice_protocol::host::{Batch, BatchCommand, Traced};
use infiniservice_protocol::trace::{StepName, Trace, TraceContext};

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

fn context() -> Option<TraceContext> {
    TraceContext::read(PARENT, Some("v=1"))
}

fn safe(id: &str, action: &str, params: &Value) -> SafeCommand {
    let (action, params) = (action.to_owned(), params.as_object().cloned().unwrap());
    SafeCommand { id: id.into(), action, params, timeout: Some(60), progress: false }
}

impl PackageSession {
    fn traced(&self, command: HostMessage) {
        let message = Box::new(command);
        self.executor.submit(now(), HostMessage::Traced(Traced { context: context(), message }));
    }
}

fn steps(trace: Option<&Trace>) -> Vec<(StepName, u64, u64)> {
    let trace = trace.expect("a trace");
    assert_eq!((trace.traceparent.as_str(), trace.tracestate.as_deref()), (PARENT, Some("v=1")));
    trace.steps.iter().map(|step| (step.name, step.start_ms, step.end_ms)).collect()
}

#[tokio::test(start_paused = true)]
async fn an_answer_tells_where_the_time_went_and_the_record_has_the_trace() {
    let limits = Limits { max_concurrent_commands: 1, ..Limits::default() };
    let mut desk = PackageSession::gated(limits);
    desk.list("first");
    settle().await;
    desk.traced(HostMessage::SafeCommand(safe("a", "ProcessList", &json!({"limit": 1}))));
    tokio::time::advance(Duration::from_millis(300)).await;
    desk.release();
    settle().await;
    tokio::time::advance(Duration::from_millis(700)).await;
    desk.release();
    assert_eq!(desk.answer().await.trace, None, "nobody traces the first");
    let answer = desk.answer().await;
    let trace = answer.trace.as_deref();
    assert_eq!(steps(trace), [(StepName::Queue, 0, 300), (StepName::Read, 300, 1000)]);
    let told = trace.map(|trace| (trace.started.as_str(), trace.ended.as_str()));
    assert_eq!(told, Some(("1970-01-01T00:00:00.000Z", "1970-01-01T00:00:01.000Z")));
    let records = desk.records.0.lock().unwrap();
    let ids: Vec<_> = records.iter().map(|record| record.trace_id.as_deref()).collect();
    assert_eq!(ids, [None, Some(TRACE)]);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_and_a_repeated_answer_have_it_too() {
    let mut desk = PackageSession::open();
    desk.traced(HostMessage::SafeCommand(safe("a", "Bogus", &json!({}))));
    assert_eq!(steps(desk.answer().await.trace.as_deref()), []);
    desk.traced(HostMessage::SafeCommand(safe("b", "ProcessList", &json!({}))));
    let first = desk.answer().await;
    desk.list("b");
    assert_eq!(desk.answer().await, first, "the same answer");
    desk.executor.answer_at_once(
        now(),
        ("s", "Subscribe", "{}"),
        context().map(|context| Tracing::new(context, now().wall)),
        || CommandOutcome::of(&json!({})),
    );
    assert_eq!(steps(desk.answer().await.trace.as_deref()), []);
}

#[tokio::test(start_paused = true)]
async fn the_commands_of_a_batch_are_in_its_trace() {
    let mut desk = PackageSession::open();
    let command =
        |id| BatchCommand::Safe(safe(id, "ServiceControl", &json!({"service": "x", "operation": "start"})));
    let (mode, on_error) = (Mode::Sequential, OnError::Stop);
    let batch =
        Batch { id: "b".into(), commands: vec![command("1"), command("2")], mode, on_error, timeout: None };
    assert_eq!(desk.executor.submit_batch(now(), batch, context()), 0);
    for _ in 0..2 {
        assert_eq!(steps(desk.answer().await.trace.as_deref()), [(StepName::Queue, 0, 0)]);
    }
    let Some(Reply::Batch(result)) = desk.replies.recv().await else { panic!("no result") };
    assert_eq!(steps(result.trace.as_deref()), []);
}
