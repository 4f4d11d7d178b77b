//! Machines and events as JSON.

use super::super::clock;
use infiniservice_hub_core::fleet::Entry;
use infiniservice_hub_core::machine::figures::{self, Figures};
use infiniservice_hub_core::selector::Selector;
use infiniservice_hub_core::{Event, Fleet, Sample};
use infiniservice_protocol::clock::Now;
use infiniservice_protocol::timestamp::rfc3339_millis;
use serde_json::{Value, json};

/// Names of the lists of a machine, in the order in which they are kept.
pub(super) const LISTS: [&str; 4] = ["processes", "ports", "services", "plugins"];

/// The machines that a selector means, in short.
pub(super) fn selected(fleet: &Fleet, selector: &Selector) -> Value {
    let now = clock::now();
    let meant = fleet.iter().filter(|(name, entry)| selector.matches(name, entry, now));
    meant.map(|(name, entry)| short(now, name, entry)).collect()
}

/// One machine, with what the table leaves out.
pub(super) fn one(name: &str, entry: &Entry) -> Value {
    let machine = &entry.machine;
    let mut value = short(clock::now(), name, entry);
    let sample = machine.sample();
    let history = machine.history().points().map(|point| {
        let Figures { cpu, memory, disk, load } = point.figures;
        json!([point.at_ms, cpu, memory, disk, load.map(|[one, ..]| one)])
    });
    let beside = json!({
        "path": entry.path,
        "hello": machine.hello(),
        "system": sample.map(|sample| &sample.system),
        "collection": sample.map(|sample| &sample.collection),
        "failed_services": sample.map(|sample| &sample.services.failed),
        "history": history.collect::<Value>(),
    });
    if let (Some(fields), Value::Object(beside)) = (value.as_object_mut(), beside) {
        fields.extend(beside);
    }
    value
}

/// One machine's row of the table.
pub(super) fn short(now: Now, name: &str, entry: &Entry) -> Value {
    let machine = &entry.machine;
    let age = machine.session().heard().map(|heard| now.mono.saturating_sub(heard).as_millis());
    let age = age.and_then(|age| u64::try_from(age).ok());
    let (lines, malformed) = machine.lines();
    json!({
        "name": name,
        "state": machine.state().name(),
        "reason": Some(machine.reason()).filter(|reason| !reason.is_empty()),
        "age_ms": age,
        "heard_ms": age.map(|age| now.wall_ms().saturating_sub(age)),
        "round_trip_us": machine.round_trip().and_then(|time| u64::try_from(time.as_micros()).ok()),
        "agent": machine.hello().map(|hello| json!({
            "version": hello.agent_version, "platform": hello.platform, "os": hello.os, "vm_id": hello.vm_id,
        })),
        "figures": machine.sample().map(figures_of),
        "failure": entry.failure.as_ref().map(event),
        "in_flight": machine.router().in_flight(),
        "waiting": machine.router().waiting(),
        "lines": lines,
        "malformed_lines": malformed,
    })
}

fn figures_of(sample: &Sample) -> Value {
    let Figures { cpu, memory, disk, load } = Figures::of(&sample.system);
    let fullest = figures::fullest(&sample.system).map(|(disk, _)| &disk.mount_point);
    json!({
        "received": rfc3339_millis(sample.received.wall),
        "hostname": sample.system.host.hostname,
        "address": address(sample),
        "cpu": cpu, "memory": memory, "load": load, "cpus": sample.system.cpu.cores_usage.len(),
        "disk": disk, "fullest": fullest,
        "uptime_seconds": sample.system.uptime_seconds,
        "failed_services": sample.services.failed.len(),
    })
}

/// The address that people would use: the first of the first interface that is up, IPv4 before IPv6.
fn address(sample: &Sample) -> Option<&String> {
    let interfaces = sample.system.network.interfaces.iter().filter(|one| one.is_up && one.name != "lo");
    let mut addresses: Vec<_> = interfaces.flat_map(|one| &one.ip_addresses).collect();
    addresses.sort_by_key(|address| address.contains(':'));
    addresses.first().copied()
}

/// An event.
pub(super) fn event(event: &Event) -> Value {
    json!({
        "seq": event.seq,
        "time": rfc3339_millis(event.at.wall),
        "time_ms": event.at.wall_ms(),
        "vm": &*event.vm,
        "kind": event.kind.name(),
        "text": event.text,
    })
}
