//! The daemon on Linux: one thread reads all guests and serves all clients.

mod audit_log;
mod board;
mod claim;
mod clock;
mod command;
mod connection;
mod connects;
mod diagnose;
#[cfg(feature = "nats")]
mod exporter;
#[cfg(not(feature = "nats"))]
#[path = "no_exporter.rs"]
mod exporter;
#[cfg(feature = "nats")]
mod fleet;
#[cfg(not(feature = "nats"))]
#[path = "no_fleet.rs"]
mod fleet;
mod guest;
mod guests;
mod handover;
mod holder;
mod http;
mod hub;
mod inbox;
mod job_turns;
mod jobs;
mod ledger;
mod listen;
mod otlp;
mod outbox;
mod outgoing;
mod own;
mod peer;
mod permit;
mod qemu;
mod reload;
mod scan;
mod seat;
mod secret;
mod served;
mod settings;
mod sources;
mod store;
mod systemd;
mod tls;
mod trail;
mod unix_diag;
mod wire;

pub(crate) use diagnose::diagnose;
pub(crate) use exporter::{diagnose as diagnose_exporter, run as export};

use crate::config::Config;
use anyhow::Result;
use hub::Hub;
use infiniservice_protocol::timestamp::rfc3339_millis;
use log::LevelFilter;
use permit::Permits;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use sd_notify::NotifyState;
use settings::Settings;
use std::path::PathBuf;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;
use store::Store;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::LocalSet;

/// How often states and deadlines are looked at.
const TICK: Duration = Duration::from_secs(1);

/// How long systemd may take to read what is left for the next hub.
const LEAVE_WITHIN: Duration = Duration::from_secs(5);

/// Runs until it is told to end. `file` is where the settings were read.
pub(crate) fn run(config: Config, file: Option<PathBuf>) -> Result<ExitCode> {
    start_log(&config)?;
    let store = Store::from_environment();
    raise_descriptors();
    LocalSet::new().block_on(&runtime()?, serve(Settings::new(config, file), store))?;
    Ok(ExitCode::SUCCESS)
}

/// One thread, and few beside it for what blocks.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(4).build()
}

fn start_log(config: &Config) -> Result<()> {
    let level = config.level().map_err(anyhow::Error::msg)?;
    // Without `RUST_LOG` only the greatest level bounds what is told: a reload changes it.
    let base = if settings::has_own_filter() { level } else { LevelFilter::Trace };
    env_logger::Builder::new().filter_level(base).parse_default_env().format(line).init();
    settings::set_level(config);
    Ok(())
}

/// A machine takes a descriptor, and so does a client: as many as this process may have.
fn raise_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }) {
        log::warn!("cannot have more than {:?} descriptors: {error}", limit.current);
    }
}

/// A priority for the journal where that reads it (sd-daemon(3)); time and level for people.
fn line(out: &mut env_logger::fmt::Formatter, record: &log::Record<'_>) -> std::io::Result<()> {
    use std::io::Write as _;
    let text = record.args().to_string().replace(char::is_control, " ");
    if std::env::var_os("JOURNAL_STREAM").is_some() {
        let priority = match record.level() {
            log::Level::Error => 3,
            log::Level::Warn => 4,
            log::Level::Info => 6,
            log::Level::Debug | log::Level::Trace => 7,
        };
        return writeln!(out, "<{priority}>{text}");
    }
    let time = rfc3339_millis(std::time::SystemTime::now());
    writeln!(out, "{time} {:5} {text}", record.level())
}

async fn serve(settings: Settings, store: Store) -> Result<()> {
    let config = settings.now();
    let listen_address = config.listen_address().map_err(anyhow::Error::msg)?;
    let tls_address = config.tcp_address().map_err(anyhow::Error::msg)?;
    let policy = config.policy().map_err(anyhow::Error::msg)?;
    let keys = config.keys().map_err(anyhow::Error::msg)?;
    let tags = config.assigned_tags().map_err(anyhow::Error::msg)?;
    let hub = Rc::new(Hub::new(settings, store, Permits::new(policy, keys)));
    hub.assign(tags);
    let exporter = otlp::start(&hub)?;
    let wire = listen::unix(&config.wire_socket, &config.group)?;
    let api = listen::unix(&config.api_socket, &config.group)?;
    let tcp = listen::tcp(listen_address, "listen").await?;
    let certificates = config.tcp.clone().map(tls::Certificates::open);
    let certificates = certificates.transpose().map_err(anyhow::Error::msg)?;
    let certified = listen::tcp(tls_address, "tcp.listen").await?.zip(certificates);
    let tasks = [
        // First: a client that comes at once finds the connections that were kept.
        tokio::task::spawn_local(sources::watch(Rc::clone(&hub))),
        tokio::task::spawn_local(wire::serve(Rc::clone(&hub), wire)),
        tokio::task::spawn_local(http::serve_unix(Rc::clone(&hub), api)),
        tokio::task::spawn_local(http::serve_tcp(Rc::clone(&hub), tcp)),
        tokio::task::spawn_local(tls::serve(Rc::clone(&hub), certified)),
        tokio::task::spawn_local(tick(Rc::clone(&hub))),
        tokio::task::spawn_local(job_turns::follow(Rc::clone(&hub))),
        tokio::task::spawn_local(holder::watch(Rc::clone(&hub))),
    ];
    let fleet = fleet::start(&hub)?;
    hub.store.systemd().tell(&[NotifyState::Ready]);
    log::info!("infinihub {} serves {}", env!("CARGO_PKG_VERSION"), config.api_socket.display());
    until_told_to_end(|| drop(reload::reload(&hub))).await?;
    fleet.into_iter().for_each(fleet::Fleet::end);
    if let Some(exporter) = exporter {
        // Guests are read as long as anything is waited for, so their connections are left after this.
        exporter.end().await;
    }
    end(&hub, &config);
    for task in tasks {
        task.abort();
    }
    Ok(())
}

/// Leaves the connections to the next hub. Nothing is read any more: there is nobody to whom this thread could turn.
fn end(hub: &Hub, config: &Config) {
    hub.store.systemd().tell(&[NotifyState::Stopping]);
    match hub.leave() {
        Ok(0) => log::info!("ending"),
        Ok(count) if hub.store.systemd().barrier(LEAVE_WITHIN) => {
            log::info!("ending; {count} connections are left to the next hub");
        }
        Ok(_) => log::warn!("ending; systemd has not taken the connections within {LEAVE_WITHIN:?}"),
        Err(error) => log::warn!("ending; the next hub goes on as after a crash: {error}"),
    }
    for path in [&config.wire_socket, &config.api_socket] {
        // Who starts next removes it where this fails.
        let _gone_or_not = std::fs::remove_file(path);
    }
}

async fn tick(hub: Rc<Hub>) {
    let mut interval = tokio::time::interval(TICK);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        hub.tick();
        hub.store.systemd().tell(&[NotifyState::Watchdog]);
    }
}

/// Waits for a signal to end; what SIGHUP means is the caller's.
async fn until_told_to_end(mut on_sighup: impl FnMut()) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    loop {
        tokio::select! {
            _ = terminate.recv() => return Ok(()),
            ended = tokio::signal::ctrl_c() => return Ok(ended?),
            _ = hang_up.recv() => on_sighup(),
        }
    }
}
