//! Machines as the API shows them.

use super::super::clock;
use super::shapes::{self, Agent, Figures, Happened, Machine, WholeMachine};
use infiniservice_hub_core::fleet::{Entry, Qemu};
use infiniservice_hub_core::machine::figures;
use infiniservice_hub_core::selector::Selector;
use infiniservice_hub_core::{Fleet, Sample};
use infiniservice_protocol::clock::Now;
use infiniservice_protocol::timestamp::rfc3339_millis;

/// Names of the lists of a machine, in the order in which they are kept.
pub(super) const LISTS: [&str; 4] = ["processes", "ports", "services", "plugins"];

/// The machines that a selector means, in short.
pub(super) fn selected<'a>(fleet: &'a Fleet, selector: &Selector) -> Vec<Machine<'a>> {
    let now = clock::now();
    let meant = fleet.iter().filter(|(name, entry)| selector.matches(name, entry, now));
    meant.map(|(name, entry)| short(now, name, entry)).collect()
}

/// One machine, with what the table leaves out.
pub(super) fn one<'a>(name: &'a str, entry: &'a Entry) -> WholeMachine<'a> {
    let machine = &entry.machine;
    let sample = machine.sample();
    let history = machine.history().points().map(|point| {
        let figures::Figures { cpu, memory, disk, load } = point.figures;
        (point.at_ms, cpu, memory, disk, load.map(|[one, ..]| one))
    });
    WholeMachine {
        short: short(clock::now(), name, entry),
        path: &entry.path,
        qemu: entry.qemu.as_ref().map(|Qemu { pid, name, uuid }| shapes::Qemu {
            pid: *pid,
            name: name.as_deref(),
            uuid: uuid.as_deref(),
        }),
        hello: machine.hello(),
        system: sample.map(|sample| &sample.system),
        collection: sample.map(|sample| &sample.collection),
        failed_services: sample.map(|sample| &*sample.services.failed),
        history: history.collect(),
    }
}

/// One machine's row of the table.
pub(super) fn short<'a>(now: Now, name: &'a str, entry: &'a Entry) -> Machine<'a> {
    let machine = &entry.machine;
    let age = machine.session().heard().map(|heard| now.mono.saturating_sub(heard).as_millis());
    let age = age.and_then(|age| u64::try_from(age).ok());
    let (lines, malformed_lines) = machine.lines();
    Machine {
        name,
        state: machine.state().name(),
        reason: Some(machine.reason()).filter(|reason| !reason.is_empty()),
        age_ms: age,
        heard_ms: age.map(|age| now.wall_ms().saturating_sub(age)),
        round_trip_us: machine.round_trip().and_then(|time| u64::try_from(time.as_micros()).ok()),
        agent: machine.hello().map(|hello| Agent {
            version: &hello.agent_version,
            platform: &hello.platform,
            os: &hello.os,
            vm_id: hello.vm_id.as_deref(),
        }),
        tags: entry.all_tags(),
        figures: machine.sample().map(figures_of),
        failure: entry.failure.as_ref().map(Happened::of),
        in_flight: machine.router().in_flight(),
        waiting: machine.router().waiting(),
        lines,
        malformed_lines,
    }
}

fn figures_of(sample: &Sample) -> Figures<'_> {
    let figures::Figures { cpu, memory, disk, load } = figures::Figures::of(&sample.system);
    let fullest = figures::fullest(&sample.system).map(|(disk, _)| &*disk.mount_point);
    Figures {
        received: rfc3339_millis(sample.received.wall),
        hostname: &sample.system.host.hostname,
        address: sample.address(),
        cpu,
        memory,
        load,
        cpus: sample.system.cpu.cores_usage.len(),
        disk,
        fullest,
        uptime_seconds: sample.system.uptime_seconds,
        failed_services: sample.services.failed.len(),
    }
}
