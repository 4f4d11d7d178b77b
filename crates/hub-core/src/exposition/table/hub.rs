//! What the hub tells of itself.

use super::{About, HubMetric, Kind, about};
use crate::counts::LineType;
use crate::event;
use crate::exposition::Value;
use crate::machine::Machine;
use crate::served::Handshake;

/// What follows from the table of machines.
pub const TABLE: &[HubMetric] = &[
    HubMetric {
        about: gauge(
            "infini_hub_build_info",
            "",
            "1, with the hub's version in its label",
            "the hub",
            &["version"],
        ),
        read: |_, rows| rows.row(&[("version", env!("CARGO_PKG_VERSION"))], Value::Count(1)),
    },
    HubMetric {
        about: gauge(
            "infini_hub_vms",
            "",
            "Machines by the state of their connection",
            "the table",
            &["state"],
        ),
        read: |hub, rows| {
            for (state, count) in hub.fleet.by_state() {
                rows.row(&[("state", state.name())], Value::Count(count as u64));
            }
        },
    },
    HubMetric {
        about: counter(
            "infini_hub_lines_total",
            "",
            "Lines of guests by what they were",
            "the table",
            &["type"],
        ),
        read: |hub, rows| {
            for kind in LineType::ALL {
                rows.row(&[("type", kind.name())], Value::Count(hub.counts.lines(kind)));
            }
        },
    },
    HubMetric {
        about: counter(
            "infini_hub_received_bytes_total",
            "bytes",
            "Bytes of guests' lines",
            "the table",
            &[],
        ),
        read: |hub, rows| rows.count(Some(hub.counts.bytes())),
    },
    HubMetric {
        about: counter("infini_hub_events_total", "", "Events by their kind", "the events", &["kind"]),
        read: |hub, rows| {
            for kind in event::Kind::ALL {
                rows.row(&[("kind", kind.name())], Value::Count(hub.fleet.events.count(kind)));
            }
        },
    },
    HubMetric {
        about: counter(
            "infini_hub_commands_total",
            "",
            "Guests' answers to commands by action and code, which is `ok` for a success",
            "response, batch_result",
            &["action", "code"],
        ),
        read: |hub, rows| {
            for (action, code, count) in hub.counts.answers() {
                rows.row(&[("action", action), ("code", code)], Value::Count(count));
            }
        },
    },
    HubMetric {
        about: gauge(
            "infini_hub_commands_in_flight",
            "",
            "Commands that guests have and have not answered",
            "the table",
            &[],
        ),
        read: |hub, rows| rows.count(Some(sum(hub, |machine| machine.router().in_flight()))),
    },
    HubMetric {
        about: gauge(
            "infini_hub_commands_waiting",
            "",
            "Commands that wait in the hub for a place in their guest",
            "the table",
            &[],
        ),
        read: |hub, rows| rows.count(Some(sum(hub, |machine| machine.router().waiting()))),
    },
    HubMetric {
        about: gauge(
            "infini_hub_list_bytes",
            "bytes",
            "Memory of guests' last lists, compressed",
            "the table",
            &[],
        ),
        read: |hub, rows| {
            rows.count(Some(sum(hub, |machine| machine.sample().map_or(0, |sample| sample.lists.bytes()))));
        },
    },
    HubMetric {
        about: counter(
            "infini_hub_clients_ended_total",
            "",
            "Clients of the HTTP API that were ended, by why: `unread` where one took nothing for 60 s",
            "the API",
            &["reason"],
        ),
        read: |hub, rows| rows.row(&[("reason", "unread")], Value::Count(hub.fleet.served.unread)),
    },
    HubMetric {
        about: counter(
            "infini_hub_tls_handshakes_total",
            "",
            "TLS handshakes by their outcome: `displaced` was the oldest of too many, `full` found no free connection",
            "the API",
            &["outcome"],
        ),
        read: |hub, rows| {
            for outcome in Handshake::ALL {
                rows.row(&[("outcome", outcome.name())], Value::Count(hub.fleet.served.handshakes(outcome)));
            }
        },
    },
    HubMetric {
        about: gauge(
            "infini_hub_series_dropped",
            "",
            "What this answer leaves out, by why: things beyond their bound, second ones of a name, series beyond 200 of a \
             machine; label values that it cut",
            "the exposition",
            &["reason"],
        ),
        read: |hub, rows| {
            let dropped = &hub.dropped;
            for (reason, count) in [
                ("interfaces", dropped.interfaces),
                ("file_systems", dropped.file_systems),
                ("devices", dropped.devices),
                ("doubles", dropped.doubles),
                ("series", dropped.series),
                ("labels_cut", dropped.labels_cut),
            ] {
                rows.row(&[("reason", reason)], Value::Count(count));
            }
        },
    },
];

pub(super) const fn gauge(
    name: &'static str,
    unit: &'static str,
    help: &'static str,
    source: &'static str,
    labels: &'static [&'static str],
) -> About {
    about(Kind::Gauge, name, unit, help, source, labels)
}

pub(super) const fn counter(
    name: &'static str,
    unit: &'static str,
    help: &'static str,
    source: &'static str,
    labels: &'static [&'static str],
) -> About {
    about(Kind::Counter, name, unit, help, source, labels)
}

fn sum(hub: &super::Hub<'_>, of: impl Fn(&Machine) -> usize) -> u64 {
    hub.fleet.iter().map(|(_, entry)| of(&entry.machine) as u64).sum()
}
