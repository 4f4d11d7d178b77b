//! Others beside it: Debian's Prometheus, which scrapes the hub, and Debian's exporter for libvirt.

use crate::running::Running;
use crate::table::{Table, median};
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const PATIENCE: Duration = Duration::from_secs(120);
/// Domains that libvirt's test driver takes.
const DOMAINS: usize = 512;
/// Scrapes of which the median counts.
const SCRAPES: usize = 5;

/// The body of the answer to `GET`.
pub async fn get(address: SocketAddr, path: &str) -> Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n").as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (_, body) = answer.split_once("\r\n\r\n").context("no answer")?;
    Ok(body.to_owned())
}

fn free() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// A program of Debian's, or `None`, which is told.
fn installed(path: &str) -> Option<&str> {
    let there = Path::new(path).exists();
    if !there {
        eprintln!("left out: {path} is not there");
    }
    there.then_some(path)
}

/// A real one that scrapes the hub each ten seconds.
pub struct Prometheus {
    process: Running,
    address: SocketAddr,
}

impl Prometheus {
    /// Starts it; its data lie in this directory.
    pub fn start(hub: SocketAddr, directory: &Path) -> Result<Option<Self>> {
        let Some(program) = installed("/usr/bin/prometheus") else { return Ok(None) };
        std::fs::create_dir_all(directory)?;
        let config = directory.join("prometheus.yml");
        let text = format!(
            "global: {{ scrape_interval: 10s, scrape_timeout: 10s }}\nscrape_configs:\n  - job_name: infinihub\n    \
             static_configs: [{{ targets: [\"{hub}\"] }}]\n"
        );
        std::fs::write(&config, text)?;
        let address = free()?;
        let mut command = Command::new(program);
        command.arg(format!("--config.file={}", config.display()));
        command.arg(format!("--storage.tsdb.path={}", directory.join("data").display()));
        command.arg(format!("--web.listen-address={address}"));
        Ok(Some(Self { process: Running::start(&mut command, None)?, address }))
    }

    /// How long its scrapes take, and what it keeps.
    pub async fn row(&self, table: &mut Table) -> Result<()> {
        let began = Instant::now();
        let seconds = loop {
            let over =
                "quantile_over_time(0.5,scrape_duration_seconds[5m])%20and%20count_over_time(up[5m])%3E=4";
            let body = get(self.address, &format!("/api/v1/query?query={over}")).await.unwrap_or_default();
            let answer: Value = serde_json::from_str(&body).unwrap_or_default();
            if let Some(value) = answer["data"]["result"][0]["value"][1].as_str() {
                break value.parse::<f64>()?;
            }
            ensure!(began.elapsed() < PATIENCE, "Prometheus has no scrapes: {body}");
            tokio::time::sleep(Duration::from_secs(2)).await;
        };
        let memory = self.process.memory("VmRSS")?;
        table.row(
            "a scrape by the real Prometheus, elapsed, p50",
            &format!("{:.0} ms", seconds * 1000.0),
            &format!("{memory:.0} MB (Prometheus itself)"),
            "",
        );
        Ok(())
    }
}

/// The exporter with as many domains as libvirt's test driver takes.
pub async fn libvirt_exporter(table: &mut Table) -> Result<()> {
    let Some(program) = installed("/usr/bin/prometheus-libvirt-exporter") else { return Ok(()) };
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("domains.xml");
    std::fs::write(&path, domains())?;
    let address = free()?;
    let mut command = Command::new(program);
    command
        .arg(format!("--web.listen-address={address}"))
        .arg(format!("--libvirt.uri=test://{}", path.display()));
    let exporter = Running::start(&mut command, None)?;
    let began = Instant::now();
    while get(address, "/").await.is_err() {
        ensure!(began.elapsed() < PATIENCE, "the exporter does not answer");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let (mut times, mut elapsed, mut body) = (Vec::new(), Vec::new(), String::new());
    for _ in 0..SCRAPES {
        let (before, began) = (exporter.cpu()?, Instant::now());
        body = get(address, "/metrics").await?;
        times.push(exporter.cpu()?.saturating_sub(before).as_secs_f64() * 1000.0);
        elapsed.push(began.elapsed().as_secs_f64());
    }
    let series = body.lines().filter(|line| line.starts_with("libvirt_")).count();
    ensure!(series > DOMAINS, "the exporter tells nothing: {body:.300}");
    let (millis, seconds) = (median(times), median(elapsed));
    table.row(
        "a scrape for each 1,000 series, processor time",
        "as above",
        &format!(
            "{:.0} ms (prometheus-libvirt-exporter, {series} series of {DOMAINS} domains of libvirt's test driver; {seconds:.1} s elapsed a scrape)",
            millis * 1000.0 / series as f64
        ),
        "",
    );
    Ok(())
}

fn domains() -> String {
    let domain = |n: usize| {
        format!(
            "<domain type='test'><name>sim-{n:04}</name><memory unit='KiB'>2097152</memory><vcpu>2</vcpu><os><type>hvm</type></os>\
             <devices><disk type='file' device='disk'><source file='/none/{n}'/><target dev='vda'/></disk>\
             <interface type='network'><source network='default'/><target dev='vnet{n}'/></interface></devices></domain>"
        )
    };
    let all: String = (0..DOMAINS).map(domain).collect();
    format!("<node>{all}<network><name>default</name><bridge name='virbr0'/></network></node>")
}
