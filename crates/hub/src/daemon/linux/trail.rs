//! What is told of commands and jobs: the audit, and the spans of traces.

use super::audit_log::AuditLog;
use super::permit::Change;
use infiniservice_hub_core::audit::{Record, What};
use infiniservice_hub_core::delivery::Ring;
use infiniservice_hub_core::ledger;
use infiniservice_hub_core::machine::JOBS;
use infiniservice_hub_core::policy::OWN;
use infiniservice_hub_core::router::{Done, Verdict};
use infiniservice_hub_core::spans::{self, Span};
use infiniservice_hub_core::{Planner, trace};
use infiniservice_protocol::clock::Now;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Records and spans that wait to be packed.
const MAX_WAITING: usize = 16_384;

/// Takes what is told.
#[derive(Default)]
pub(super) struct Trail {
    log: AuditLog,
    /// For OTLP, where that takes logs.
    pub(super) records: Option<Ring<Record>>,
    /// For OTLP, where that takes traces.
    pub(super) spans: Option<Ring<Span>>,
}

impl Trail {
    /// Keeps what OTLP takes.
    pub(super) fn keep(&mut self, records: bool, spans: bool) {
        self.records = records.then(|| Ring::new(MAX_WAITING));
        self.spans = spans.then(|| Ring::new(MAX_WAITING));
    }

    /// Tells one record.
    pub(super) fn record(&mut self, record: Record) {
        self.log.record(&record);
        if let Some(records) = &mut self.records {
            records.push(record);
        }
    }

    /// A client's request that changes or ends something: each is told, whatever becomes of it.
    pub(super) fn decided(
        &mut self,
        now: Now,
        by: String,
        vm: &Arc<str>,
        change: &Change,
        permit: Result<String, String>,
        verdict: Option<&Verdict>,
    ) {
        let refusal = match verdict {
            Some(Verdict::Refuse(rejection)) => Some(&*rejection.error),
            Some(_) => None,
            None => Some("the machine is gone"),
        };
        let rule = rule(permit, refusal);
        let record = Record::decided(now, by, vm, (&change.what, &change.id), refusal);
        self.record(record.by_rule(rule).traced(change.trace.as_ref()));
    }

    /// A span that somebody else of this hub has made.
    pub(super) fn span(&mut self, span: Span) {
        if let Some(spans) = &mut self.spans {
            spans.push(span);
        }
    }

    /// Commands of which nothing more comes; `line` is the answer to one of them. What becomes of jobs their ledger says.
    pub(super) fn done(&mut self, now: Now, vm: &Arc<str>, done: &[Done], line: Option<&str>) {
        for done in done.iter().filter(|done| done.sent.client != JOBS) {
            if done.sent.changes {
                self.record(Record::finished(now, vm, done));
            }
            if let (Some(spans), Some(_)) = (&mut self.spans, &done.sent.trace) {
                let answer = line.and_then(trace::of_answer);
                spans.extend(spans::of_command(now, vm, done, answer.as_ref()));
            }
        }
    }

    /// What has become of jobs.
    pub(super) fn jobs(&mut self, now: Now, planner: &Planner, records: &[ledger::Record]) {
        let mut ended = BTreeSet::new();
        for record in records {
            match record {
                ledger::Record::Ended { job, target, .. } => {
                    ended.insert(job);
                    self.target(now, planner, job, *target as usize);
                }
                ledger::Record::Rest { job, .. } => drop(ended.insert(job)),
                _ => {}
            }
        }
        let jobs = ended.into_iter().filter_map(|job| planner.job(job));
        for job in jobs.filter(|job| job.finished_at().is_some()) {
            self.record(Record::of_job(now, What::JobFinished, &job.accepted.actor, job));
            if let Some(spans) = &mut self.spans {
                let span = spans::of_job(job);
                // A part of a fleet's order is below that.
                let above = infiniservice_fleet::spans::above(job);
                spans.extend(span.map(|span| Span { parent: above.unwrap_or(span.parent), ..span }));
            }
        }
    }

    fn target(&mut self, now: Now, planner: &Planner, job: &str, n: usize) {
        let Some(job) = planner.job(job) else { return };
        if let Some(record) = Record::of_target(now, job, n).filter(|_| job.accepted.change) {
            self.record(record);
        }
        if let Some(spans) = &mut self.spans {
            spans.extend(spans::of_target(job, n));
        }
    }
}

/// The rule by which something is allowed; none where it is not. What no rule allows, and is not refused, ends one's own command.
fn rule(permit: Result<String, String>, refusal: Option<&str>) -> String {
    match (permit, refusal) {
        (Ok(rule), _) => rule,
        (Err(_), None) => OWN.to_owned(),
        (Err(_), Some(_)) => String::new(),
    }
}
