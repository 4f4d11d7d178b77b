//! The figures of all machines at an exporter: what hearing them costs, and a scrape. The hubs are simulated by one client.

use crate::Cli;
use crate::running::Running;
use crate::table::{Table, reached};
use anyhow::{Context as _, Result, ensure};
use infiniservice_engine::live::Encoder;
use infiniservice_engine::{Engine, Layout, Settings};
use infiniservice_fleet::message::text;
use infiniservice_fleet::{HubPresence, subject};
use infiniservice_hub_sim::lines;
use infiniservice_hub_sim::variety::Character;
use infiniservice_lab::NatsServer;
use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{MissedTickBehavior, interval};

/// How often each machine tells its figures, as agents do unless they are told otherwise.
const EVERY: Duration = Duration::from_secs(30);
/// Bytes of a line: figures without long lists.
const LINE_BYTES: usize = 2_500;
/// How often some of them do.
const STEP: Duration = Duration::from_millis(10);
/// Rounds of all machines before the measuring, and meanwhile: a whole line is one of twenty.
const ROUNDS: [u32; 2] = [1, 2];

/// What stands for all hubs.
struct Hubs {
    engine: Engine,
    machines: Vec<Simulated>,
    count: usize,
    next: usize,
}

struct Simulated {
    subject: String,
    name: String,
    encoder: Encoder,
}

/// Measures it.
pub async fn measure(cli: &Cli, table: &mut Table) -> Result<()> {
    let server = NatsServer::start()?;
    let settings = Settings { url: server.url(), name: "bench".to_owned(), ..Settings::default() };
    let engine = Engine::connect(&settings).await?;
    engine.set_up(&Layout::of_fleet(1)).await?;
    let mut hubs = Hubs::new(cli, engine);
    hubs.are_there().await?;
    let directory = tempfile::tempdir()?;
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let config = directory.path().join("exporter.toml");
    std::fs::write(
        &config,
        format!("listen = \"{address}\"\n[fleet]\nurl = \"{}\"\nhub = \"bench\"\n", server.url()),
    )?;
    let mut command = Command::new(cli.programs.join("infinihub"));
    command.args(["--role", "exporter", "--config"]).arg(config);
    let exporter = Running::start(&mut command, Some(&directory.path().join("exporter.log")))?;
    let [before, meanwhile] = ROUNDS;
    hubs.tell(EVERY * before).await?;
    let (began, spent) = (Instant::now(), exporter.cpu()?);
    let told = hubs.tell(EVERY * meanwhile).await?;
    let share = exporter.cpu()?.saturating_sub(spent).as_secs_f64() / began.elapsed().as_secs_f64() * 100.0;
    let rate = told as f64 / began.elapsed().as_secs_f64();
    table.row(
        &format!("exporter: {rate:.0} lines a second of {} machines, processor", hubs.machines.len()),
        &format!("{share:.0} % of a core"),
        "",
        &reached(share, 50.0, "≤ 50 %"),
    );
    let (bytes, seconds, cpu) = scrape(address, &exporter).await?;
    let told = bytes as f64 / 1e6;
    table.row(
        "the same, one scrape of all",
        &format!("{told:.0} MB in {seconds:.2} s, {cpu:.2} s of a core"),
        "",
        "",
    );
    table.row("the same, most memory", &format!("{:.0} MB", exporter.memory("VmHWM")?), "", "");
    Ok(())
}

impl Hubs {
    fn new(cli: &Cli, engine: Engine) -> Self {
        let machines = (0..cli.hubs * cli.machines).map(|n| {
            let name = format!("vm-{n}");
            let subject = subject::metrics(&format!("hub-{}", n % cli.hubs), &name);
            Simulated { subject, name, encoder: Encoder::default() }
        });
        Self { engine, machines: machines.collect(), count: cli.hubs, next: 0 }
    }

    /// All hubs write their entries.
    async fn are_there(&self) -> Result<()> {
        let all = (0..self.count).map(|n| {
            let hub = format!("hub-{n}");
            let count = u32::try_from(self.machines.len() / self.count).unwrap_or(u32::MAX);
            let (version, role) = ("bench".to_owned(), "hub".to_owned());
            let key = subject::hub_key(&hub);
            let presence = HubPresence {
                hub,
                since_ms: 1,
                version,
                vms: count,
                connected: count,
                at_ms: 1,
                role,
                live: true,
            };
            (key, text(&presence).into_bytes())
        });
        let done = self.engine.put_all(subject::HUBS, all.collect()).await;
        done.into_iter().collect::<Result<(), _>>().context("the hubs' entries")
    }

    /// Each machine tells its figures at its turn, for so long; how many lines that were.
    async fn tell(&mut self, time: Duration) -> Result<u64> {
        let (began, mut told) = (Instant::now(), 0);
        let each = self.machines.len() as f64 / EVERY.as_secs_f64();
        let mut ticks = interval(STEP);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut present = Instant::now();
        while began.elapsed() < time {
            ticks.tick().await;
            if present.elapsed() > EVERY / 3 {
                self.are_there().await?;
                present = Instant::now();
            }
            let due = (began.elapsed().as_secs_f64() * each) as u64;
            while told < due {
                self.one().await?;
                told += 1;
            }
        }
        Ok(told)
    }

    async fn one(&mut self) -> Result<()> {
        let place = self.next % self.machines.len();
        self.next += 1;
        let Some(machine) = self.machines.get_mut(place) else { return Ok(()) };
        let character = Character::of(&machine.name);
        let now = SystemTime::now();
        let line = lines::metrics_with(&machine.name, LINE_BYTES, None, |line| character.put_over(line, now));
        let message = machine.encoder.encode(&line)?;
        self.engine.tell(&machine.subject, message).await?;
        Ok(())
    }
}

/// Bytes, seconds, and processor time of a scrape.
async fn scrape(address: SocketAddr, exporter: &Running) -> Result<(usize, f64, f64)> {
    let (began, spent) = (Instant::now(), exporter.cpu()?);
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    ensure!(
        answer.starts_with(b"HTTP/1.1 200"),
        "{}",
        String::from_utf8_lossy(&answer[..answer.len().min(300)])
    );
    Ok((answer.len(), began.elapsed().as_secs_f64(), exporter.cpu()?.saturating_sub(spent).as_secs_f64()))
}
