//! Network interfaces.

use super::{GuestMetric, Otel, counter, gauge};
use crate::exposition::view::View;
use crate::exposition::{Rows, Value};
use infiniservice_protocol::metrics::Interface;

const DEVICE: &[&str] = &["device"];

const INTERFACE: &[(&str, &str)] = &[("device", "network.interface.name")];

pub(super) const NETWORK: &[GuestMetric] = &[
    gauge(
        "infini_guest_network_up",
        "",
        "1 where the interface is up and has a carrier",
        "data.system.network.interfaces[].is_up",
        DEVICE,
        |view, rows| each_interface(view, rows, "device", |it| it.is_up.into()),
    )
    .otel(Otel::gauge("infini.guest.network.up", "1").with(INTERFACE)),
    counter(
        "infini_guest_network_receive_bytes_total",
        "bytes",
        "Bytes received since boot",
        "data.system.network.interfaces[].bytes_received",
        DEVICE,
        |view, rows| each_interface(view, rows, "device", |it| it.bytes_received),
    )
    .otel(
        Otel::counter("system.network.io", "By")
            .with(INTERFACE)
            .fixed(&[("network.io.direction", "receive")]),
    ),
    counter(
        "infini_guest_network_transmit_bytes_total",
        "bytes",
        "Bytes sent since boot",
        "data.system.network.interfaces[].bytes_sent",
        DEVICE,
        |view, rows| each_interface(view, rows, "device", |it| it.bytes_sent),
    )
    .otel(
        Otel::counter("system.network.io", "By")
            .with(INTERFACE)
            .fixed(&[("network.io.direction", "transmit")]),
    ),
    counter(
        "infini_guest_network_receive_packets_total",
        "",
        "Packets received since boot",
        "data.system.network.interfaces[].packets_received",
        DEVICE,
        |view, rows| each_interface(view, rows, "device", |it| it.packets_received),
    )
    .otel(
        Otel::counter("system.network.packet.count", "{packet}")
            .with(INTERFACE)
            .fixed(&[("network.io.direction", "receive")]),
    ),
    counter(
        "infini_guest_network_transmit_packets_total",
        "",
        "Packets sent since boot",
        "data.system.network.interfaces[].packets_sent",
        DEVICE,
        |view, rows| each_interface(view, rows, "device", |it| it.packets_sent),
    )
    .otel(
        Otel::counter("system.network.packet.count", "{packet}")
            .with(INTERFACE)
            .fixed(&[("network.io.direction", "transmit")]),
    ),
    counter(
        "infini_guest_network_receive_errs_total",
        "",
        "Packets that came with an error",
        "data.system.network.interfaces[].errors_in",
        DEVICE,
        |view, rows| each_interface(view, rows, "device", |it| it.errors_in),
    )
    .otel(
        Otel::counter("system.network.errors", "{error}")
            .with(INTERFACE)
            .fixed(&[("network.io.direction", "receive")]),
    ),
    counter(
        "infini_guest_network_transmit_errs_total",
        "",
        "Packets that could not be sent for an error",
        "data.system.network.interfaces[].errors_out",
        DEVICE,
        |view, rows| each_interface(view, rows, "device", |it| it.errors_out),
    )
    .otel(
        Otel::counter("system.network.errors", "{error}")
            .with(INTERFACE)
            .fixed(&[("network.io.direction", "transmit")]),
    ),
    counter(
        "infini_guest_network_receive_drop_total",
        "",
        "Packets that came and were dropped",
        "data.system.network.interfaces[].drops_in",
        DEVICE,
        |view, rows| each_interface(view, rows, "device", |it| it.drops_in),
    )
    .otel(
        Otel::counter("system.network.packet.dropped", "{packet}")
            .with(INTERFACE)
            .fixed(&[("network.io.direction", "receive")]),
    ),
    counter(
        "infini_guest_network_transmit_drop_total",
        "",
        "Packets that were dropped instead of sent",
        "data.system.network.interfaces[].drops_out",
        DEVICE,
        |view, rows| each_interface(view, rows, "device", |it| it.drops_out),
    )
    .otel(
        Otel::counter("system.network.packet.dropped", "{packet}")
            .with(INTERFACE)
            .fixed(&[("network.io.direction", "transmit")]),
    ),
    gauge(
        "infini_guest_network_mtu_bytes",
        "bytes",
        "Longest packet that the interface sends",
        "data.system.network.interfaces[].mtu",
        DEVICE,
        |view, rows| each_interface(view, rows, "device", |it| it.mtu.into()),
    )
    .otel(Otel::gauge("infini.guest.network.mtu", "By").with(INTERFACE)),
];

/// Each interface, with its name under this label.
pub(super) fn each_interface(
    view: &View<'_>,
    rows: &mut dyn Rows,
    label: &'static str,
    of: impl Fn(&Interface) -> u64,
) {
    for it in &view.interfaces {
        rows.row(&[(label, &it.name)], Value::Count(of(it)));
    }
}
