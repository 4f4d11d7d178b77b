//! Spans as OTLP has them.

use super::attributes::attribute;
use super::{Batch, SCHEMA_URL, resource, scope};
use crate::delivery::Signal;
use crate::fleet::Fleet;
use crate::spans::{Kind, Span};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{self as proto, ResourceSpans, ScopeSpans, Status};
use std::collections::BTreeMap;

/// The trace is sampled.
const FLAGS: u32 = 1;

pub(super) fn batch(fleet: &Fleet, hub: &str, spans: &[Span]) -> Option<Batch> {
    let mut by_machine: BTreeMap<Option<&str>, Vec<proto::Span>> = BTreeMap::new();
    for span in spans {
        by_machine.entry(span.vm.as_deref()).or_default().push(of(span));
    }
    let resource_spans = by_machine.into_iter().map(|(vm, spans)| {
        let machine = |vm: &str| fleet.get(vm).map(|entry| &entry.machine);
        let resource =
            vm.map_or_else(|| resource::of_hub(hub), |vm| resource::of_machine(hub, vm, machine(vm)));
        let schema_url = SCHEMA_URL.to_owned();
        let scope_spans = vec![ScopeSpans { scope: Some(scope()), spans, schema_url: schema_url.clone() }];
        ResourceSpans { resource: Some(resource), scope_spans, schema_url }
    });
    let message = ExportTraceServiceRequest { resource_spans: resource_spans.collect() };
    Batch::new(Signal::Traces, spans.len(), &message)
}

fn of(span: &Span) -> proto::Span {
    let mut attributes: Vec<_> = span.attributes.iter().map(|(name, value)| attribute(name, value)).collect();
    attributes.extend(span.failure.as_ref().map(|code| attribute("error.type", code)));
    let status =
        span.failure.as_ref().map(|code| Status { message: code.clone(), code: StatusCode::Error.into() });
    proto::Span {
        trace_id: span.trace.to_be_bytes().to_vec(),
        span_id: span.id.to_be_bytes().to_vec(),
        parent_span_id: span.parent.to_be_bytes().to_vec(),
        trace_state: span.state.clone().unwrap_or_default(),
        flags: FLAGS,
        name: crate::exposition::clean(&span.name).into_owned(),
        kind: kind(span.kind).into(),
        start_time_unix_nano: span.from,
        end_time_unix_nano: span.to,
        attributes,
        status,
        ..proto::Span::default()
    }
}

const fn kind(kind: Kind) -> SpanKind {
    match kind {
        Kind::Client => SpanKind::Client,
        Kind::Server => SpanKind::Server,
        Kind::Internal => SpanKind::Internal,
    }
}
