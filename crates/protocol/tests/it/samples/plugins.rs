//! What plugins tell: each field of theirs, set at least once.

use infiniservice_protocol::metrics::{Plugin, Series, SeriesType};
use std::collections::BTreeMap;

/// A program that went well, one that hung, and a file.
pub fn all() -> BTreeMap<String, Plugin> {
    let series = |name: &str, value, kind, label: Option<(&str, &str)>| Series {
        name: name.into(),
        labels: label.map(|(name, value)| (name.into(), value.into())).into_iter().collect(),
        value,
        kind,
    };
    let disk = Plugin {
        ok: true,
        age_ms: 4180,
        duration_ms: Some(23),
        exit_code: Some(1),
        interval_secs: Some(60),
        series: vec![
            series("state", Some(1.0), SeriesType::StateSet, None),
            series("value", Some(-77_957.5), SeriesType::Gauge, Some(("perfdata", "/ caf\u{e9}"))),
        ],
        message: Some("DISK WARNING - free space: / 77957MiB".into()),
        ..Plugin::default()
    };
    let hung = Plugin {
        duration_ms: Some(5002),
        interval_secs: Some(120),
        failures: Some(3),
        error: Some("it did not end within 5 s".into()),
        ..Plugin::default()
    };
    let file = Plugin {
        ok: true,
        age_ms: 61_200,
        modified_at: Some("2026-11-23T06:28:58.000Z".into()),
        series: vec![series("smart_temperature", None, SeriesType::Unknown, None)],
        ..Plugin::default()
    };
    [("disk", disk), ("gpu", hung), ("smart.prom", file)].map(|(name, it)| (name.into(), it)).into()
}
