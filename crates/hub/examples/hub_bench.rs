//! What a hub of many machines costs, beside `infinictl`'s client library reading as many: `cargo xtask bench --hub`.
#![cfg_attr(not(target_os = "linux"), allow(unused))]

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use infinictl::client::{Client, Endpoint};
use infinictl::hub::Api;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Kernel ticks a second (`USER_HZ`) in /proc/PID/stat.
const TICKS: f64 = 100.0;
const PATIENCE: Duration = Duration::from_secs(120);

#[derive(Parser)]
struct Cli {
    /// Where infinihub and hub-sim are
    #[arg(long)]
    programs: PathBuf,
    /// Machines
    #[arg(long, default_value_t = 5000)]
    count: usize,
    /// Seconds of each measurement
    #[arg(long, default_value_t = 60)]
    window: u64,
    /// Read all sockets of this directory with infinictl's library, until ended: the alternative, as a process of its own
    #[arg(long)]
    reader: Option<PathBuf>,
}

/// A process that ends with this.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    fn start(command: &mut Command) -> Result<Self> {
        Ok(Self(
            command
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .with_context(|| format!("{command:?}"))?,
        ))
    }

    /// Processor time so far, in seconds.
    fn cpu(&self) -> Result<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id()))?;
        let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
        Ok(fields.filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / TICKS)
    }

    /// Resident memory now, in MB.
    fn memory(&self) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? / 1000.0)
    }

    /// Share of a core over a window, in per cent, and memory at its end.
    async fn measure(&self, window: Duration) -> Result<(f64, f64)> {
        let (before, began) = (self.cpu()?, Instant::now());
        tokio::time::sleep(window).await;
        Ok(((self.cpu()? - before) / began.elapsed().as_secs_f64() * 100.0, self.memory()?))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let cli = Cli::parse();
    if let Some(directory) = &cli.reader {
        return read_all(directory).await;
    }
    println!("| machines | line | every | infinihub | infinictl's library |\n|---|---|---|---|---|");
    for (interval, bytes) in [("30", "40000"), ("1", "4000")] {
        let guests = Guests::start(&cli, interval, bytes)?;
        let hub = guests.hub(&cli).await?;
        let (cpu, memory) = hub.measure(Duration::from_secs(cli.window)).await?;
        if interval == "30" {
            scrape(&guests, &hub).await?;
            round_trips(&guests).await?;
        }
        drop(hub);
        let reader = guests.reader()?;
        tokio::time::sleep(Duration::from_secs(35)).await;
        let (other_cpu, other_memory) = reader.measure(Duration::from_secs(cli.window)).await?;
        println!(
            "| {} | {bytes} B | {interval} s | {cpu:.1} % of a core, {memory:.0} MB | {other_cpu:.1} % of a core, {other_memory:.0} MB |",
            cli.count
        );
    }
    Ok(())
}

struct Guests {
    directory: tempfile::TempDir,
    _guests: Running,
}

impl Guests {
    fn start(cli: &Cli, interval: &str, bytes: &str) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let mut command = Command::new(cli.programs.join("hub-sim"));
        command.arg(directory.path().join("guests")).args(["--interval", interval, "--line-bytes", bytes]);
        let guests = Running::start(command.args(["--count", &cli.count.to_string()]))?;
        Ok(Self { directory, _guests: guests })
    }

    /// A hub of them, once all are up and have told their figures.
    async fn hub(&self, cli: &Cli) -> Result<Running> {
        let root = self.directory.path();
        let shown = root.display();
        let config = format!(
            "sources = [\"{shown}/guests/{{vm}}.sock\"]\napi_socket = \"{shown}/api.sock\"\n\
             wire_socket = \"{shown}/wire.sock\"\nlisten = \"\"\n"
        );
        std::fs::write(root.join("config.toml"), config)?;
        let mut command = Command::new(cli.programs.join("infinihub"));
        let hub = Running::start(command.arg("--config").arg(root.join("config.toml")))?;
        let began = Instant::now();
        loop {
            let machines = Api::new(&root.join("api.sock")).get("/v1/vms?select=state%3Dup").await;
            if machines.is_ok_and(|machines| machines.as_array().is_some_and(|all| all.len() == cli.count)) {
                eprintln!("{} machines are served after {:.1} s", cli.count, began.elapsed().as_secs_f64());
                return Ok(hub);
            }
            ensure!(began.elapsed() < PATIENCE, "not all machines are up");
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    fn reader(&self) -> Result<Running> {
        let mut command = Command::new(std::env::current_exe()?);
        Running::start(
            command.args(["--programs", "/", "--reader"]).arg(self.directory.path().join("guests")),
        )
    }
}

/// `/metrics` five times.
async fn scrape(guests: &Guests, hub: &Running) -> Result<()> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let before = hub.cpu()?;
    let mut text = Vec::new();
    for _ in 0..5 {
        let mut stream = tokio::net::UnixStream::connect(guests.directory.path().join("api.sock")).await?;
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
        text.clear();
        stream.read_to_end(&mut text).await?;
    }
    let series = text.split(|byte| *byte == b'\n').filter(|line| line.starts_with(b"infini_")).count();
    let millis = (hub.cpu()? - before) * 1000.0 / 5.0;
    println!(
        "\n/metrics: {series} series, {:.1} MB, {millis:.0} ms of processor time each\n",
        text.len() as f64 / 1e6
    );
    Ok(())
}

/// Pings directly and through the hub, by turns.
async fn round_trips(guests: &Guests) -> Result<()> {
    let root = guests.directory.path();
    let alone = infiniservice_hub_sim::Guest::new("alone", infiniservice_hub_sim::Options::default());
    let path = root.join("alone.sock");
    tokio::spawn(alone.serve_on(tokio::net::UnixListener::bind(&path)?));
    let direct = Client::connect(Endpoint::Channel(path)).await?;
    let through = Endpoint::Hub { socket: root.join("wire.sock"), vm: "sim-0000".to_owned() };
    let through = Client::connect(through).await?;
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for _ in 0..1000 {
        a.push(direct.ping(PATIENCE).await?);
        b.push(through.ping(PATIENCE).await?);
    }
    a.sort_unstable();
    b.sort_unstable();
    println!("a ping, p50: {:?} directly, {:?} through the hub\n", a[a.len() / 2], b[b.len() / 2]);
    Ok(())
}

async fn read_all(directory: &Path) -> Result<()> {
    let mut clients = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        clients.push(Client::connect(Endpoint::Channel(entry?.path())).await?);
    }
    std::future::pending::<()>().await;
    drop(clients);
    Ok(())
}
