//! The daemon on Linux: one thread reads all guests and serves all clients.

mod audit_log;
mod board;
mod clock;
mod command;
mod diagnose;
mod guest;
mod http;
mod hub;
mod inbox;
mod job_turns;
mod jobs;
mod ledger;
mod listen;
mod otlp;
mod outbox;
mod own;
mod peer;
mod permit;
mod secret;
mod served;
mod sources;
mod tls;
mod trail;
mod wire;

pub(crate) use diagnose::diagnose;

use crate::config::Config;
use anyhow::Result;
use hub::Hub;
use infiniservice_protocol::timestamp::rfc3339_millis;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use sd_notify::NotifyState;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::LocalSet;

/// How often states and deadlines are looked at.
const TICK: Duration = Duration::from_secs(1);

/// Runs until it is told to end.
pub(crate) fn run(config: Config) -> Result<ExitCode> {
    let level = config.level().map_err(anyhow::Error::msg)?;
    env_logger::Builder::new().filter_level(level).parse_default_env().format(line).init();
    raise_descriptors();
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(4).build()?;
    LocalSet::new().block_on(&runtime, serve(config))?;
    Ok(ExitCode::SUCCESS)
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

async fn serve(config: Config) -> Result<()> {
    let patterns = config.patterns().map_err(anyhow::Error::msg)?;
    let listen_address = config.listen_address().map_err(anyhow::Error::msg)?;
    let tls_address = config.tcp_address().map_err(anyhow::Error::msg)?;
    let policy = config.policy().map_err(anyhow::Error::msg)?;
    let hub = Rc::new(Hub::new(config, policy));
    let exporter = otlp::start(&hub)?;
    let wire = listen::unix(&hub.config.wire_socket, &hub.config.group)?;
    let api = listen::unix(&hub.config.api_socket, &hub.config.group)?;
    let tcp = listen::tcp(listen_address, "listen").await?;
    let certificates = hub.config.tcp.clone().map(tls::Certificates::open);
    let certificates = certificates.transpose().map_err(anyhow::Error::msg)?;
    let certified = listen::tcp(tls_address, "tcp.listen").await?.zip(certificates);
    let tasks = [
        tokio::task::spawn_local(wire::serve(Rc::clone(&hub), wire)),
        tokio::task::spawn_local(http::serve_unix(Rc::clone(&hub), api)),
        tokio::task::spawn_local(http::serve_tcp(Rc::clone(&hub), tcp)),
        tokio::task::spawn_local(tls::serve(Rc::clone(&hub), certified)),
        tokio::task::spawn_local(sources::watch(Rc::clone(&hub), patterns)),
        tokio::task::spawn_local(tick(Rc::clone(&hub))),
        tokio::task::spawn_local(job_turns::follow(Rc::clone(&hub))),
    ];
    tell_systemd(&[NotifyState::Ready]);
    log::info!("infinihub {} serves {}", env!("CARGO_PKG_VERSION"), hub.config.api_socket.display());
    until_told_to_end().await?;
    tell_systemd(&[NotifyState::Stopping]);
    log::info!("ending");
    for task in tasks {
        task.abort();
    }
    if let Some(exporter) = exporter {
        exporter.end().await;
    }
    for path in [&hub.config.wire_socket, &hub.config.api_socket] {
        // Who starts next removes it where this fails.
        let _gone_or_not = std::fs::remove_file(path);
    }
    Ok(())
}

fn tell_systemd(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        log::debug!("cannot notify systemd: {error}");
    }
}

async fn tick(hub: Rc<Hub>) {
    let mut interval = tokio::time::interval(TICK);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        hub.tick();
        tell_systemd(&[NotifyState::Watchdog]);
    }
}

async fn until_told_to_end() -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => {}
        ended = tokio::signal::ctrl_c() => ended?,
    }
    Ok(())
}
