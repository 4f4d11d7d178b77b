//! A real collector of OpenTelemetry gets what the real hub tells of real agents: figures, events, the audit, and one trace from
//! the operator's `infinictl` to the programs in two machines, on one host and over a fleet's engine.

use anyhow::{Context, Result, ensure};
use infinictl::hub::Api;
use infiniservice_e2e::binary::{tested, tested_agent};
use infiniservice_e2e::running::free_address;
use infiniservice_e2e::{Running, hub as infinihub};
use infiniservice_lab::{LocalGuest, NatsServer, pypi};
use serde_json::Value;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(60);
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const OPERATOR: &str = "b7ad6b7169203331";
const VMS: [&str; 2] = ["a", "b"];

/// A span as the collector prints it.
#[derive(Debug, Default)]
struct Span {
    trace: String,
    parent: String,
    id: String,
    name: String,
}

/// The collector, which prints all that it gets into this file.
fn collector(program: &Path, address: SocketAddr, log: &Path) -> Result<Running> {
    let mut command = Command::new(program);
    command.args(["start", "--exporter", "blackhole", "--debug-log-verbosity", "detailed"]);
    command.args(["--debug-log", "metrics", "--debug-log", "logs", "--debug-log", "traces"]);
    command
        .arg(format!("--otlp-http-endpoint={address}"))
        .arg(format!("--otlp-grpc-endpoint={}", free_address()?));
    let log = fs::File::create(log)?;
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    Ok(Running(command.spawn().context("the collector cannot be started")?))
}

/// A hub with two machines that are up, and what it runs beside.
struct Host {
    directory: TempDir,
    log: PathBuf,
    api: Api,
    _running: (Running, Running),
    _guests: Vec<LocalGuest>,
}

impl Host {
    /// With these settings besides.
    async fn start(directory: TempDir, program: &Path, more: &str) -> Result<Self> {
        let root = directory.path();
        let (address, log) = (free_address()?, root.join("collector.log"));
        let collector = collector(program, address, &log)?;
        let start = |vm: &str| {
            let socket = root.join(format!("{vm}.guest"));
            LocalGuest::start(&tested_agent()?, "allow_unsafe_commands = true\n", &socket)
        };
        let guests = VMS.map(start).into_iter().collect::<Result<Vec<_>>>()?;
        let guests_in = infinihub::guests_in(root);
        let otlp = format!("[otlp]\nendpoint = \"http://{address}\"\ninterval_secs = 1\n");
        let hub = infinihub::start(root, &format!("{guests_in}listen = \"\"\n{otlp}{more}"))?;
        let api = Api::new(&root.join("api.sock"));
        let host = Self { directory, log, api, _running: (collector, hub), _guests: guests };
        host.until_up().await?;
        Ok(host)
    }

    async fn until_up(&self) -> Result<()> {
        until("both machines", async || {
            let machines = self.api.get("/v1/vms").await.ok()?;
            let up = machines.as_array()?.iter().filter(|it| it["state"] == "up").count();
            (up == VMS.len()).then_some(())
        })
        .await
    }

    /// What the collector has printed once all programs' spans and these words are in it.
    async fn collected(&self, words: &[&str]) -> Result<Vec<Span>> {
        until("all of it", async || {
            let log = fs::read_to_string(&self.log).ok()?;
            let spans = spans(&log);
            let is_all = spans.iter().filter(|span| span.name == "program").count() == VMS.len();
            (is_all && words.iter().all(|word| log.contains(word))).then_some(spans)
        })
        .await
    }
}

/// Looks again and again until something is there.
async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> Result<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return Ok(found);
        }
        ensure!(Instant::now() < deadline, "{what} did not come");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// `infinictl --trace job run` with these words before it; what it prints.
async fn job(words: &[&str], environment: &[(&str, String)]) -> Result<Vec<Value>> {
    let mut command = Command::new(tested("infinictl")?);
    command.args(words).args(["--json", "--trace", "job", "run", "--vms", "all", "--"]);
    command.args(["exec", "echo $TRACEPARENT"]).env("TRACEPARENT", format!("00-{TRACE}-{OPERATOR}-01"));
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    let output = tokio::task::spawn_blocking(move || command.output()).await??;
    ensure!(output.status.success(), "{output:?}");
    let documents: Result<Vec<Value>, _> = output
        .stdout
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(serde_json::from_slice)
        .collect();
    Ok(documents?)
}

fn spans(log: &str) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    for line in log.lines() {
        let Some((name, value)) = line.split_once(':') else { continue };
        let value = value.trim().to_owned();
        if line.trim_start().starts_with("Trace ID") {
            spans.push(Span { trace: value, ..Span::default() });
        } else if let Some(span) = spans.last_mut() {
            match name.trim() {
                "Parent ID" => span.parent = value,
                "ID" => span.id = value,
                "Name" if span.name.is_empty() => span.name = value,
                _ => {}
            }
        }
    }
    spans.retain(|span| !span.id.is_empty());
    spans
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_collector_gets_figures_the_audit_and_one_trace_over_two_machines() -> Result<()> {
    let Some(program) = pypi::ROTEL.installed()? else { return Ok(()) };
    let host = Host::start(tempfile::tempdir()?, &program, "").await?;
    let root = host.directory.path().display().to_string();
    let job = job(&["--hub", &root], &[]).await?;
    let id = job.last().and_then(|job| job["id"].as_str()).context("an id")?;
    let job = host.api.get(&format!("/v1/jobs/{id}?results=true")).await?;
    let machines = job["machines"].as_array().context("machines")?;
    let words = ["system.memory.limit", "infini.command.finished", "infini.vm.connected", "host.id: Str(b)"];
    let spans = host.collected(&words).await?;
    check(&spans, &["job UnsafeCommand"], machines)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_collector_gets_one_trace_of_an_order_that_went_over_the_real_engine() -> Result<()> {
    let Some(program) = pypi::ROTEL.installed()? else { return Ok(()) };
    let (server, directory) = (NatsServer::start()?, tempfile::tempdir()?);
    let key = directory.path().join("alice.key");
    let fleet = [
        ("INFINICTL_FLEET", server.url()),
        ("INFINICTL_OPERATOR", "alice".to_owned()),
        ("INFINICTL_OPERATOR_KEY", key.display().to_string()),
    ];
    let mut make = Command::new(tested("infinictl")?);
    make.args(["operator-key", "generate"]).arg(&key).envs(fleet.iter().map(|(name, value)| (name, value)));
    let operator = String::from_utf8(make.output()?.stdout)?;
    let more = format!(
        "[fleet]\nurl = \"{}\"\nhub = \"h1\"\n{operator}\n[[rule]]\nname = \"ops\"\n\
         who = [\"operator:alice\"]\nvms = \"all\"\nactions = [\"UnsafeCommand\"]\n",
        server.url()
    );
    let host = Host::start(directory, &program, &more).await?;
    let job = job(&[], &fleet).await?;
    let spans = host.collected(&["order UnsafeCommand"]).await?;
    // Each machine's result is a document of its own.
    let machines: Vec<_> = job.into_iter().filter(|it| it["type"] == "result").collect();
    check(&spans, &["order UnsafeCommand", "job UnsafeCommand"], &machines)
}

/// Whether all of it is one trace, whose first spans are these, one below the other and below the operator's.
fn check(spans: &[Span], first: &[&str], machines: &[Value]) -> Result<()> {
    ensure!(machines.len() == VMS.len(), "{machines:?}");
    ensure!(spans.iter().all(|span| span.trace == TRACE), "{spans:#?}");
    let above = |span: &Span| spans.iter().find(|above| above.id == span.parent);
    for (name, over) in [
        ("command UnsafeCommand", "job UnsafeCommand"),
        ("execute UnsafeCommand", "command UnsafeCommand"),
        ("program", "execute UnsafeCommand"),
    ] {
        let of_it: Vec<_> = spans.iter().filter(|span| span.name == name).collect();
        ensure!(of_it.len() == VMS.len(), "{name}: {spans:#?}");
        ensure!(
            of_it.iter().all(|it| above(it).is_some_and(|above| above.name == over)),
            "{name}: {spans:#?}"
        );
    }
    let mut parent = OPERATOR;
    for name in first {
        let span = spans.iter().find(|span| span.name == *name).with_context(|| format!("no span {name}"))?;
        ensure!(span.parent == parent, "{span:?}");
        parent = &span.id;
    }
    // What runs in a machine belongs below the span of that machine's command.
    for machine in machines {
        let said = machine["result"]["stdout"].as_str().unwrap_or_default().trim();
        let is_one = spans
            .iter()
            .any(|span| span.name == "command UnsafeCommand" && said == format!("00-{TRACE}-{}-01", span.id));
        ensure!(is_one, "{said:?} names no command: {spans:#?}");
    }
    Ok(())
}
