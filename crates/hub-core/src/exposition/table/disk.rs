//! File systems and block devices.

use super::{GuestMetric, Otel, counter, gauge, gigabytes, millis, ratio, system};
use crate::exposition::view::View;
use crate::exposition::{Rows, Value};
use infiniservice_protocol::metrics::{DiskDevice, DiskIo, DiskUsage};

const FILE_SYSTEM: &[&str] = &["mountpoint", "device", "fstype"];
const DEVICE: &[&str] = &["device"];
const MOUNTED: &[(&str, &str)] = &[
    ("mountpoint", "system.filesystem.mountpoint"),
    ("device", "system.device"),
    ("fstype", "system.filesystem.type"),
];
const OF_DEVICE: &[(&str, &str)] = &[("device", "system.device")];
/// The label of the sum, where the agent does not tell each device.
const SUM: &str = "all";

pub(super) const DISK: &[GuestMetric] = &[
    gauge(
        "infini_guest_filesystem_size_bytes",
        "bytes",
        "Size of a file system",
        "data.system.disk.usage_stats[].total_gb",
        FILE_SYSTEM,
        |view, rows| file_systems(view, rows, |it| Some(gigabytes(it.total_gb))),
    )
    .otel(Otel::up_down("system.filesystem.limit", "By").with(MOUNTED)),
    gauge(
        "infini_guest_filesystem_avail_bytes",
        "bytes",
        "What an ordinary user can still write",
        "data.system.disk.usage_stats[].available_gb",
        FILE_SYSTEM,
        |view, rows| file_systems(view, rows, |it| Some(gigabytes(it.available_gb))),
    )
    .otel(Otel::up_down("system.filesystem.usage", "By").with(MOUNTED).fixed(&[("system.filesystem.state", "free")])),
    gauge(
        "infini_guest_filesystem_used_bytes",
        "bytes",
        "What is in use",
        "data.system.disk.usage_stats[].used_gb",
        FILE_SYSTEM,
        |view, rows| file_systems(view, rows, |it| Some(gigabytes(it.used_gb))),
    )
    .otel(Otel::up_down("system.filesystem.usage", "By").with(MOUNTED).fixed(&[("system.filesystem.state", "used")])),
    gauge(
        "infini_guest_filesystem_inodes",
        "",
        "Inodes, where the file system counts them",
        "data.system.disk.usage_stats[].inodes_total",
        FILE_SYSTEM,
        |view, rows| file_systems(view, rows, |it| it.inodes_total.map(|it| it as f64)),
    )
    .otel(Otel::up_down("infini.guest.filesystem.inode.limit", "{inode}").with(MOUNTED)),
    gauge(
        "infini_guest_filesystem_inodes_used",
        "",
        "Inodes in use",
        "data.system.disk.usage_stats[].inodes_used",
        FILE_SYSTEM,
        |view, rows| file_systems(view, rows, |it| it.inodes_used.map(|it| it as f64)),
    )
    .otel(Otel::up_down("infini.guest.filesystem.inode.usage", "{inode}").with(MOUNTED)),
    gauge(
        "infini_guest_disk_busy_ratio",
        "ratio",
        "Share of the time in which the busiest device had work, between the agent's last two collections, 0 to 1",
        "data.system.disk.io_stats.io_utilization_percent",
        &[],
        |view, rows| {
            let io = system(view).filter(|_| !view.failed("disk_io")).map(|it| &it.disk.io_stats);
            rows.figure(io.map(|it| ratio(it.io_utilization_percent)));
        },
    )
    .otel(Otel::gauge("infini.guest.disk.utilization", "1")),
    counter(
        "infini_guest_disk_read_bytes_total",
        "bytes",
        "Bytes read since boot; the device is `all` where the agent tells their sum only",
        "data.system.disk.devices[].read_bytes, .io_stats.readBytes",
        DEVICE,
        |view, rows| devices(view, rows, |it| it.read_bytes, |it| it.read_bytes),
    )
    .otel(Otel::counter("system.disk.io", "By").with(OF_DEVICE).fixed(&[("disk.io.direction", "read")])),
    counter(
        "infini_guest_disk_written_bytes_total",
        "bytes",
        "Bytes written since boot; the device is `all` where the agent tells their sum only",
        "data.system.disk.devices[].write_bytes, .io_stats.writeBytes",
        DEVICE,
        |view, rows| devices(view, rows, |it| it.write_bytes, |it| it.write_bytes),
    )
    .otel(Otel::counter("system.disk.io", "By").with(OF_DEVICE).fixed(&[("disk.io.direction", "write")])),
    counter(
        "infini_guest_disk_reads_total",
        "",
        "Reads that ended since boot",
        "data.system.disk.devices[].reads",
        DEVICE,
        |view, rows| each_device(view, rows, "device", |it| Value::Count(it.reads)),
    )
    .otel(Otel::counter("system.disk.operations", "{operation}").with(OF_DEVICE).fixed(&[("disk.io.direction", "read")])),
    counter(
        "infini_guest_disk_writes_total",
        "",
        "Writes that ended since boot",
        "data.system.disk.devices[].writes",
        DEVICE,
        |view, rows| each_device(view, rows, "device", |it| Value::Count(it.writes)),
    )
    .otel(Otel::counter("system.disk.operations", "{operation}").with(OF_DEVICE).fixed(&[("disk.io.direction", "write")])),
    counter(
        "infini_guest_disk_busy_seconds_total",
        "seconds",
        "Time since boot in which the device had work",
        "data.system.disk.devices[].busy_ms",
        DEVICE,
        |view, rows| each_device(view, rows, "device", |it| Value::Figure(millis(it.busy_ms))),
    )
    .otel(Otel::counter("system.disk.io_time", "s").with(OF_DEVICE)),
];

fn file_systems(view: &View<'_>, rows: &mut dyn Rows, of: impl Fn(&DiskUsage) -> Option<f64>) {
    for it in &view.file_systems {
        let labels = [("mountpoint", &*it.mount_point), ("device", &it.device), ("fstype", &it.filesystem)];
        if let Some(figure) = of(it) {
            rows.row(&labels, Value::Figure(figure));
        }
    }
}

/// Each device, with its name under this label.
pub(super) fn each_device(
    view: &View<'_>,
    rows: &mut dyn Rows,
    label: &'static str,
    of: impl Fn(&DiskDevice) -> Value,
) {
    for it in &view.devices {
        rows.row(&[(label, &it.name)], of(it));
    }
}

fn devices(
    view: &View<'_>,
    rows: &mut dyn Rows,
    of: impl Fn(&DiskDevice) -> u64,
    sum: impl Fn(&DiskIo) -> u64,
) {
    each_device(view, rows, "device", |it| Value::Count(of(it)));
    if let (true, Some(system)) = (view.devices.is_empty(), system(view)) {
        rows.row(&[("device", SUM)], Value::Count(sum(&system.disk.io_stats)));
    }
}
