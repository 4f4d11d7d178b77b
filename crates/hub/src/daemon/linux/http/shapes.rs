//! The documents of the API. `docs/openapi.json` is made of these types.

use infiniservice_hub_core::Event;
use infiniservice_protocol::guest::Hello;
use infiniservice_protocol::metrics::{Collection, System};
use infiniservice_protocol::timestamp::rfc3339_millis;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// An error, in the wire's own form.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Problem<'a> {
    /// `error`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// What is wrong, where, and what is allowed.
    pub error: &'a str,
    /// The wire's code, such as `PERMISSION_DENIED`.
    pub error_code: &'a str,
    /// More of it for programs: `field` names the one that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<Value>,
}

/// Something that happened.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Happened<'a> {
    /// From 1 since the hub's start; no number is missing.
    pub seq: u64,
    /// When, RFC 3339.
    pub time: String,
    /// When, in milliseconds since 1970.
    pub time_ms: u64,
    /// The machine.
    pub vm: &'a str,
    /// Such as `connected`, `lost`, `service_failed`.
    pub kind: &'static str,
    /// In a sentence.
    pub text: &'a str,
}

impl<'a> Happened<'a> {
    /// As the API shows an event.
    pub fn of(event: &'a Event) -> Self {
        Self {
            seq: event.seq,
            time: rfc3339_millis(event.at.wall),
            time_ms: event.at.wall_ms(),
            vm: &event.vm,
            kind: event.kind.name(),
            text: &event.text,
        }
    }
}

/// What happened, the oldest first.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct EventList<'a> {
    /// This run of the hub: an event's id is `INSTANCE-NUMBER`.
    pub instance: &'a str,
    /// At most 1,000.
    pub events: Vec<Happened<'a>>,
    /// How many of those that were asked for are not kept any more.
    pub forgotten: u64,
    /// Whether the id that was asked for is one of an earlier run of the hub: what happened meanwhile is not known.
    pub restarted: bool,
    /// The newest event's number; 0 before the first.
    pub last_seq: u64,
}

/// The server-sent event `gap`: what its reader has missed.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Gap {
    /// `gap`.
    pub kind: &'static str,
    /// Whether the hub has been started anew.
    pub restarted: bool,
    /// How many events are not kept any more.
    pub forgotten: u64,
    /// In a sentence.
    pub text: String,
}

/// A machine, in short.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Machine<'a> {
    /// Its name on this host.
    pub name: &'a str,
    /// `opening`, `up`, `silent`, `unserved` or `down`.
    pub state: &'static str,
    /// Why it is not connected.
    pub reason: Option<&'a str>,
    /// How long ago it was last heard, in milliseconds.
    pub age_ms: Option<u64>,
    /// When it was last heard, in milliseconds since 1970.
    pub heard_ms: Option<u64>,
    /// The round trip to its agent, in microseconds.
    pub round_trip_us: Option<u64>,
    /// Its agent, as that says.
    pub agent: Option<Agent<'a>>,
    /// Its tags: those of the hub's configuration, and those of the agent's that it does not name.
    pub tags: BTreeMap<&'a str, &'a str>,
    /// Its last figures.
    pub figures: Option<Figures<'a>>,
    /// The last thing that went wrong with it.
    pub failure: Option<Happened<'a>>,
    /// Commands that it has and has not answered.
    pub in_flight: usize,
    /// Commands that wait in the hub for it.
    pub waiting: usize,
    /// Lines that it has sent.
    pub lines: u64,
    /// Those of them that could not be read.
    pub malformed_lines: u64,
}

/// A machine, with what the table leaves out.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct WholeMachine<'a> {
    /// As in the table.
    #[serde(flatten)]
    pub short: Machine<'a>,
    /// Its socket.
    pub path: &'a str,
    /// What the host knows of its QEMU; none where that is not known.
    pub qemu: Option<Qemu<'a>>,
    /// What its agent says of itself.
    pub hello: Option<&'a Hello>,
    /// Its last figures, as they came.
    pub system: Option<&'a System>,
    /// How their collection went.
    pub collection: Option<&'a Collection>,
    /// Services that failed; at most 50 are named.
    pub failed_services: Option<&'a [String]>,
    /// The last hour: milliseconds since 1970, then the ratios of processors, memory and the fullest file system, and the load
    /// average of a minute.
    pub history: Vec<(u64, f32, f32, f32, Option<f32>)>,
}

/// A machine's QEMU, by its process and its command line.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Qemu<'a> {
    /// The process.
    pub pid: i32,
    /// Its `-name`.
    pub name: Option<&'a str>,
    /// Its `-uuid`.
    pub uuid: Option<&'a str>,
}

/// The hub itself.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Own<'a> {
    /// Its version.
    pub version: &'static str,
    /// Orderly restarts in a row over which connections were kept.
    pub restarts_survived: u64,
    /// Connections to guests that are open.
    pub connections: u64,
    /// How many there may be.
    pub connections_max: u64,
    /// Connections that it took over from the hub before it.
    pub connections_kept: u64,
    /// Machines that wait for their turn to be connected.
    pub connects_waiting: u64,
    /// Connections that did not begin because no descriptor was left for them.
    pub connects_refused: u64,
    /// Descriptors that systemd keeps for the next hub.
    pub descriptors_stored: usize,
    /// How the last reading of its settings ended.
    pub settings: LastReload<'a>,
    /// The engine of the fleet, where this hub is of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine: Option<Engine<'a>>,
}

/// The engine of the fleet, and what came and went over it.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Engine<'a> {
    /// Whether it is there.
    pub connected: bool,
    /// What is wrong with it, or with what is done over it.
    pub error: Option<&'a str>,
    /// Whether this hub is the fleet's coordinator.
    pub is_coordinator: bool,
    /// Commands that were taken.
    pub commands: u64,
    /// Commands that were not what an operator signed, or that cannot be read.
    pub refused: u64,
    /// Results that the engine has.
    pub results: u64,
    /// Results that wait for the engine.
    pub results_waiting: u64,
}

/// How the last reading of the settings ended.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct LastReload<'a> {
    /// When settings were taken the last time, RFC 3339.
    pub taken: String,
    /// What is wrong with the file, and where; the settings before it are in force.
    pub error: Option<&'a str>,
}

/// What became of settings that were read again.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Reloaded<'a> {
    /// Settings that have changed and are in force.
    pub changed: &'a [&'static str],
    /// Settings that have changed and count at the next start.
    pub waiting: Vec<Waiting>,
}

/// A setting that counts at the next start.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Waiting {
    /// Its name in the file.
    pub setting: &'static str,
    /// Why it waits.
    pub reason: &'static str,
}

/// An agent, as it says.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Agent<'a> {
    /// The agent's version.
    pub version: &'a str,
    /// `linux` or `windows`.
    pub platform: &'a str,
    /// The operating system.
    pub os: &'a str,
    /// `vm_id` of its configuration.
    pub vm_id: Option<&'a str>,
}

/// Figures of a machine, in short. Ratios are 0 to 1.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Figures<'a> {
    /// When they came, RFC 3339.
    pub received: String,
    /// The guest's own name.
    pub hostname: &'a str,
    /// The address that people would use.
    pub address: Option<&'a str>,
    /// Of all processors.
    pub cpu: f32,
    /// Of memory, what programs cannot get.
    pub memory: f32,
    /// Load average of 1, 5 and 15 minutes; none on Windows.
    pub load: Option<[f32; 3]>,
    /// Processors that it has.
    pub cpus: usize,
    /// Of the fullest file system; 0 where there is none.
    pub disk: f32,
    /// Where that is mounted.
    pub fullest: Option<&'a str>,
    /// Since its boot, in seconds.
    pub uptime_seconds: u64,
    /// Services that failed.
    pub failed_services: usize,
}
