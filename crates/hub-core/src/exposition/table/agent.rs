//! The connection and the agent: also what is told of a machine whose agent is silent.

use super::{GuestMetric, Otel, always, boot_time, clock_offset, counter, gauge, millis, system};
use crate::counts::LineType;
use crate::exposition::Value;
use crate::exposition::label::clean;
use crate::exposition::view::{MAX_TROUBLES, View, different, first};
use crate::session::State;

pub(super) const AGENT: &[GuestMetric] = &[
    always(gauge(
        "infini_vm_up",
        "",
        "1 while the agent speaks, 0 while its socket is there and it does not",
        "the connection",
        &[],
        |view, rows| rows.count(Some(u64::from(view.state() == State::Up))),
    )
    .otel(Otel::gauge("infini.agent.up", "1"))),
    always(gauge(
        "infini_vm_info",
        "",
        "1, with what the machine told of itself in its labels; the last that is known",
        "data.system.host, hello.platform",
        &["os_name", "os_version", "kernel", "agent_version", "platform"],
        info,
    )),
    always(gauge(
        "infini_agent_last_line_age_seconds",
        "seconds",
        "Time since the guest's last byte; absent where it never spoke",
        "the connection",
        &[],
        |view, rows| {
            let heard = view.machine.session().heard();
            rows.figure(heard.map(|it| view.now.mono.saturating_sub(it).as_secs_f64()));
        },
    )
    .otel(Otel::gauge("infini.agent.last_line.age", "s"))),
    always(counter(
        "infini_agent_lines_total",
        "",
        "Lines that came from the guest",
        "the connection",
        &[],
        |view, rows| rows.count(Some(view.machine.counts().all_lines())),
    )
    .otel(Otel::counter("infini.agent.lines", "{line}"))),
    always(counter(
        "infini_agent_malformed_lines_total",
        "",
        "Lines of the guest that could not be read",
        "the connection",
        &[],
        |view, rows| rows.count(Some(view.machine.counts().lines(LineType::Malformed))),
    )
    .otel(Otel::counter("infini.agent.lines.malformed", "{line}"))),
    gauge(
        "infini_agent_round_trip_seconds",
        "seconds",
        "Time of the last ping there and back",
        "keep_alive",
        &[],
        |view, rows| rows.figure(view.machine.round_trip().map(|it| it.as_secs_f64())),
    )
    .otel(Otel::gauge("infini.agent.round_trip", "s")),
    gauge(
        "infini_guest_clock_offset_seconds",
        "seconds",
        "By how much the guest's clock was ahead of the host's when its last figures came",
        "timestamp",
        &[],
        |view, rows| rows.figure(clock_offset(view)),
    )
    .otel(Otel::gauge("infini.guest.clock.offset", "s")),
    gauge(
        "infini_guest_boot_time_seconds",
        "seconds",
        "When the guest booted, in seconds since 1970",
        "data.system.host.boot_time",
        &[],
        |view, rows| rows.figure(boot_time(view)),
    )
    .otel(Otel::gauge("system.uptime", "s"))
    .otel_by(|view, rows| rows.count(system(view).map(|it| it.uptime_seconds).filter(|it| *it > 0))),
    gauge(
        "infini_agent_collection_seconds",
        "seconds",
        "Wall time of the agent's last collection",
        "collection.duration_ms",
        &[],
        |view, rows| {
            rows.figure(view.sample.map(|it| millis(it.collection.duration_ms)));
        },
    )
    .otel(Otel::gauge("infini.agent.collection.duration", "s")),
    gauge(
        "infini_agent_collector_failed",
        "",
        "1 for each collector that gave nothing; absent for those that did, and while a rate waits for its second sample",
        "collection.failed",
        &["collector"],
        |view, rows| {
            let failed = view.sample.iter().flat_map(|it| &it.collection.failed);
            let failed = failed.filter(|it| it.error != "warming_up").map(|it| it.collector.as_str());
            for name in different(failed, MAX_TROUBLES) {
                rows.row(&[("collector", &name)], Value::Count(1));
            }
        },
    )
    .otel(Otel::gauge("infini.agent.collector.failed", "1").with(&[("collector", "infini.collector")])),
    gauge(
        "infini_agent_list_truncated",
        "",
        "True length of a list that the agent cut; absent for those that it sent whole",
        "collection.truncated",
        &["list"],
        |view, rows| {
            let Some(sample) = view.sample else { return };
            let truncated = &sample.collection.truncated;
            let (lists, _) = first(truncated.iter(), MAX_TROUBLES, |(name, _)| clean(name), &mut 0);
            for (name, length) in lists {
                rows.row(&[("list", name)], Value::Count((*length).into()));
            }
        },
    )
    .otel(Otel::gauge("infini.agent.list.length", "{item}").with(&[("list", "infini.list")])),
];

fn info(view: &View<'_>, rows: &mut dyn super::Rows) {
    let host = view.machine.sample().map(|sample| &sample.system.host);
    let hello = view.machine.hello();
    let told = view.machine.sample().map(|sample| sample.agent_version.as_str());
    let version = hello.map(|hello| hello.agent_version.as_str()).or(told);
    let Some(version) = version else { return };
    let labels = [
        ("os_name", host.map_or("", |host| &host.os_name)),
        ("os_version", host.map_or("", |host| &host.os_version)),
        ("kernel", host.map_or("", |host| &host.kernel_version)),
        ("agent_version", version),
        ("platform", hello.map_or("", |hello| &hello.platform)),
    ];
    rows.row(&labels, Value::Count(1));
}
