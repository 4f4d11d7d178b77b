//! What the hub tells of itself.

use super::{About, HubMetric, Kind, Otel, about};
use crate::counts::LineType;
use crate::delivery::{OfSignal, Signal, Status};
use crate::event;
use crate::exposition::{Dropped, Rows, Value};
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
        ).otel(Otel::up_down("infini.hub.vm.count", "{vm}").with(&[("state", "infini.vm.state")])),
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
        ).otel(Otel::counter("infini.hub.lines", "{line}").with(&[("type", "infini.line.type")])),
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
        ).otel(Otel::counter("infini.hub.io", "By").fixed(&[("network.io.direction", "receive")])),
        read: |hub, rows| rows.count(Some(hub.counts.bytes())),
    },
    HubMetric {
        about: counter("infini_hub_events_total", "", "Events by their kind", "the events", &["kind"]).otel(Otel::counter("infini.hub.events", "{event}").with(&[("kind", "infini.event.kind")])),
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
        ).otel(Otel::counter("infini.hub.commands", "{command}").with(&[("action", "infini.action"), ("code", "infini.code")])),
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
        ).otel(Otel::up_down("infini.hub.commands.in_flight", "{command}")),
        read: |hub, rows| rows.count(Some(sum(hub, |machine| machine.router().in_flight()))),
    },
    HubMetric {
        about: gauge(
            "infini_hub_commands_waiting",
            "",
            "Commands that wait in the hub for a place in their guest",
            "the table",
            &[],
        ).otel(Otel::up_down("infini.hub.commands.waiting", "{command}")),
        read: |hub, rows| rows.count(Some(sum(hub, |machine| machine.router().waiting()))),
    },
    HubMetric {
        about: gauge(
            "infini_hub_list_bytes",
            "bytes",
            "Memory of guests' last lists, compressed",
            "the table",
            &[],
        ).otel(Otel::up_down("infini.hub.list.size", "By")),
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
        ).otel(Otel::counter("infini.hub.clients.ended", "{client}").with(&[("reason", "infini.reason")])),
        read: |hub, rows| rows.row(&[("reason", "unread")], Value::Count(hub.fleet.served.unread)),
    },
    HubMetric {
        about: counter(
            "infini_hub_tls_handshakes_total",
            "",
            "TLS handshakes by their outcome: `displaced` was the oldest of too many, `full` found no free connection",
            "the API",
            &["outcome"],
        ).otel(Otel::counter("infini.hub.tls.handshakes", "{handshake}").with(&[("outcome", "infini.outcome")])),
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
        ).otel(Otel::gauge("infini.hub.series.dropped", "{series}").with(&[("reason", "infini.reason")])),
        read: |hub, rows| left_out(&hub.dropped, rows),
    },
    HubMetric {
        about: about(
            Kind::Histogram,
            "infini_hub_command_seconds",
            "seconds",
            "From a command's way to its guest to the answer, by action",
            "the table",
            &["action"],
        )
        .otel(Otel::histogram("infini.hub.command.duration", "s").with(&[("action", "infini.action")])),
        read: |hub, rows| {
            for (action, seconds) in hub.counts.seconds() {
                rows.histogram(&[("action", action)], seconds);
            }
        },
    },
    HubMetric {
        about: gauge(
            "infini_hub_job_targets",
            "",
            "Machines of the jobs that are kept, by where they stand",
            "the jobs",
            &["outcome"],
        )
        .otel(Otel::up_down("infini.hub.job.targets", "{vm}").with(&[("outcome", "infini.job.outcome")])),
        read: |hub, rows| {
            for (outcome, count) in hub.own.targets.named() {
                rows.row(&[("outcome", outcome)], Value::Count(count.into()));
            }
        },
    },
    HubMetric {
        about: gauge("infini_hub_ledger_bytes", "bytes", "Size of the ledger's file", "the ledger", &[])
            .otel(Otel::up_down("infini.hub.ledger.size", "By")),
        read: |hub, rows| rows.count(hub.own.ledger_bytes),
    },
    HubMetric {
        about: counter(
            "infini_hub_otlp_sent_total",
            "",
            "Points, records and spans that the receiver took; absent where OTLP is off",
            "OTLP",
            &["signal"],
        )
        .otel(Otel::counter("infini.hub.otlp.sent", "{item}").with(SIGNAL)),
        read: |hub, rows| {
            for (signal, status) in signals(hub) {
                rows.row(&[("signal", signal.name())], Value::Count(status.sent));
            }
        },
    },
    HubMetric {
        about: counter(
            "infini_hub_otlp_dropped_total",
            "",
            "Points, records and spans that were lost: there was no room for them (`queue`), or the receiver refused them \
             (`rejected`)",
            "OTLP",
            &["signal", "reason"],
        )
        .otel(
            Otel::counter("infini.hub.otlp.dropped", "{item}")
                .with(&[("signal", "infini.signal"), ("reason", "infini.reason")]),
        ),
        read: |hub, rows| {
            for (signal, status) in signals(hub) {
                for (reason, count) in [("queue", status.overflowed), ("rejected", status.rejected)] {
                    rows.row(&[("signal", signal.name()), ("reason", reason)], Value::Count(count));
                }
            }
        },
    },
    HubMetric {
        about: gauge(
            "infini_hub_otlp_failing",
            "",
            "1 while the receiver does not take this signal, 0 while it does",
            "OTLP",
            &["signal"],
        )
        .otel(Otel::gauge("infini.hub.otlp.failing", "1").with(SIGNAL)),
        read: |hub, rows| {
            for (signal, status) in signals(hub) {
                rows.row(&[("signal", signal.name())], Value::Count(status.failing.into()));
            }
        },
    },
    HubMetric {
        about: gauge("infini_hub_otlp_queue_bytes", "bytes", "What waits for the receiver", "OTLP", &[])
            .otel(Otel::up_down("infini.hub.otlp.queue.size", "By")),
        read: |hub, rows| rows.count(hub.own.otlp.as_ref().map(|status| status.queue_bytes)),
    },
];

/// What an answer leaves out, by why.
pub(super) fn left_out(dropped: &Dropped, rows: &mut dyn Rows) {
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
}

const SIGNAL: &[(&str, &str)] = &[("signal", "infini.signal")];

fn signals<'a>(hub: &super::Hub<'a>) -> impl Iterator<Item = (Signal, &'a OfSignal)> + use<'a> {
    hub.own.otlp.iter().flat_map(Status::signals)
}

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
