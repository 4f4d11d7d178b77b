//! Settings that do not go together.

use super::error::ConfigError;
use super::merge::Merged;
use std::collections::BTreeSet;

/// A pair of numbers of which the first must not exceed the second, and why.
const ORDERED: &[(&str, &str, &str)] = &[
    ("min_backoff_secs", "max_backoff_secs", "the delay grows from the first to the second"),
    (
        "keep_alive_interval_secs",
        "keep_alive_timeout_secs",
        "otherwise a heartbeat counts as lost before the next one is due, and an idle host is disconnected",
    ),
    (
        "collection_interval_secs",
        "degraded_interval_secs",
        "a poor connection must not get more than a good one",
    ),
    (
        "circuit_breaker_success_threshold",
        "circuit_breaker_half_open_calls",
        "otherwise the half-open circuit breaker can never close",
    ),
    ("max_outgoing_line_bytes", "outbox_max_bytes", "one line must fit into the outbox"),
];

/// Pairs that must not both be on or set, and why.
const EXCLUSIVE: &[(&str, &str, &str)] = &[
    ("require_virtio", "no_virtio", "a port cannot be both required and disabled"),
    ("device_path", "no_virtio", "the agent opens no port"),
    ("shared_secret", "shared_secret_file", "it is unclear which secret applies"),
];

/// Every pair that does not go together. Settings in `broken` have been reported already and are left out.
pub(super) fn conflicts(merged: &Merged, broken: &BTreeSet<&str>) -> Vec<ConfigError> {
    let ordered = ORDERED.iter().filter_map(|rule| order_broken(merged, rule).map(|text| (rule, text)));
    let exclusive = EXCLUSIVE.iter().filter_map(|rule| both_given(merged, rule).map(|text| (rule, text)));
    let fresh = ordered.chain(exclusive).filter(|((a, b, _), _)| !broken.contains(a) && !broken.contains(b));
    fresh.map(|(_, text)| ConfigError::Conflict(text)).collect()
}

fn order_broken(merged: &Merged, (low, high, why): &(&str, &str, &str)) -> Option<String> {
    let (low_value, high_value) = (merged.integer(low)?, merged.integer(high)?);
    (low_value > high_value).then(|| {
        let (low_origin, high_origin) = (merged.origin(low), merged.origin(high));
        format!(
            "{low} = {low_value} ({low_origin}) must not exceed {high} = {high_value} ({high_origin}): {why}"
        )
    })
}

fn both_given(merged: &Merged, (one, other, why): &(&str, &str, &str)) -> Option<String> {
    let given = |name: &str| merged.is_on(name) || (!is_switch(merged, name) && merged.is_set(name));
    (given(one) && given(other)).then(|| {
        let (one_origin, other_origin) = (merged.origin(one), merged.origin(other));
        format!("{one} ({one_origin}) and {other} ({other_origin}) exclude each other: {why}")
    })
}

fn is_switch(merged: &Merged, name: &str) -> bool {
    matches!(merged.get(name), Some(super::field::Value::Bool(_)))
}
