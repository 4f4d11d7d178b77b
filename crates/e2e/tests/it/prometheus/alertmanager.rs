//! An alert on its whole way: a guest of the real hub, a scrape of the real Prometheus, a rule as it is packaged, the real
//! Alertmanager, and the webhook that it calls.

use super::installed;
use super::program::Prometheus;
use crate::hub_host::HubHost;
use anyhow::{Context, Result, ensure};
use infiniservice_e2e::Running;
use infiniservice_e2e::running::free_address;
use infiniservice_hub_sim::Fault;
use serde_json::Value;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long anything may take: Prometheus sends alerts as they come, Alertmanager at once.
const PATIENCE: Duration = Duration::from_secs(90);
/// Longest document of a webhook that is read.
const MAX_DOCUMENT_BYTES: u64 = 1 << 20;

struct Alertmanager {
    _program: Running,
    address: SocketAddr,
    _data: TempDir,
}

impl Alertmanager {
    /// Starts one that tells this webhook of every alert; `None` where it is not installed.
    fn start(webhook: SocketAddr) -> Result<Option<Self>> {
        let Some(program) = installed("prometheus-alertmanager") else { return Ok(None) };
        let data = tempfile::tempdir()?;
        let config = data.path().join("alertmanager.yml");
        let text = format!(
            "route: {{ receiver: test, group_by: [alertname, vm], group_wait: 0s, group_interval: 1s }}\n\
             receivers: [{{ name: test, webhook_configs: [{{ url: \"http://{webhook}/\", send_resolved: false }}] }}]\n"
        );
        fs::write(&config, text)?;
        let address = free_address()?;
        let child = Command::new(program)
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.path={}", data.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .args(["--cluster.listen-address=", "--log.level=error"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .context("prometheus-alertmanager cannot be started")?;
        Ok(Some(Self { _program: Running(child), address, _data: data }))
    }
}

/// Takes what is posted, until nobody listens to it.
fn webhook() -> Result<(SocketAddr, Receiver<Value>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let (sender, posted) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let sender = sender.clone();
            std::thread::spawn(move || serve(stream, &sender));
        }
    });
    Ok((address, posted))
}

fn serve(mut stream: TcpStream, posted: &Sender<Value>) -> Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let line = line.trim().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            length =
                line.strip_prefix("content-length:").map_or(Ok(length), |length| length.trim().parse())?;
        }
        let mut body = Vec::new();
        reader.by_ref().take(u64::min(length, MAX_DOCUMENT_BYTES)).read_to_end(&mut body)?;
        posted.send(serde_json::from_slice(&body)?)?;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")?;
    }
}

/// Waits for this alert of this machine among what is posted.
fn alert(posted: &Receiver<Value>, name: &str, vm: &str) -> Result<Value> {
    let until = Instant::now() + PATIENCE;
    loop {
        let document = posted.recv_timeout(until.saturating_duration_since(Instant::now()));
        let document = document.with_context(|| format!("no {name} of {vm} came"))?;
        let alerts = document["alerts"].as_array().context("alerts")?;
        let is_it = |alert: &&Value| alert["labels"]["alertname"] == name && alert["labels"]["vm"] == vm;
        if let Some(alert) = alerts.iter().find(is_it) {
            return Ok(alert.clone());
        }
    }
}

#[test]
fn an_alert_goes_from_a_guest_by_prometheus_and_alertmanager_to_a_webhook() -> Result<()> {
    let (webhook, posted) = webhook()?;
    let Some(alertmanager) = Alertmanager::start(webhook)? else { return Ok(()) };
    let host =
        HubHost::start(&[("well", Fault::None), ("noisy", Fault::Noise), ("hostile", Fault::Hostile)])?;
    let prometheus = Prometheus::with_alertmanager(host.address, &[], Some(alertmanager.address))?;
    if prometheus.is_none() {
        return Ok(());
    }
    // This rule is word for word the packaged one: it has no `for:` that could be shortened.
    let noise = alert(&posted, "GuestSendsNoise", "noisy")?;
    ensure!(noise["annotations"]["summary"] == "noisy sends lines that are no messages", "{noise}");
    ensure!(noise["status"] == "firing", "{noise}");
    Ok(())
}

#[test]
fn what_a_hostile_guest_calls_its_services_is_text_in_an_alert_and_no_more() -> Result<()> {
    let (webhook, posted) = webhook()?;
    let Some(alertmanager) = Alertmanager::start(webhook)? else { return Ok(()) };
    let host = HubHost::start(&[("hostile", Fault::Hostile)])?;
    let prometheus = Prometheus::with_alertmanager(host.address, &[], Some(alertmanager.address))?;
    if prometheus.is_none() {
        return Ok(());
    }
    // Five minutes are what `for:` of this rule has; the tests' copy has none.
    let failed = alert(&posted, "ServiceFailed", "hostile")?;
    let labels = failed["labels"].as_object().context("labels")?;
    let names: Vec<_> = labels.keys().map(String::as_str).collect();
    ensure!(names == ["alertname", "instance", "job", "service", "severity", "vm"], "{failed}");
    ensure!(labels["severity"] == "warning" && labels["job"] == "infinihub", "{failed}");
    let service = labels["service"].as_str().context("a service")?;
    // A newline is a label's to have; Prometheus writes it as two characters.
    ensure!(!service.contains(|c: char| c.is_control() && c != '\n'), "{failed}");
    ensure!(failed["annotations"]["summary"] == format!("{service} has failed in hostile"), "{failed}");
    Ok(())
}
