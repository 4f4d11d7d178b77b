//! What the exporter of a fleet tells of itself.

use super::ExporterMetric;
use super::hub::{counter, gauge, left_out};
use crate::exporter::{Hearing, Reason};
use crate::exposition::Value;

/// Of this run.
pub(super) const ALL: &[ExporterMetric] = &[
    ExporterMetric {
        about: gauge(
            "infini_exporter_build_info",
            "",
            "1, with the exporter's version in its label",
            "the exporter",
            &["version"],
        ),
        read: |_, _, rows| rows.row(&[("version", env!("CARGO_PKG_VERSION"))], Value::Count(1)),
    },
    ExporterMetric {
        about: gauge(
            "infini_exporter_engine_connected",
            "",
            "1 if the engine of the fleet is connected; where it is not, machines are left out after 90 s",
            "the engine",
            &[],
        ),
        read: |own, _, rows| rows.count(Some(own.connected.into())),
    },
    ExporterMetric {
        about: counter(
            "infini_exporter_messages_total",
            "",
            "Live metrics that came, those that could not be used among them",
            "the engine",
            &[],
        ),
        read: |own, _, rows| rows.count(Some(own.messages)),
    },
    ExporterMetric {
        about: counter(
            "infini_exporter_received_bytes_total",
            "bytes",
            "Bytes of live metrics, as they came",
            "the engine",
            &[],
        ),
        read: |own, _, rows| rows.count(Some(own.bytes)),
    },
    ExporterMetric {
        about: counter(
            "infini_exporter_messages_dropped_total",
            "",
            "Live metrics that were passed over: of no machine (`subject`), of a hub that is not known (`stranger`), \
             `too_long`, after one that is not known (`gap`), no \
             compressed line (`wrong`), more than one hub may send (`flood`), or there was no room (`no_room`)",
            "the engine",
            &["reason"],
        ),
        read: |own, _, rows| {
            for (reason, count) in Reason::ALL.into_iter().zip(own.dropped) {
                rows.row(&[("reason", reason.name())], Value::Count(count));
            }
        },
    },
    ExporterMetric {
        about: gauge(
            "infini_exporter_kept_bytes",
            "bytes",
            "Last lines of all machines, which are kept to read those after them",
            "the table",
            &[],
        ),
        read: |own, _, rows| rows.count(Some(own.kept_bytes)),
    },
    ExporterMetric {
        about: gauge(
            "infini_exporter_vms",
            "",
            "Machines that are told, by whether their agents speak",
            "the table",
            &["state"],
        ),
        read: |own, _, rows| {
            for (state, count) in ["up", "down"].into_iter().zip(own.machines) {
                rows.row(&[("state", state)], Value::Count(count));
            }
        },
    },
    ExporterMetric {
        about: gauge(
            "infini_exporter_vms_claimed_twice",
            "",
            "Machines of which several hubs tell figures under one name; each is told with its hub",
            "the table",
            &[],
        ),
        read: |own, _, rows| rows.count(Some(own.claimed_twice)),
    },
    ExporterMetric {
        about: gauge(
            "infini_exporter_hub",
            "",
            "1 in the state in which a hub is: `telling`, `off` (`fleet.live` is off there), `mute` (no figures come, though it is \
             on), `gone` (the hub is not heard)",
            "the hubs",
            &["hub", "state"],
        ),
        read: |own, _, rows| {
            for hub in &own.hubs {
                for state in Hearing::ALL {
                    let value = Value::Count(u64::from(hub.hearing == state));
                    rows.row(&[("hub", &hub.name), ("state", state.name())], value);
                }
            }
        },
    },
    ExporterMetric {
        about: gauge(
            "infini_exporter_hub_message_age_seconds",
            "seconds",
            "Time since a hub's last live metrics; absent where none came",
            "the engine",
            &["hub"],
        ),
        read: |own, _, rows| {
            for hub in &own.hubs {
                if let Some(age) = hub.message_age {
                    rows.row(&[("hub", &hub.name)], Value::Figure(age.as_secs_f64()));
                }
            }
        },
    },
    ExporterMetric {
        about: gauge(
            "infini_exporter_series_dropped",
            "",
            "What this answer leaves out, by why, as `infini_hub_series_dropped`",
            "the exposition",
            &["reason"],
        ),
        read: |_, dropped, rows| left_out(dropped, rows),
    },
];
