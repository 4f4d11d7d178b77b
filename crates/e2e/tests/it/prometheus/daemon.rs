//! The real Prometheus scrapes the real `infinihub`, with guests that are well and guests that are not.

use super::program::Prometheus;
use anyhow::{Context, Result, ensure};
use infiniservice_e2e::binary::tested;
use infiniservice_hub_sim::{Fault, Guest, Options};
use std::collections::BTreeSet;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::net::UnixListener;
use tokio::runtime::Runtime;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);
const GUESTS: [(&str, Fault); 5] = [
    ("web", Fault::None),
    ("hostile", Fault::Hostile),
    ("noisy", Fault::Noise),
    ("torn", Fault::Torn),
    ("mute", Fault::Mute),
];

/// A hub with its guests; all of it ends with this.
struct Host {
    hub: Child,
    address: SocketAddr,
    _guests: Runtime,
    _directory: TempDir,
}

impl Drop for Host {
    fn drop(&mut self) {
        let _gone_already = self.hub.kill();
        let _ended = self.hub.wait();
    }
}

fn host() -> Result<Host> {
    let directory = tempfile::tempdir()?;
    let guests = guests(directory.path())?;
    // A port that was free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let root = directory.path().display();
    let config = format!(
        "sources = [\"{root}/{{vm}}.guest\"]\napi_socket = \"{root}/api.sock\"\nwire_socket = \"{root}/wire.sock\"\n\
         secrets_dir = \"{root}/secrets\"\nlisten = \"{address}\"\n"
    );
    let path = directory.path().join("config.toml");
    fs::write(&path, config)?;
    let hub = Command::new(tested("infinihub")?)
        .arg("--config")
        .arg(&path)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("infinihub cannot be started")?;
    Ok(Host { hub, address, _guests: guests, _directory: directory })
}

fn guests(directory: &Path) -> Result<Runtime> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let entered = runtime.enter();
    for (name, fault) in GUESTS {
        let listener = UnixListener::bind(directory.join(format!("{name}.guest")))?;
        let options = Options { interval: Duration::from_millis(100), fault, ..Options::default() };
        runtime.spawn(Guest::new(name, options).serve_on(listener));
    }
    drop(entered);
    Ok(runtime)
}

/// Asks until there is an answer; a program that begins, or has not scraped yet, has none.
fn until_answered(prometheus: &Prometheus, question: &str) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = prometheus.query(question);
        if answer.as_ref().is_ok_and(|series| !series.is_empty()) {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "{question}: {answer:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn the_hub_is_scraped_whatever_its_guests_say() -> Result<()> {
    let host = host()?;
    let Some(prometheus) = Prometheus::start(host.address, &["web", "mute"])? else { return Ok(()) };
    for question in [
        r#"up{job="infinihub"} == 1"#,
        r#"up{job="node", instance="web"} == 1"#,
        r#"up{job="node", instance="mute"} == 0"#,
        r#"infini_vm_up{vm="web"} == 1"#,
        r#"infini_vm_up{vm="mute"} == 0"#,
        r#"infini_guest_memory_total_bytes{vm="hostile"} > 0"#,
        r#"infini_agent_malformed_lines_total{vm="noisy"} > 0"#,
        r#"infini_agent_malformed_lines_total{vm="torn"} > 0"#,
        r#"rate(infini_hub_lines_total{type="system_metrics"}[1m]) > 0"#,
        r#"node_memory_MemTotal_bytes{instance="web"} > 0"#,
    ] {
        until_answered(&prometheus, question)?;
    }
    let machines =
        prometheus.query(r#"count by (vm) ({__name__=~"infini_vm_.*|infini_guest_.*|infini_agent_.*"})"#)?;
    let named: BTreeSet<_> = machines.iter().filter_map(|it| it["metric"]["vm"].as_str()).collect();
    ensure!(named == GUESTS.map(|(name, _)| name).into(), "a guest made up a machine: {named:?}");
    Ok(())
}
