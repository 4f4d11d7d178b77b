//! Processors, memory, load, pressure, services.

use super::{GuestMetric, Otel, bytes, counter, cpu_seconds, gauge, micros, ratio, system};
use crate::exposition::label::clean;
use crate::exposition::view::{View, different, first};
use crate::exposition::{Rows, Value};
use crate::sample::MAX_FAILED_SERVICES;
use infiniservice_protocol::metrics::{Memory, Stalls};

const RESOURCE: &[(&str, &str)] = &[("resource", "infini.resource")];

pub(super) const SYSTEM: &[GuestMetric] = &[
    gauge(
        "infini_guest_cpu_usage_ratio",
        "ratio",
        "Share of all processors that was in use between the agent's last two collections, 0 to 1",
        "data.system.cpu.usage_percent",
        &[],
        |view, rows| {
            let usage = system(view).filter(|_| !view.failed("cpu")).map(|it| it.cpu.usage_percent);
            rows.figure(usage.map(ratio));
        },
    )
    .otel(Otel::gauge("system.cpu.utilization", "1")),
    gauge(
        "infini_guest_cpus",
        "",
        "Processors that are online",
        "data.system.cpu.cores_usage",
        &[],
        |view, rows| {
            let cores = system(view).map_or(0, |it| it.cpu.cores_usage.len());
            rows.count((cores > 0).then_some(cores as u64));
        },
    )
    .otel(Otel::up_down("system.cpu.logical.count", "{cpu}")),
    gauge(
        "infini_guest_memory_total_bytes",
        "bytes",
        "Physical memory",
        "data.system.memory.total_kb",
        &[],
        |view, rows| memory(view, rows, |it| Some(it.total_kb)),
    )
    .otel(Otel::up_down("system.memory.limit", "By")),
    gauge(
        "infini_guest_memory_available_bytes",
        "bytes",
        "Memory that programs can still get without swapping",
        "data.system.memory.available_kb",
        &[],
        |view, rows| memory(view, rows, |it| Some(it.available_kb)),
    )
    .otel(Otel::up_down("system.memory.linux.available", "By")),
    gauge(
        "infini_guest_memory_used_bytes",
        "bytes",
        "Memory less what is available",
        "data.system.memory.used_kb",
        &[],
        |view, rows| memory(view, rows, |it| Some(it.used_kb)),
    )
    .otel(Otel::up_down("system.memory.usage", "By").fixed(&[("system.memory.state", "used")])),
    gauge(
        "infini_guest_load1",
        "",
        "Tasks that run or wait, averaged over one minute; absent on Windows, as are the other two",
        "data.system.load_average.load_1min",
        &[],
        |view, rows| load(view, rows, 0),
    )
    .otel(Otel::gauge("infini.guest.load", "{task}").fixed(&[("infini.load.period", "1m")])),
    gauge(
        "infini_guest_load5",
        "",
        "Tasks that run or wait, averaged over five minutes",
        "data.system.load_average.load_5min",
        &[],
        |view, rows| load(view, rows, 1),
    )
    .otel(Otel::gauge("infini.guest.load", "{task}").fixed(&[("infini.load.period", "5m")])),
    gauge(
        "infini_guest_load15",
        "",
        "Tasks that run or wait, averaged over fifteen minutes",
        "data.system.load_average.load_15min",
        &[],
        |view, rows| load(view, rows, 2),
    )
    .otel(Otel::gauge("infini.guest.load", "{task}").fixed(&[("infini.load.period", "15m")])),
    counter(
        "infini_guest_cpu_seconds_total",
        "seconds",
        "Seconds of all processors together since boot, by what they did; steal is what the hypervisor gave to others",
        "data.system.cpu.seconds",
        &["mode"],
        |view, rows| {
            let seconds = system(view).and_then(|it| it.cpu.seconds.as_ref());
            for (mode, seconds) in seconds.into_iter().flat_map(cpu_seconds) {
                rows.row(&[("mode", mode)], Value::Figure(seconds));
            }
        },
    )
    .otel(Otel::counter("system.cpu.time", "s").with(&[("mode", "cpu.mode")])),
    gauge(
        "infini_guest_cpu_temperature_celsius",
        "celsius",
        "Temperature of the processor, where there is a sensor",
        "data.system.cpu.temperature",
        &[],
        |view, rows| {
            rows.figure(system(view).and_then(|it| it.cpu.temperature));
        },
    )
    .otel(Otel::gauge("infini.guest.cpu.temperature", "Cel")),
    gauge(
        "infini_guest_memory_cached_bytes",
        "bytes",
        "Contents of files in memory, given back when programs need it",
        "data.system.memory.cached_kb",
        &[],
        |view, rows| memory(view, rows, |it| it.cached_kb),
    )
    .otel(Otel::up_down("system.memory.usage", "By").fixed(&[("system.memory.state", "cached")])),
    gauge(
        "infini_guest_memory_buffers_bytes",
        "bytes",
        "Block devices' own blocks in memory, such as directories; absent on Windows",
        "data.system.memory.buffers_kb",
        &[],
        |view, rows| memory(view, rows, |it| it.buffers_kb),
    )
    .otel(Otel::up_down("system.memory.usage", "By").fixed(&[("system.memory.state", "buffers")])),
    gauge(
        "infini_guest_swap_total_bytes",
        "bytes",
        "Swap space",
        "data.system.memory.swap_total_kb",
        &[],
        |view, rows| memory(view, rows, |it| Some(it.swap_total_kb)),
    )
    .otel(Otel::up_down("infini.guest.paging.limit", "By")),
    gauge(
        "infini_guest_swap_used_bytes",
        "bytes",
        "Swap in use",
        "data.system.memory.swap_used_kb",
        &[],
        |view, rows| memory(view, rows, |it| Some(it.swap_used_kb)),
    )
    .otel(Otel::up_down("system.paging.usage", "By").fixed(&[("system.paging.state", "used")])),
    counter(
        "infini_guest_oom_kills_total",
        "",
        "Processes that the kernel killed for want of memory since boot",
        "data.system.memory.oom_kills",
        &[],
        |view, rows| {
            rows.count(system(view).and_then(|it| it.memory.oom_kills));
        },
    )
    .otel(Otel::counter("infini.guest.memory.oom_kills", "{process}")),
    counter(
        "infini_guest_pressure_waiting_seconds_total",
        "seconds",
        "Time since boot in which at least one task waited for this resource (cpu, memory, io)",
        "data.system.pressure.*.some.total_us",
        &["resource"],
        |view, rows| {
            for (resource, stalls) in pressure(view) {
                rows.row(&[("resource", resource)], Value::Figure(micros(stalls.some.total_us)));
            }
        },
    )
    .otel(Otel::counter("infini.guest.pressure.time", "s").with(RESOURCE).fixed(&[("infini.pressure.tasks", "some")])),
    counter(
        "infini_guest_pressure_stalled_seconds_total",
        "seconds",
        "Time since boot in which all tasks waited for this resource (memory, io)",
        "data.system.pressure.*.full.total_us",
        &["resource"],
        |view, rows| {
            for (resource, full) in
                pressure(view).filter_map(|(it, stalls)| Some((it, stalls.full.as_ref()?)))
            {
                rows.row(&[("resource", resource)], Value::Figure(micros(full.total_us)));
            }
        },
    )
    .otel(Otel::counter("infini.guest.pressure.time", "s").with(RESOURCE).fixed(&[("infini.pressure.tasks", "full")])),
    gauge(
        "infini_guest_services",
        "",
        "Services by their state, as the guest names it",
        "data.services",
        &["state"],
        |view, rows| {
            let Some(services) = view.sample.map(|it| &it.services) else { return };
            let states = services.by_state.iter();
            for (state, count) in first(states, usize::MAX, |(state, _)| clean(state), &mut 0).0 {
                rows.row(&[("state", state)], Value::Count((*count).into()));
            }
        },
    )
    .otel(Otel::up_down("infini.guest.service.count", "{service}").with(&[("state", "infini.service.state")])),
    gauge(
        "infini_guest_service_failed",
        "",
        "1 for each service that has failed, at most 50; absent for the others",
        "data.services",
        &["service"],
        |view, rows| {
            let failed = view.sample.iter().flat_map(|it| &it.services.failed).map(String::as_str);
            for name in different(failed, MAX_FAILED_SERVICES) {
                rows.row(&[("service", &name)], Value::Count(1));
            }
        },
    )
    .otel(Otel::gauge("infini.guest.service.failed", "1").with(&[("service", "infini.service.name")])),
];

/// Where the guest could read its memory at all.
pub(super) fn memory(view: &View<'_>, rows: &mut dyn Rows, kb: impl FnOnce(&Memory) -> Option<u64>) {
    let memory = system(view).map(|it| &it.memory).filter(|it| it.total_kb > 0);
    rows.count(memory.and_then(kb).map(bytes));
}

pub(super) fn load(view: &View<'_>, rows: &mut dyn Rows, which: usize) {
    let load = system(view).and_then(|it| it.load_average.as_ref());
    let load = load.map(|it| [it.load_1min, it.load_5min, it.load_15min]);
    rows.figure(load.and_then(|it| it.get(which).copied()));
}

/// The resources whose pressure the guest tells.
pub(super) fn pressure<'a>(view: &View<'a>) -> impl Iterator<Item = (&'static str, &'a Stalls)> + use<'a> {
    let pressure = system(view).and_then(|it| it.pressure.as_ref());
    let of = pressure.map(|it| [("cpu", &it.cpu), ("memory", &it.memory), ("io", &it.io)]);
    of.into_iter().flatten().filter_map(|(resource, stalls)| Some((resource, stalls.as_ref()?)))
}
