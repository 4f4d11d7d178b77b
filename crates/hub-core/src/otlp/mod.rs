//! OTLP: what the hub knows as messages of OpenTelemetry's protocol, encoded and ready to be sent.
//!
//! One Resource a machine. Its name on this host is the host's word; all else that is told of it are the guest's words, cut and
//! without control characters as in the text for Prometheus.

mod attributes;
mod logs;
mod metrics;
mod points;
mod resource;
mod spans;
#[cfg(test)]
mod tests;

pub use metrics::Metrics;

use crate::audit::Record;
use crate::delivery::Signal;
use crate::event::Event;
use crate::fleet::Fleet;
use crate::spans::Span;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceResponse;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceResponse;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use prost::Message;

/// The semantic conventions of all names that are not `infini.*`.
pub const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.44.0";

/// A request, not compressed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// What it holds.
    pub signal: Signal,
    /// How many of that.
    pub items: u64,
    /// The encoded message.
    pub body: Vec<u8>,
}

impl Batch {
    fn new(signal: Signal, items: usize, message: &impl Message) -> Option<Self> {
        (items > 0).then(|| Self { signal, items: items as u64, body: message.encode_to_vec() })
    }
}

/// Events as log records; `None` where there is none.
pub fn of_events<'a>(fleet: &Fleet, hub: &str, events: impl Iterator<Item = &'a Event>) -> Option<Batch> {
    logs::events(fleet, hub, events)
}

/// Records of the audit as log records; `None` where there is none.
pub fn of_audit(hub: &str, records: &[Record]) -> Option<Batch> {
    logs::audit(hub, records)
}

/// Spans; `None` where there is none.
pub fn of_spans(fleet: &Fleet, hub: &str, spans: &[Span]) -> Option<Batch> {
    spans::batch(fleet, hub, spans)
}

/// What a receiver's answer to a request says: how many items it refused, and why. What cannot be read refuses nothing.
pub fn rejected(signal: Signal, answer: &[u8]) -> (u64, String) {
    let (count, why) = match signal {
        Signal::Metrics => {
            let it = ExportMetricsServiceResponse::decode(answer).unwrap_or_default().partial_success;
            it.map(|it| (it.rejected_data_points, it.error_message)).unwrap_or_default()
        }
        Signal::Logs => {
            let it = ExportLogsServiceResponse::decode(answer).unwrap_or_default().partial_success;
            it.map(|it| (it.rejected_log_records, it.error_message)).unwrap_or_default()
        }
        Signal::Traces => {
            let it = ExportTraceServiceResponse::decode(answer).unwrap_or_default().partial_success;
            it.map(|it| (it.rejected_spans, it.error_message)).unwrap_or_default()
        }
    };
    (u64::try_from(count).unwrap_or_default(), why)
}

fn scope() -> InstrumentationScope {
    let (name, version) = ("infinihub".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
    InstrumentationScope { name, version, ..InstrumentationScope::default() }
}
