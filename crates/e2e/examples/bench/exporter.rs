//! One collection of everything beside one scrape of `node_exporter`, the usual exporter of a machine's metrics.

use anyhow::{Context, Result, bail, ensure};
use infiniservice_lab::packages::{self, Need};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::peer::Peer;
use crate::process::{self, Figures};
use crate::programs::{Programs, Running};
use crate::round_trip::Times;
use crate::table::{Row, Table, decimal, millis, millis_number};

const PROGRAM: &str = "/usr/bin/prometheus-node-exporter";
/// Scrapes before the first that counts: its libraries and ours come into memory.
const WARM_UP: usize = 5;

/// What a side spent on one answer.
#[derive(Default)]
struct Side {
    times: Times,
    first: Figures,
    last: Figures,
    bytes: usize,
}

impl Side {
    fn cpu_ms(&self, rounds: usize) -> f64 {
        self.last.since(&self.first).cpu_secs * 1e3 / rounds as f64
    }
}

/// Rows of both, in turns. The agent is a fresh one, as the exporter is.
pub fn measure(programs: &Programs, rounds: usize, table: &mut Table) -> Result<()> {
    let (agent, mut host) = programs.start_agent()?;
    let (exporter, address) = start()?;
    let (mut ours, mut theirs) = (Side::default(), Side::default());
    for round in 0..WARM_UP + rounds {
        let (taken, line) = collect(&mut host, round)?;
        let (scraped, page) = scrape(&address)?;
        if round + 1 == WARM_UP {
            (ours.first, theirs.first) = (process::of(agent.pid())?, process::of(exporter.pid())?);
        } else if round >= WARM_UP {
            ours.times.add(taken);
            theirs.times.add(scraped);
        }
        (ours.bytes, theirs.bytes) = (line, page);
    }
    (ours.last, theirs.last) = (process::of(agent.pid())?, process::of(exporter.pid())?);
    rows(&ours, &theirs, rounds, table);
    Ok(())
}

fn rows(ours: &Side, theirs: &Side, rounds: usize, table: &mut Table) {
    for (name, share) in [("p50", 0.5), ("p99", 0.99)] {
        let (a, b) = (ours.times.quantile(share), theirs.times.quantile(share));
        let row = Row::new(&format!("a collection asked for, until its last byte, {name}, ms"));
        table.row(exporters(row, &millis(a), &millis(b)).ratio(a.as_secs_f64() / b.as_secs_f64()));
    }
    let (a, b) = (ours.cpu_ms(rounds), theirs.cpu_ms(rounds));
    let row = Row::new("processor time of it, whole program, ms");
    table.row(exporters(row, &millis_number(a), &millis_number(b)).ratio(a / b));
    let row = |what, a: u64, b: u64| {
        exporters(Row::new(what), &a.to_string(), &b.to_string()).ratio(a as f64 / b as f64)
    };
    table.row(row("resident set after them, kB", ours.last.rss_kb, theirs.last.rss_kb));
    table.row(row("peak resident set, kB", ours.last.peak_kb, theirs.last.peak_kb));
    table.row(row("threads", ours.last.threads, theirs.last.threads));
    let kilobytes = |bytes: usize| decimal(bytes as f64 / 1e3);
    table.row(exporters(
        Row::new("size of the answer, kB"),
        &kilobytes(ours.bytes),
        &kilobytes(theirs.bytes),
    ));
}

fn exporters(row: Row, ours: &str, theirs: &str) -> Row {
    row.texts(ours, &format!("{theirs} (node_exporter)"))
}

/// Asks for a collection: the time to its last byte, and its size.
pub fn collect(host: &mut Peer, round: usize) -> Result<(Duration, usize)> {
    let id = format!("collect-{round}-");
    let (taken, line) = host.exchange(&format!(r#"{{"type":"Metrics","id":"{id}"}}"#), &id)?;
    Ok((taken, line.len()))
}

/// With its defaults, on a free port of this machine.
fn start() -> Result<(Running, String)> {
    packages::ensure(&[Need { package: "prometheus-node-exporter", probe: PROGRAM }])?;
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
    let mut command = Command::new(PROGRAM);
    command.arg(format!("--web.listen-address={address}")).arg("--log.level=error").env_clear();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let running = Running::new(command.spawn().context(PROGRAM)?);
    let patience = Instant::now() + Duration::from_secs(20);
    while Instant::now() < patience {
        if TcpStream::connect(&address).is_ok() {
            return Ok((running, address));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    bail!("{PROGRAM} does not listen on {address}")
}

/// One scrape over a connection of its own: the time to its last byte, and its size.
fn scrape(address: &str) -> Result<(Duration, usize)> {
    let begin = Instant::now();
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n")?;
    let mut page = Vec::new();
    stream.read_to_end(&mut page)?;
    let taken = begin.elapsed();
    ensure!(
        page.starts_with(b"HTTP/1.0 200"),
        "{}",
        String::from_utf8_lossy(page.get(..80).unwrap_or(&page))
    );
    Ok((taken, page.len()))
}
