//! Events and records of the audit as log records.

use super::attributes::{attribute, nanos, text};
use super::{Batch, SCHEMA_URL, resource, scope};
use crate::audit::Record;
use crate::delivery::Signal;
use crate::event::Event;
use crate::fleet::Fleet;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs, SeverityNumber};
use opentelemetry_proto::tonic::resource::v1::Resource;
use std::collections::BTreeMap;
use std::time::SystemTime;

pub(super) fn events<'a>(fleet: &Fleet, hub: &str, events: impl Iterator<Item = &'a Event>) -> Option<Batch> {
    let mut by_machine: BTreeMap<&str, Vec<LogRecord>> = BTreeMap::new();
    for event in events {
        by_machine.entry(&event.vm).or_default().push(of_event(event));
    }
    let resources = by_machine.into_iter().map(|(vm, records)| {
        let machine = fleet.get(vm).map(|entry| &entry.machine);
        (resource::of_machine(hub, vm, machine), records)
    });
    batch(resources)
}

pub(super) fn audit(hub: &str, records: &[Record]) -> Option<Batch> {
    batch(std::iter::once((resource::of_hub(hub), records.iter().map(of_record).collect())))
}

fn batch(resources: impl Iterator<Item = (Resource, Vec<LogRecord>)>) -> Option<Batch> {
    let mut items = 0;
    let resource_logs = resources.map(|(resource, log_records)| {
        items += log_records.len();
        let schema_url = SCHEMA_URL.to_owned();
        let scope_logs =
            vec![ScopeLogs { scope: Some(scope()), log_records, schema_url: schema_url.clone() }];
        ResourceLogs { resource: Some(resource), scope_logs, schema_url }
    });
    let message = ExportLogsServiceRequest { resource_logs: resource_logs.collect() };
    Batch::new(Signal::Logs, items, &message)
}

fn of_event(event: &Event) -> LogRecord {
    let name = format!("infini.vm.{}", event.kind.name());
    let mut record = record(event.at.wall, name, event.kind.is_failure(), &event.text);
    record.attributes =
        vec![attribute("infini.vm", &event.vm), attribute("infini.event.seq", &event.seq.to_string())];
    record
}

fn of_record(audit: &Record) -> LogRecord {
    let mut record = record(audit.at, audit.what.name().to_owned(), audit.is_failure(), &audit.to_string());
    record.attributes = audit.fields().iter().map(|(name, value)| attribute(name, value)).collect();
    if let Some(place) = &audit.place {
        record.trace_id = place.trace.to_be_bytes().to_vec();
        record.span_id = place.parent.to_be_bytes().to_vec();
        record.flags = place.sampled.into();
    }
    record
}

fn record(at: SystemTime, event_name: String, is_failure: bool, body: &str) -> LogRecord {
    let time = nanos(at);
    let (severity, word) =
        if is_failure { (SeverityNumber::Warn, "WARN") } else { (SeverityNumber::Info, "INFO") };
    LogRecord {
        time_unix_nano: time,
        observed_time_unix_nano: time,
        severity_number: severity.into(),
        severity_text: word.to_owned(),
        body: Some(text(body.replace(char::is_control, " "))),
        event_name,
        ..LogRecord::default()
    }
}
