//! Attributes of OpenTelemetry, bounded as labels are.

use crate::exposition::clean;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use std::time::{SystemTime, UNIX_EPOCH};

/// A text of whatever origin: cut, and without control characters.
pub(super) fn attribute(key: &str, value: &str) -> KeyValue {
    plain(key, clean(value).into_owned())
}

/// A text of our own.
pub(super) fn plain(key: &str, value: String) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(text(value)), ..KeyValue::default() }
}

pub(super) const fn text(value: String) -> AnyValue {
    AnyValue { value: Some(Value::StringValue(value)) }
}

/// Nanoseconds since 1970; 0, which means unknown, for a time before that.
pub(super) fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or_default()
}
