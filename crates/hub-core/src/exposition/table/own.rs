//! What the hub tells of its restarts, its descriptors and its settings.

use super::hub::{counter, gauge};
use super::{Hub, HubMetric, Otel};
use crate::exposition::Value;
use crate::own::Engine;

/// Of this run, but for the restarts.
pub const OWN: &[HubMetric] = &[
    HubMetric {
        about: counter(
            "infini_hub_restarts_survived_total",
            "",
            "Orderly restarts in a row over which connections to guests were kept; 0 again after a crash",
            "the descriptor store",
            &[],
        )
        .otel(Otel::counter("infini.hub.restarts.survived", "{restart}")),
        read: |hub, rows| rows.count(Some(hub.fleet.own.restarts_survived)),
    },
    HubMetric {
        about: gauge(
            "infini_hub_connections_kept",
            "",
            "Connections to guests that this hub took over from the one before it",
            "the descriptor store",
            &[],
        )
        .otel(Otel::up_down("infini.hub.connections.kept", "{connection}")),
        read: |hub, rows| rows.count(Some(hub.fleet.own.connections_kept)),
    },
    HubMetric {
        about: gauge(
            "infini_hub_descriptors_stored",
            "",
            "Descriptors that systemd keeps for the next hub",
            "the descriptor store",
            &[],
        )
        .otel(Otel::up_down("infini.hub.descriptors.stored", "{descriptor}")),
        read: |hub, rows| rows.count(Some(hub.fleet.own.descriptors_stored)),
    },
    HubMetric {
        about: gauge(
            "infini_hub_connections",
            "",
            "Connections to guests: those that are open, and how many there may be",
            "the connections",
            &["what"],
        )
        .otel(Otel::gauge("infini.hub.connections", "{connection}").with(&[("what", "infini.what")])),
        read: |hub, rows| {
            rows.row(&[("what", "open")], Value::Count(hub.fleet.own.connections));
            rows.row(&[("what", "max")], Value::Count(hub.fleet.own.connections_max));
        },
    },
    HubMetric {
        about: gauge(
            "infini_hub_connects_waiting",
            "",
            "Machines that wait for their turn to be connected",
            "the connections",
            &[],
        )
        .otel(Otel::up_down("infini.hub.connects.waiting", "{vm}")),
        read: |hub, rows| rows.count(Some(hub.fleet.own.connects_waiting)),
    },
    HubMetric {
        about: counter(
            "infini_hub_connects_refused_total",
            "",
            "Connections that did not begin because no descriptor was left for them",
            "the connections",
            &[],
        )
        .otel(Otel::counter("infini.hub.connects.refused", "{connection}")),
        read: |hub, rows| rows.count(Some(hub.fleet.own.connects_refused)),
    },
    HubMetric {
        about: gauge(
            "infini_hub_config_last_reload_successful",
            "",
            "1 if the settings were taken when they were last read, 0 if older ones are in force",
            "the settings",
            &[],
        )
        .otel(Otel::gauge("infini.hub.config.last_reload.successful", "1")),
        read: |hub, rows| rows.count(Some(u64::from(hub.fleet.own.last_reload.error.is_none()))),
    },
    HubMetric {
        about: gauge(
            "infini_hub_config_last_reload_success_timestamp_seconds",
            "seconds",
            "When settings were taken the last time, since 1970",
            "the settings",
            &[],
        )
        .otel(Otel::gauge("infini.hub.config.last_reload.success_time", "s")),
        read: |hub, rows| rows.figure(Some(hub.fleet.own.last_reload.taken_ms as f64 / 1e3)),
    },
    HubMetric {
        about: gauge(
            "infini_hub_engine_connected",
            "",
            "1 if the engine of the fleet is connected; absent where this hub is of none",
            "the fleet",
            &[],
        )
        .otel(Otel::gauge("infini.hub.engine.connected", "1")),
        read: |hub, rows| rows.count(engine(hub, |it| u64::from(it.connected))),
    },
    HubMetric {
        about: gauge(
            "infini_hub_engine_coordinator",
            "",
            "1 if this hub is the coordinator of the fleet",
            "the fleet",
            &[],
        )
        .otel(Otel::gauge("infini.hub.engine.coordinator", "1")),
        read: |hub, rows| rows.count(engine(hub, |it| u64::from(it.is_coordinator))),
    },
    HubMetric {
        about: counter(
            "infini_hub_engine_commands_total",
            "",
            "Commands that came over the engine: those that were taken, and those that were not what an operator signed",
            "the fleet",
            &["verdict"],
        )
        .otel(Otel::counter("infini.hub.engine.commands", "{command}").with(&[("verdict", "infini.verdict")])),
        read: |hub, rows| {
            if let Some(engine) = &hub.fleet.own.engine {
                rows.row(&[("verdict", "taken")], Value::Count(engine.commands));
                rows.row(&[("verdict", "refused")], Value::Count(engine.refused));
            }
        },
    },
    HubMetric {
        about: counter(
            "infini_hub_engine_results_total",
            "",
            "Results that the engine has taken",
            "the fleet",
            &[],
        )
        .otel(Otel::counter("infini.hub.engine.results", "{result}")),
        read: |hub, rows| rows.count(engine(hub, |it| it.results)),
    },
    HubMetric {
        about: gauge(
            "infini_hub_engine_results_waiting",
            "",
            "Results that wait for the engine",
            "the fleet",
            &[],
        )
        .otel(Otel::up_down("infini.hub.engine.results.waiting", "{result}")),
        read: |hub, rows| rows.count(engine(hub, |it| it.results_waiting)),
    },
];

fn engine(hub: &Hub<'_>, of: impl FnOnce(&Engine) -> u64) -> Option<u64> {
    hub.fleet.own.engine.as_ref().map(of)
}
