//! The spans of a command: the hub's own, and the guest's as it told its steps.
//!
//! The guest's clock may be wrong, so its spans are placed by the host's: within the time from writing the command to reading
//! its answer, with the rest of that time halved before and after. No span lies outside the one above it.

#[cfg(test)]
mod tests;

use crate::job::{Counts, Job, MAX_TRACED_TARGETS, Outcome, Target};
use crate::router::Done;
use crate::trace::{self, Place};
use infiniservice_protocol::clock::Now;
use infiniservice_protocol::timestamp::Moment;
use infiniservice_protocol::trace::{MAX_STEPS, Step, StepName, Trace};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Of a job with more machines than [`MAX_TRACED_TARGETS`] one in so many is kept, beside those that failed.
const ONE_IN: u64 = 100;

/// Whose work a span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A request to somebody else.
    Client,
    /// The work on a request.
    Server,
    /// A part of something.
    Internal,
}

/// A span.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// The trace.
    pub trace: u128,
    /// Its id.
    pub id: u64,
    /// The span above.
    pub parent: u64,
    /// `tracestate`.
    pub state: Option<String>,
    /// What is done.
    pub name: String,
    /// Whose work it is.
    pub kind: Kind,
    /// When it began, in nanoseconds since 1970 by the host's clock.
    pub from: u64,
    /// When it ended.
    pub to: u64,
    /// The machine that did it; `None` for the hub.
    pub vm: Option<Arc<str>>,
    /// What else is known of it.
    pub attributes: Vec<(&'static str, String)>,
    /// The code of a failure.
    pub failure: Option<String>,
}

/// The spans of a client's command, and of the guest's part where it answered. Empty where nobody traces it.
pub fn of_command(now: Now, vm: &Arc<str>, done: &Done, answer: Option<&Trace>) -> Vec<Span> {
    let sent = &done.sent;
    let Some(place) = sent.trace.as_ref().and_then(Place::of).filter(|place| place.sampled) else {
        return Vec::new();
    };
    let to = nanos(now.wall);
    let ago = |at: Duration| to.saturating_sub(nanos_of(now.mono.saturating_sub(at)));
    let (offered, written) = (ago(sent.offered), ago(sent.sent));
    let id = place.span("command", &format!("{:x}/{vm}/{offered}/{}", place.parent, sent.id));
    let mut command = span(&place, id, place.parent, format!("command {}", sent.what), (offered, to));
    command.kind = Kind::Client;
    command.attributes = about(vm, &sent.what, &sent.id);
    command.attributes.push(("infini.actor", sent.by.clone()));
    command.failure = done.end.code().map(str::to_owned);
    let mut spans = vec![command];
    if written > offered {
        let id = place.span("wait", &format!("{id:x}"));
        spans.push(span(&place, id, spans[0].id, "wait".to_owned(), (offered, written)));
    }
    spans.extend(
        answer.into_iter().flat_map(|answer| of_guest(&place, id, vm, &sent.what, (written, to), answer)),
    );
    spans
}

/// The spans of one machine's part of a job. Empty where nobody traces the job, or this part is left out.
pub fn of_target(job: &Job, n: usize) -> Vec<Span> {
    let Some((place, target)) = sampled(job).zip(job.targets().get(n)) else { return Vec::new() };
    let (Some(outcome), Some(sent), Some(ended)) = (target.outcome(), target.sent_at, target.ended_at) else {
        return Vec::new();
    };
    let wire_id = job.wire_id(n);
    let id = place.span("command", &wire_id);
    let is_one_of_few = job.targets().len() <= MAX_TRACED_TARGETS || id.is_multiple_of(ONE_IN);
    if !is_one_of_few && outcome == Outcome::Answered {
        return Vec::new();
    }
    let vm: Arc<str> = target.name.as_str().into();
    let times = in_order(millis(sent), millis(ended));
    let what = job.what();
    let mut command = span(&place, id, of_job_id(&place, job), format!("command {what}"), times);
    command.kind = Kind::Client;
    command.attributes = about(&vm, what, &wire_id);
    command.attributes.push(("infini.job.id", job.id().to_owned()));
    command.attributes.push(("infini.job.outcome", outcome.name().to_owned()));
    command.failure = failure(target, outcome);
    let answer = target.result.as_deref().and_then(trace::of_answer);
    let guest = answer.map(|answer| of_guest(&place, id, &vm, what, times, &answer));
    std::iter::once(command).chain(guest.into_iter().flatten()).collect()
}

/// The span of a job that has ended; `None` where nobody traces it.
pub fn of_job(job: &Job) -> Option<Span> {
    let (place, finished) = (sampled(job)?, job.finished_at()?);
    let times = in_order(millis(job.accepted.at), millis(finished));
    let mut span = span(&place, of_job_id(&place, job), place.parent, format!("job {}", job.what()), times);
    span.kind = Kind::Server;
    span.attributes = vec![
        ("infini.job.id", job.id().to_owned()),
        ("infini.job.targets", job.targets().len().to_string()),
        ("infini.actor", job.accepted.actor.clone()),
    ];
    span.failure = failed(job.counts());
    Some(span)
}

/// The failure of a job, or of an order, some of whose machines failed.
pub fn failed(counts: Counts) -> Option<String> {
    let failures = counts.failures();
    (failures > 0).then(|| format!("{failures} machines failed"))
}

fn sampled(job: &Job) -> Option<Place> {
    Place::of_message(&job.accepted.message).filter(|place| place.sampled)
}

/// The hubs of a fleet have jobs of the same name, for one order, but never over the same machine.
fn of_job_id(place: &Place, job: &Job) -> u64 {
    let first = job.targets().first().map_or("", |target| target.name.as_str());
    place.span("job", &format!("{}/{first}", job.id()))
}

fn failure(target: &Target, outcome: Outcome) -> Option<String> {
    let is_well = matches!(outcome, Outcome::Answered);
    (!is_well).then(|| target.code.clone().unwrap_or_else(|| outcome.name().to_owned()))
}

fn about(vm: &str, what: &str, id: &str) -> Vec<(&'static str, String)> {
    vec![
        ("infini.vm", vm.to_owned()),
        ("infini.action", what.to_owned()),
        ("infini.command.id", id.to_owned()),
    ]
}

/// What the guest did between these two times of the host's.
fn of_guest(
    place: &Place,
    parent: u64,
    vm: &Arc<str>,
    what: &str,
    (written, answered): (u64, u64),
    told: &Trace,
) -> Vec<Span> {
    let room = answered.saturating_sub(written);
    let took = guest_took(told).min(room);
    let from = written + (room - took) / 2;
    let id = place.span("execute", &format!("{parent:x}"));
    let mut execute = span(place, id, parent, format!("execute {what}"), (from, from + took));
    execute.kind = Kind::Server;
    execute.vm = Some(Arc::clone(vm));
    let steps = told.steps.iter().take(MAX_STEPS).enumerate().map(|(n, step)| {
        let at = |ms: u64| from + nanos_of(Duration::from_millis(ms)).min(took);
        let id = place.span("step", &format!("{id:x}/{n}"));
        let times = in_order(at(step.start_ms), at(step.end_ms));
        Span { vm: Some(Arc::clone(vm)), ..span(place, id, execute.id, name(step).to_owned(), times) }
    });
    let steps: Vec<_> = steps.collect();
    std::iter::once(execute).chain(steps).collect()
}

/// How long the guest says that it took, in nanoseconds.
fn guest_took(told: &Trace) -> u64 {
    let moment = |text: &str| match Moment::parse(text) {
        Some(Moment::At(time)) => Some(time),
        _ => None,
    };
    let whole = moment(&told.started).zip(moment(&told.ended));
    let whole = whole.and_then(|(started, ended)| ended.duration_since(started).ok()).unwrap_or_default();
    let steps = told.steps.iter().take(MAX_STEPS).map(|step| step.end_ms).max().unwrap_or_default();
    nanos_of(whole.max(Duration::from_millis(steps)))
}

const fn name(step: &Step) -> &'static str {
    match step.name {
        StepName::Queue => "queue",
        StepName::Lock => "lock",
        StepName::Program => "program",
        StepName::Read => "read",
        StepName::Unknown => "step",
    }
}

fn span(place: &Place, id: u64, parent: u64, name: String, (from, to): (u64, u64)) -> Span {
    Span {
        trace: place.trace,
        id,
        parent,
        state: place.state.clone(),
        name,
        kind: Kind::Internal,
        from,
        to,
        vm: None,
        attributes: Vec::new(),
        failure: None,
    }
}

/// The host's clock may have been put back in between.
fn in_order(from: u64, to: u64) -> (u64, u64) {
    (from, to.max(from))
}

/// Milliseconds in the unit of spans.
pub const fn millis(ms: u64) -> u64 {
    ms.saturating_mul(1_000_000)
}

fn nanos(time: SystemTime) -> u64 {
    nanos_of(time.duration_since(UNIX_EPOCH).unwrap_or_default())
}

fn nanos_of(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
