//! The names of `node_exporter`: processors, memory, load, pressure, services. Dashboards and alerts for it work unchanged.

use super::guest::{load, memory, pressure};
use super::{GuestMetric, boot_time, clock_offset, counter, cpu_seconds, gauge, micros, since_1970, system};
use crate::exposition::view::{View, different};
use crate::exposition::{Rows, Value};
use crate::sample::MAX_FAILED_SERVICES;
use infiniservice_protocol::metrics::{CpuSeconds, Stall};

/// Cores of one machine that are told.
pub(super) const MAX_CORES: usize = 128;

pub(super) const SYSTEM: &[GuestMetric] = &[
    gauge(
        "node_uname_info",
        "",
        "Names of the system as uname tells them",
        "data.system.host",
        &["sysname", "nodename", "release", "version", "machine", "domainname"],
        uname,
    ),
    gauge(
        "node_os_info",
        "",
        "Name and version of the operating system",
        "data.system.host.os_name, .os_version",
        &["name", "pretty_name", "version_id"],
        os,
    ),
    gauge(
        "node_boot_time_seconds",
        "seconds",
        "When the guest booted, in seconds since 1970",
        "data.system.host.boot_time",
        &[],
        |view, rows| rows.figure(boot_time(view)),
    ),
    gauge(
        "node_time_seconds",
        "seconds",
        "The guest's clock now, as far as the host knows it",
        "timestamp",
        &[],
        |view, rows| {
            rows.figure(clock_offset(view).map(|it| since_1970(view.now.wall) + it));
        },
    ),
    counter(
        "node_cpu_seconds_total",
        "seconds",
        "Seconds since boot by mode; the agent tells the sum of all cores, of which each is given an equal share",
        "data.system.cpu.seconds",
        &["cpu", "mode"],
        |view, rows| {
            each_core(view, |core, share, seconds| {
                for (mode, seconds) in cpu_seconds(seconds) {
                    rows.row(&[("cpu", core), ("mode", mode)], Value::Figure(seconds * share));
                }
            });
        },
    ),
    gauge("node_load1", "", "Load average of one minute", "data.system.load_average", &[], |view, rows| {
        load(view, rows, 0);
    }),
    gauge("node_load5", "", "Load average of five minutes", "data.system.load_average", &[], |view, rows| {
        load(view, rows, 1);
    }),
    gauge(
        "node_load15",
        "",
        "Load average of fifteen minutes",
        "data.system.load_average",
        &[],
        |view, rows| {
            load(view, rows, 2);
        },
    ),
    kilobytes(
        "node_memory_MemTotal_bytes",
        "Physical memory",
        "data.system.memory.total_kb",
        |view, rows| {
            memory(view, rows, |it| Some(it.total_kb));
        },
    ),
    kilobytes(
        "node_memory_MemAvailable_bytes",
        "Memory that programs can still get without swapping",
        "data.system.memory.available_kb",
        |view, rows| memory(view, rows, |it| Some(it.available_kb)),
    ),
    kilobytes(
        "node_memory_Cached_bytes",
        "Contents of files in memory",
        "data.system.memory.cached_kb",
        |view, rows| {
            memory(view, rows, |it| it.cached_kb);
        },
    ),
    kilobytes(
        "node_memory_Buffers_bytes",
        "Block devices' own blocks",
        "data.system.memory.buffers_kb",
        |view, rows| {
            memory(view, rows, |it| it.buffers_kb);
        },
    ),
    kilobytes(
        "node_memory_SwapTotal_bytes",
        "Swap space",
        "data.system.memory.swap_total_kb",
        |view, rows| {
            memory(view, rows, |it| Some(it.swap_total_kb));
        },
    ),
    kilobytes(
        "node_memory_SwapFree_bytes",
        "Swap that is not in use",
        "data.system.memory.swap_total_kb, .swap_used_kb",
        |view, rows| memory(view, rows, |it| Some(it.swap_total_kb.saturating_sub(it.swap_used_kb))),
    ),
    counter(
        "node_vmstat_oom_kill",
        "",
        "Processes that the kernel killed for want of memory",
        "data.system.memory.oom_kills",
        &[],
        |view, rows| {
            rows.count(system(view).and_then(|it| it.memory.oom_kills));
        },
    ),
    counter(
        "node_pressure_cpu_waiting_seconds_total",
        "seconds",
        "Time in which at least one task waited for a processor",
        "data.system.pressure.cpu.some",
        &[],
        |view, rows| stalled(view, rows, "cpu", false),
    ),
    counter(
        "node_pressure_io_waiting_seconds_total",
        "seconds",
        "Time in which at least one task waited for a block device",
        "data.system.pressure.io.some",
        &[],
        |view, rows| stalled(view, rows, "io", false),
    ),
    counter(
        "node_pressure_io_stalled_seconds_total",
        "seconds",
        "Time in which all tasks waited for block devices",
        "data.system.pressure.io.full",
        &[],
        |view, rows| stalled(view, rows, "io", true),
    ),
    counter(
        "node_pressure_memory_waiting_seconds_total",
        "seconds",
        "Time in which at least one task waited for memory",
        "data.system.pressure.memory.some",
        &[],
        |view, rows| stalled(view, rows, "memory", false),
    ),
    counter(
        "node_pressure_memory_stalled_seconds_total",
        "seconds",
        "Time in which all tasks waited for memory",
        "data.system.pressure.memory.full",
        &[],
        |view, rows| stalled(view, rows, "memory", true),
    ),
    gauge(
        "node_systemd_unit_state",
        "",
        "1 for each service that has failed; those in other states are not told",
        "data.services",
        &["name", "state", "type"],
        |view, rows| {
            let failed = view.sample.iter().flat_map(|it| &it.services.failed).map(String::as_str);
            for name in different(failed, MAX_FAILED_SERVICES) {
                rows.row(&[("name", &name), ("state", "failed"), ("type", "")], Value::Count(1));
            }
        },
    ),
];

const fn kilobytes(
    name: &'static str,
    help: &'static str,
    source: &'static str,
    read: super::Read,
) -> GuestMetric {
    gauge(name, "bytes", help, source, &[], read)
}

fn uname(view: &View<'_>, rows: &mut dyn Rows) {
    let Some(host) = system(view).map(|it| &it.host) else { return };
    let labels = [
        ("sysname", "Linux"),
        ("nodename", &*host.hostname),
        ("release", &host.kernel_version),
        ("version", ""),
        ("machine", &host.architecture),
        ("domainname", "(none)"),
    ];
    rows.row(&labels, Value::Count(1));
}

fn os(view: &View<'_>, rows: &mut dyn Rows) {
    let Some(host) = system(view).map(|it| &it.host) else { return };
    let pretty = format!("{} {}", host.os_name, host.os_version);
    let labels = [("name", &*host.os_name), ("pretty_name", pretty.trim()), ("version_id", &host.os_version)];
    rows.row(&labels, Value::Count(1));
}

/// Each core's number, and which share of all cores' seconds it is given.
pub(super) fn each_core(view: &View<'_>, mut tell: impl FnMut(&str, f64, &CpuSeconds)) {
    let Some(cpu) = system(view).map(|it| &it.cpu) else { return };
    let Some(seconds) = &cpu.seconds else { return };
    let cores = cpu.cores_usage.len().clamp(1, MAX_CORES);
    for core in 0..cores {
        tell(&core.to_string(), 1.0 / cores as f64, seconds);
    }
}

fn stalled(view: &View<'_>, rows: &mut dyn Rows, resource: &str, all: bool) {
    let stalls = pressure(view).find(|(name, _)| *name == resource).map(|(_, stalls)| stalls);
    let stall: Option<&Stall> = stalls.and_then(|it| if all { it.full.as_ref() } else { Some(&it.some) });
    rows.figure(stall.map(|it| micros(it.total_us)));
}
