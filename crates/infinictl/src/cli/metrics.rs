//! `infinictl metrics` and `infinictl watch`: the guest's figures once, live, or as a stream for programs.

use super::error::CliError;
use super::follow;
use super::global::{Global, interval};
use super::hub;
use super::output::{Columns, Output, facts, number, state, text};
use super::process;
use super::session::{Session, wrong_answer};
use super::terminal::while_waiting;
use crate::client::Event;
use crate::text::units;
use crate::watch::{self, Options, Theme};
use infiniservice_protocol::HostMessage;
use infiniservice_protocol::guest::GuestMessage;
use infiniservice_protocol::metrics::{CpuSeconds, DiskUsage, Interface, Pressure, System, SystemMetrics};
use std::io::{IsTerminal, stdout};
use std::sync::Arc;
use std::time::Duration;

/// Processes that are shown; `process list` shows them all.
const SHOWN_PROCESSES: usize = 10;

/// What the collectors of rates say of a first sample.
const WARMING_UP: &str = "warming_up";
/// From the first sample to the second one, which has rates.
const APART: Duration = Duration::from_secs(1);

/// Once, or again and again.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// Print these figures as the guest sends them, until Ctrl-C: names such as system.cpu,system,processes
    #[arg(long, value_name = "FIELDS", num_args = 0..=1, default_missing_value = follow::USUAL)]
    follow: Option<String>,
    /// Time between two samples, such as 250ms or 2s
    #[arg(long, short, default_value = "1s", value_name = "TIME", value_parser = interval, requires = "follow")]
    interval: Duration,
}

/// Runs it. An agent that has just started has no rates yet, so it is asked once more.
pub(super) async fn run(session: &Session, args: &Args) -> Result<(), CliError> {
    if let Some(fields) = &args.follow {
        return follow::run(session, fields, args.interval).await;
    }
    let mut event = while_waiting("waiting for the guest", ask(session)).await?;
    if event.message().is_some_and(is_warming_up) {
        let second = async {
            tokio::time::sleep(APART).await;
            ask(session).await
        };
        event = while_waiting("taking a second sample", second).await?;
    }
    session.show(&event, |answer, out| match answer {
        GuestMessage::SystemMetrics(metrics) => Ok(show(metrics, out)),
        _ => Err(wrong_answer("Metrics")),
    })
}

async fn ask(session: &Session) -> Result<Arc<Event>, CliError> {
    let message = HostMessage::Metrics { id: Some(session.client.new_id()) };
    Ok(session.client.call(&message, session.wait()).await?)
}

fn is_warming_up(message: &GuestMessage) -> bool {
    let GuestMessage::SystemMetrics(metrics) = message else { return false };
    metrics.collection.failed.iter().any(|failure| failure.error == WARMING_UP)
}

fn show(metrics: &SystemMetrics, out: Output) -> String {
    let system = &metrics.data.system;
    let busiest: Vec<_> = metrics.data.processes.iter().take(SHOWN_PROCESSES).cloned().collect();
    let mut parts = vec![
        overview(metrics),
        disks(&system.disk.usage_stats, out),
        interfaces(&system.network.interfaces, out),
        process::table(&busiest, out),
    ];
    parts.extend(notes(metrics));
    parts.join("\n\n")
}

fn overview(metrics: &SystemMetrics) -> String {
    let system = &metrics.data.system;
    let host = &system.host;
    let mut overview = vec![
        ("Host", format!("{} ({} {})", host.hostname, host.os_name, host.os_version)),
        ("Kernel", format!("{} {}", host.kernel_version, host.architecture)),
        ("Up", units::age(system.uptime_seconds)),
        ("Processor", processor(system)),
        ("Memory", used(system.memory.used_kb, system.memory.total_kb)),
        ("Swap", used(system.memory.swap_used_kb, system.memory.swap_total_kb)),
    ];
    overview.extend(system.pressure.as_ref().map(|pressure| ("Waiting", waiting(pressure))));
    let collected = metrics.collection.duration_ms;
    overview.push(("Agent", format!("{}, collected in {collected} ms", metrics.agent_version)));
    facts(&overview)
}

/// The last minute's shares of the time.
fn waiting(pressure: &Pressure) -> String {
    let resources = [("processor", &pressure.cpu), ("memory", &pressure.memory), ("disks", &pressure.io)];
    let known = resources.into_iter().filter_map(|(name, stalls)| Some((name, stalls.as_ref()?)));
    let told = known.map(|(name, stalls)| format!("{} % for {name}", units::percent(stalls.some.avg60)));
    told.collect::<Vec<_>>().join(", ")
}

fn processor(system: &System) -> String {
    let load = system.load_average.as_ref().map_or(String::new(), |load| {
        format!(", load {:.2} {:.2} {:.2}", load.load_1min, load.load_5min, load.load_15min)
    });
    let stolen = system.cpu.seconds.as_ref().and_then(stolen).unwrap_or_default();
    let heat = system.cpu.temperature.map_or(String::new(), |degrees| format!(", {degrees:.0} °C"));
    format!(
        "{} % of {} cores{load}{stolen}{heat}",
        units::percent(system.cpu.usage_percent),
        system.cpu.cores_usage.len()
    )
}

/// The hypervisor's share of the time in which programs wanted to run, where it took any.
fn stolen(seconds: &CpuSeconds) -> Option<String> {
    let steal = seconds.steal.filter(|steal| *steal > 0.0)?;
    let CpuSeconds { user, nice, system, irq, softirq, .. } = seconds;
    let wanted = user + nice.unwrap_or_default() + system + irq + softirq + steal;
    Some(format!(", {} % stolen since boot", units::percent(units::share(steal, wanted))))
}

fn used(used: u64, total: u64) -> String {
    if total == 0 {
        return "none".into();
    }
    let share = units::percent(units::share(used as f64, total as f64));
    format!("{} of {} ({share} %)", units::kib(used), units::kib(total))
}

fn disks(disks: &[DiskUsage], out: Output) -> String {
    let mut table = Columns::new(out, &["mounted on", "device", "type", "size", "used", "free", "use %"]);
    for disk in disks {
        table.row([
            text(&disk.mount_point),
            text(&disk.device),
            text(&disk.filesystem),
            number(units::gb(disk.total_gb)),
            number(units::gb(disk.used_gb)),
            number(units::gb(disk.available_gb)),
            number(units::percent(units::share(disk.used_gb, disk.used_gb + disk.available_gb))),
        ]);
    }
    table.finish()
}

fn interfaces(interfaces: &[Interface], out: Output) -> String {
    let mut table = Columns::new(out, &["interface", "state", "addresses", "mac", "received", "sent"]);
    for interface in interfaces {
        table.row([
            text(&interface.name),
            state(if interface.is_up { "up" } else { "down" }),
            text(&interface.ip_addresses.join(" ")),
            text(&interface.mac_address),
            number(units::bytes(interface.bytes_received)),
            number(units::bytes(interface.bytes_sent)),
        ]);
    }
    table.finish()
}

/// What is missing, and why.
fn notes(metrics: &SystemMetrics) -> Option<String> {
    let failed = metrics.collection.failed.iter();
    let failed = failed.map(|failure| format!("not measured: {} ({})", failure.collector, failure.error));
    let cut = metrics.collection.truncated.iter();
    let cut = cut.map(|(list, total)| format!("the guest truncated its list of {list}: there are {total}"));
    let notes: Vec<_> = failed.chain(cut).map(|note| crate::text::sanitize::line(&note)).collect();
    (!notes.is_empty()).then(|| notes.join("\n"))
}

/// How often.
#[derive(clap::Args, Debug)]
pub(super) struct WatchArgs {
    /// Time between two updates of the view, such as 500ms or 2s; a number alone means seconds
    #[arg(long, short, default_value = "2", value_name = "TIME", value_parser = interval)]
    pub(super) interval: Duration,
    #[command(flatten)]
    pub(super) table: hub::WatchArgs,
}

/// Shows the guest until `q`, or prints its metrics, a document each time.
pub(super) async fn live(session: Session, global: &Global, args: &WatchArgs) -> Result<(), CliError> {
    if session.out.json {
        return stream(&session, args.interval).await;
    }
    if !stdout().is_terminal() {
        session.close().await;
        return Err(CliError::Usage("watch draws on a terminal; use --json for a stream of metrics".into()));
    }
    let options = Options { interval: args.interval, theme: Theme { colour: session.out.colour } };
    watch::run(session.client, || global.connect_again(), !global.local, options)
        .await
        .map_err(CliError::from)
}

async fn stream(session: &Session, interval: Duration) -> Result<(), CliError> {
    loop {
        let next = tokio::time::Instant::now() + interval;
        let event = session.client.metrics_event(session.wait()).await?;
        session.out.document(&event.raw)?;
        tokio::time::sleep_until(next).await;
    }
}
