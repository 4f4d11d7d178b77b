//! What it takes to ask the hub: scrapes, commands, a job.

use crate::Cli;
use crate::host::{Guests, Hub};
use crate::peers::Prometheus;
use crate::table::{Table, median, reached};
use anyhow::{Context as _, Result, ensure};
use infinictl::client::{Client, Endpoint};
use infiniservice_hub_sim::{Guest, Options};
use infiniservice_protocol::{HostMessage, parse_host_line};
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixListener};

const PATIENCE: Duration = Duration::from_secs(120);
/// Scrapes of which the median counts; the first makes room for the text.
const SCRAPES: usize = 11;
/// Commands each way, by turns.
const COMMANDS: usize = 1000;
/// Series for which the target holds.
const SERIES: f64 = 240_000.0;

/// All of it, with one hub.
pub async fn all(cli: &Cli, table: &mut Table) -> Result<()> {
    let guests = Guests::start(cli, "30", "4000")?;
    let hub = guests.hub(cli).await?;
    scrapes(&hub, table).await?;
    if let Some(prometheus) = Prometheus::start(hub.address, &guests.path("prometheus"))? {
        prometheus.row(table).await?;
    }
    commands(&guests, table).await?;
    for (concurrency, label) in [("50", "50 at a time"), ("100%", "all at once")] {
        job(&guests, &hub, concurrency, label, table).await?;
    }
    Ok(())
}

async fn scrapes(hub: &Hub, table: &mut Table) -> Result<()> {
    let (mut times, mut text) = (Vec::new(), Vec::new());
    for _ in 0..SCRAPES {
        // Ticks are of 10 ms, so that one scrape is too few.
        let before = hub.process.cpu()?;
        for _ in 0..5 {
            let mut stream = TcpStream::connect(hub.address).await?;
            let request =
                format!("GET /metrics HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", hub.address);
            stream.write_all(request.as_bytes()).await?;
            text.clear();
            stream.read_to_end(&mut text).await?;
        }
        times.push(hub.process.cpu()?.saturating_sub(before).as_secs_f64() * 1000.0 / 5.0);
    }
    let series = text.split(|byte| *byte == b'\n').filter(|line| line.starts_with(b"infini_")).count();
    let millis = median(times);
    let of_target = millis * SERIES / series as f64;
    table.row(
        &format!("`/metrics`: {series} series, {:.1} MB, processor time", text.len() as f64 / 1e6),
        &format!("{millis:.0} ms, {of_target:.0} ms for 240,000"),
        "",
        &reached(of_target, 100.0, "≤ 100 ms for 240,000 series"),
    );
    Ok(())
}

/// A command that a guest answers at once, directly and through the hub by turns.
async fn commands(guests: &Guests, table: &mut Table) -> Result<()> {
    let path = guests.path("alone.sock");
    tokio::spawn(Guest::new("alone", Options::default()).serve_on(UnixListener::bind(&path)?));
    let direct = Client::connect(Endpoint::Channel(path)).await?;
    let through = Client::connect(guests.through_the_hub("sim-0000")).await?;
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..COMMANDS {
        for (client, times) in [&direct, &through].into_iter().zip(&mut times) {
            let message = command(&client.new_id())?;
            let began = Instant::now();
            client.call(&message, PATIENCE).await?;
            times.push(began.elapsed().as_secs_f64() * 1000.0);
        }
    }
    let [direct, through] = times.map(median);
    table.row(
        "a command to one machine and its answer, p50",
        &format!("{through:.2} ms"),
        &format!("{direct:.2} ms (directly)"),
        &reached(through - direct, 0.2, "≤ 0.2 ms more"),
    );
    Ok(())
}

fn command(id: &str) -> Result<HostMessage> {
    let action = json!({"action": "ServiceControl", "service": "nginx", "operation": "restart"});
    let line = json!({"type": "SafeCommand", "id": id, "command_type": action}).to_string();
    parse_host_line(&line).ok().context("no command")
}

async fn job(guests: &Guests, hub: &Hub, concurrency: &str, label: &str, table: &mut Table) -> Result<()> {
    let restart = json!({"type": "SafeCommand", "command_type":
        {"action": "ServiceControl", "service": "nginx", "operation": "restart"}});
    let (api, before, began) = (guests.api(), hub.process.cpu()?, Instant::now());
    let body = json!({"vms": "all", "message": restart, "max_concurrency": concurrency});
    let job = api.post("/v1/jobs", &body).await?;
    let address = format!("/v1/jobs/{}", job["id"].as_str().context("no id")?);
    let finished = loop {
        // In short, so that looking costs nothing to speak of.
        let jobs = api.get("/v1/jobs").await?;
        let is_it = |one: &&serde_json::Value| one["id"] == job["id"];
        if jobs
            .as_array()
            .and_then(|jobs| jobs.iter().find(is_it))
            .is_some_and(|job| job["state"] == "finished")
        {
            break began.elapsed();
        }
        ensure!(began.elapsed() < PATIENCE, "the job does not end");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let cpu = hub.process.cpu()?.saturating_sub(before);
    let counts = api.get(&address).await?["counts"].clone();
    ensure!(
        counts["answered"]
            == counts.as_object().map_or(0, |all| all.values().filter_map(serde_json::Value::as_u64).sum()),
        "{counts}"
    );
    let seconds = finished.as_secs_f64();
    table.row(
        &format!("a job over all, {label}: to the last outcome"),
        &format!("{seconds:.1} s, {:.1} s of processor", cpu.as_secs_f64()),
        "",
        &reached(seconds, 5.0, "≤ 5 s for 5,000"),
    );
    Ok(())
}
