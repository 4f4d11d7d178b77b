//! The names of `windows_exporter`.

use super::disk::each_device;
use super::guest::memory;
use super::network::each_interface;
use super::node::each_core;
use super::{GuestMetric, Read, boot_time, counter, gauge, gigabytes, system};
use crate::exposition::view::{View, first};
use crate::exposition::{Rows, Value, label};
use infiniservice_protocol::metrics::{CpuSeconds, DiskUsage};

pub(super) const ALL: &[GuestMetric] = &[
    gauge(
        "windows_os_info",
        "",
        "1, with the system's name and version",
        "data.system.host",
        &["product", "version", "build_number"],
        os,
    ),
    gauge(
        "windows_os_hostname",
        "",
        "1, with the guest's name",
        "data.system.host.hostname",
        &["hostname", "domain", "fqdn"],
        hostname,
    ),
    gauge(
        "windows_system_boot_time_timestamp_seconds",
        "seconds",
        "When the guest booted, in seconds since 1970",
        "data.system.host.boot_time",
        &[],
        |view, rows| rows.figure(boot_time(view)),
    ),
    counter(
        "windows_cpu_time_total",
        "seconds",
        "Seconds since boot by mode; the agent tells the sum of all cores, of which each is given an equal share",
        "data.system.cpu.seconds",
        &["core", "mode"],
        |view, rows| {
            each_core(view, |core, share, seconds| {
                let core = format!("0,{core}");
                for (mode, seconds) in modes(seconds) {
                    rows.row(&[("core", &core), ("mode", mode)], Value::Figure(seconds * share));
                }
            });
        },
    ),
    gauge(
        "windows_cpu_logical_processor",
        "",
        "Processors",
        "data.system.cpu.cores_usage",
        &[],
        |view, rows| rows.count(system(view).map(|it| it.cpu.cores_usage.len() as u64)),
    ),
    kilobytes(
        "windows_memory_physical_total_bytes",
        "Physical memory",
        "data.system.memory.total_kb",
        |view, rows| {
            memory(view, rows, |it| Some(it.total_kb));
        },
    ),
    kilobytes(
        "windows_memory_physical_free_bytes",
        "Memory that programs can still get",
        "data.system.memory.available_kb",
        |view, rows| memory(view, rows, |it| Some(it.available_kb)),
    ),
    kilobytes(
        "windows_memory_available_bytes",
        "Memory that programs can still get",
        "data.system.memory.available_kb",
        |view, rows| memory(view, rows, |it| Some(it.available_kb)),
    ),
    gauge(
        "windows_logical_disk_size_bytes",
        "bytes",
        "Size of a volume",
        "data.system.disk.usage_stats[].total_gb",
        &["volume"],
        |view, rows| volumes(view, rows, |it| it.total_gb),
    ),
    gauge(
        "windows_logical_disk_free_bytes",
        "bytes",
        "What can still be written",
        "data.system.disk.usage_stats[].available_gb",
        &["volume"],
        |view, rows| volumes(view, rows, |it| it.available_gb),
    ),
    disk("windows_physical_disk_read_bytes_total", "bytes", "Bytes read", |view, rows| {
        each_device(view, rows, "disk", |it| Value::Count(it.read_bytes));
    }),
    disk("windows_physical_disk_write_bytes_total", "bytes", "Bytes written", |view, rows| {
        each_device(view, rows, "disk", |it| Value::Count(it.write_bytes));
    }),
    disk("windows_physical_disk_reads_total", "", "Reads that ended", |view, rows| {
        each_device(view, rows, "disk", |it| Value::Count(it.reads));
    }),
    disk("windows_physical_disk_writes_total", "", "Writes that ended", |view, rows| {
        each_device(view, rows, "disk", |it| Value::Count(it.writes));
    }),
    net("windows_net_bytes_received_total", "Bytes received", |view, rows| {
        each_interface(view, rows, "nic", |it| it.bytes_received);
    }),
    net("windows_net_bytes_sent_total", "Bytes sent", |view, rows| {
        each_interface(view, rows, "nic", |it| it.bytes_sent);
    }),
    net("windows_net_bytes_total", "Bytes received and sent", |view, rows| {
        each_interface(view, rows, "nic", |it| it.bytes_received.saturating_add(it.bytes_sent));
    }),
    net("windows_net_packets_received_total", "Packets received", |view, rows| {
        each_interface(view, rows, "nic", |it| it.packets_received);
    }),
    net("windows_net_packets_sent_total", "Packets sent", |view, rows| {
        each_interface(view, rows, "nic", |it| it.packets_sent);
    }),
    net("windows_net_packets_received_errors_total", "Packets with an error", |view, rows| {
        each_interface(view, rows, "nic", |it| it.errors_in);
    }),
    net("windows_net_packets_outbound_errors_total", "Packets not sent for an error", |view, rows| {
        each_interface(view, rows, "nic", |it| it.errors_out);
    }),
    net("windows_net_packets_received_discarded_total", "Packets dropped", |view, rows| {
        each_interface(view, rows, "nic", |it| it.drops_in);
    }),
    net("windows_net_packets_outbound_discarded_total", "Packets dropped", |view, rows| {
        each_interface(view, rows, "nic", |it| it.drops_out);
    }),
];

const fn kilobytes(name: &'static str, help: &'static str, source: &'static str, read: Read) -> GuestMetric {
    gauge(name, "bytes", help, source, &[], read)
}

const fn disk(name: &'static str, unit: &'static str, help: &'static str, read: Read) -> GuestMetric {
    counter(name, unit, help, "data.system.disk.devices[]", &["disk"], read)
}

const fn net(name: &'static str, help: &'static str, read: Read) -> GuestMetric {
    counter(name, "", help, "data.system.network.interfaces[]", &["nic"], read)
}

fn os(view: &View<'_>, rows: &mut dyn Rows) {
    let Some(host) = system(view).map(|it| &it.host) else { return };
    let build = host.kernel_version.split('.').nth(2).unwrap_or_default();
    let labels = [("product", &*host.os_name), ("version", &host.kernel_version), ("build_number", build)];
    rows.row(&labels, Value::Count(1));
}

fn hostname(view: &View<'_>, rows: &mut dyn Rows) {
    let Some(host) = system(view).map(|it| &it.host) else { return };
    let labels = [("hostname", &*host.hostname), ("domain", ""), ("fqdn", &host.hostname)];
    rows.row(&labels, Value::Count(1));
}

const fn modes(seconds: &CpuSeconds) -> [(&'static str, f64); 5] {
    [
        ("user", seconds.user),
        ("privileged", seconds.system),
        ("idle", seconds.idle),
        ("interrupt", seconds.irq),
        ("dpc", seconds.softirq),
    ]
}

/// Volumes by their names without the backslash, `C:`, as the exporter has them.
fn volumes(view: &View<'_>, rows: &mut dyn Rows, gb: impl Fn(&DiskUsage) -> f64) {
    let named = view.file_systems.iter().map(|it| (it.mount_point.trim_end_matches('\\'), it));
    let (named, _) = first(named, view.file_systems.len(), |(name, _)| label::clean(name), &mut 0);
    for (name, it) in named {
        rows.row(&[("volume", name)], Value::Figure(gigabytes(gb(it))));
    }
}
