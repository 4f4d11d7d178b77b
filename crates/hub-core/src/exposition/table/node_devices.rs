//! The names of `node_exporter`: file systems, block devices, interfaces.

use super::disk::each_device;
use super::network::each_interface;
use super::{GuestMetric, Kind, Read, about, counter, gauge, gigabytes, millis};
use crate::exposition::view::View;
use crate::exposition::{Rows, Value};
use infiniservice_protocol::metrics::DiskUsage;

const FILE_SYSTEM: &[&str] = &["device", "fstype", "mountpoint"];
const DEVICE: &[&str] = &["device"];

pub(super) const DEVICES: &[GuestMetric] = &[
    file_system(
        "node_filesystem_size_bytes",
        "bytes",
        "Size of a file system",
        "data.system.disk.usage_stats[].total_gb",
        |view, rows| {
            mounted(view, rows, |it| Some(gigabytes(it.total_gb)));
        },
    ),
    file_system(
        "node_filesystem_avail_bytes",
        "bytes",
        "What an ordinary user can still write",
        "data.system.disk.usage_stats[].available_gb",
        |view, rows| mounted(view, rows, |it| Some(gigabytes(it.available_gb))),
    ),
    file_system(
        "node_filesystem_free_bytes",
        "bytes",
        "What root can still write",
        "data.system.disk.usage_stats[].total_gb, .used_gb",
        |view, rows| mounted(view, rows, |it| Some(gigabytes((it.total_gb - it.used_gb).max(0.0)))),
    ),
    file_system(
        "node_filesystem_files",
        "",
        "Inodes",
        "data.system.disk.usage_stats[].inodes_total",
        |view, rows| {
            mounted(view, rows, |it| it.inodes_total.map(|it| it as f64));
        },
    ),
    file_system(
        "node_filesystem_files_free",
        "",
        "Free inodes",
        "data.system.disk.usage_stats[].inodes_total, .inodes_used",
        |view, rows| {
            mounted(view, rows, |it| Some(it.inodes_total?.saturating_sub(it.inodes_used?) as f64));
        },
    ),
    disk(
        "node_disk_read_bytes_total",
        "bytes",
        "Bytes read",
        "data.system.disk.devices[].read_bytes",
        |view, rows| {
            each_device(view, rows, "device", |it| Value::Count(it.read_bytes));
        },
    ),
    disk(
        "node_disk_written_bytes_total",
        "bytes",
        "Bytes written",
        "data.system.disk.devices[].write_bytes",
        |view, rows| {
            each_device(view, rows, "device", |it| Value::Count(it.write_bytes));
        },
    ),
    disk(
        "node_disk_reads_completed_total",
        "",
        "Reads that ended",
        "data.system.disk.devices[].reads",
        |view, rows| {
            each_device(view, rows, "device", |it| Value::Count(it.reads));
        },
    ),
    disk(
        "node_disk_writes_completed_total",
        "",
        "Writes that ended",
        "data.system.disk.devices[].writes",
        |view, rows| {
            each_device(view, rows, "device", |it| Value::Count(it.writes));
        },
    ),
    disk(
        "node_disk_io_time_seconds_total",
        "seconds",
        "Time with work",
        "data.system.disk.devices[].busy_ms",
        |view, rows| {
            each_device(view, rows, "device", |it| Value::Figure(millis(it.busy_ms)));
        },
    ),
    network(
        "node_network_receive_bytes_total",
        "Bytes received",
        "data.system.network.interfaces[].bytes_received",
        |view, rows| {
            each_interface(view, rows, "device", |it| it.bytes_received);
        },
    ),
    network(
        "node_network_transmit_bytes_total",
        "Bytes sent",
        "data.system.network.interfaces[].bytes_sent",
        |view, rows| {
            each_interface(view, rows, "device", |it| it.bytes_sent);
        },
    ),
    network(
        "node_network_receive_packets_total",
        "Packets received",
        "data.system.network.interfaces[].packets_received",
        |view, rows| {
            each_interface(view, rows, "device", |it| it.packets_received);
        },
    ),
    network(
        "node_network_transmit_packets_total",
        "Packets sent",
        "data.system.network.interfaces[].packets_sent",
        |view, rows| {
            each_interface(view, rows, "device", |it| it.packets_sent);
        },
    ),
    network(
        "node_network_receive_errs_total",
        "Packets with an error",
        "data.system.network.interfaces[].errors_in",
        |view, rows| {
            each_interface(view, rows, "device", |it| it.errors_in);
        },
    ),
    network(
        "node_network_transmit_errs_total",
        "Packets not sent for an error",
        "data.system.network.interfaces[].errors_out",
        |view, rows| {
            each_interface(view, rows, "device", |it| it.errors_out);
        },
    ),
    network(
        "node_network_receive_drop_total",
        "Packets dropped",
        "data.system.network.interfaces[].drops_in",
        |view, rows| {
            each_interface(view, rows, "device", |it| it.drops_in);
        },
    ),
    network(
        "node_network_transmit_drop_total",
        "Packets dropped",
        "data.system.network.interfaces[].drops_out",
        |view, rows| {
            each_interface(view, rows, "device", |it| it.drops_out);
        },
    ),
    gauge(
        "node_network_up",
        "",
        "1 where the interface is up and has a carrier",
        "data.system.network.interfaces[].is_up",
        DEVICE,
        |view, rows| each_interface(view, rows, "device", |it| it.is_up.into()),
    ),
    gauge(
        "node_network_mtu_bytes",
        "bytes",
        "Longest packet",
        "data.system.network.interfaces[].mtu",
        DEVICE,
        |view, rows| each_interface(view, rows, "device", |it| it.mtu.into()),
    ),
    gauge(
        "node_network_speed_bytes",
        "bytes",
        "Bytes in a second, where the driver tells",
        "data.system.network.interfaces[].speed_mbps",
        DEVICE,
        |view, rows| {
            for (it, speed) in view.interfaces.iter().filter_map(|it| Some((it, it.speed_mbps?))) {
                rows.row(&[("device", &it.name)], Value::Count(u64::from(speed) * 125_000));
            }
        },
    ),
];

const fn file_system(
    name: &'static str,
    unit: &'static str,
    help: &'static str,
    field: &'static str,
    read: Read,
) -> GuestMetric {
    gauge(name, unit, help, field, FILE_SYSTEM, read)
}

const fn disk(
    name: &'static str,
    unit: &'static str,
    help: &'static str,
    field: &'static str,
    read: Read,
) -> GuestMetric {
    counter(name, unit, help, field, DEVICE, read)
}

const fn network(name: &'static str, help: &'static str, field: &'static str, read: Read) -> GuestMetric {
    GuestMetric {
        about: about(Kind::Counter, name, "", help, field, DEVICE),
        always: false,
        read,
        read_otel: None,
    }
}

fn mounted(view: &View<'_>, rows: &mut dyn Rows, of: impl Fn(&DiskUsage) -> Option<f64>) {
    for it in &view.file_systems {
        let labels = [("device", &*it.device), ("fstype", &it.filesystem), ("mountpoint", &it.mount_point)];
        if let Some(figure) = of(it) {
            rows.row(&labels, Value::Figure(figure));
        }
    }
}
