//! A real collector of OpenTelemetry gets what the real hub tells of real agents: figures, events, the audit, and one trace from
//! the operator's `infinictl` to the programs in two machines.

use anyhow::{Context, Result, ensure};
use infinictl::hub::Api;
use infiniservice_e2e::binary::{tested, tested_agent};
use infiniservice_e2e::running::free_address;
use infiniservice_e2e::{Running, hub as infinihub};
use infiniservice_lab::{LocalGuest, pypi};
use serde_json::Value;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
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

fn hub(directory: &Path, collector: SocketAddr) -> Result<Running> {
    let guests_in = infinihub::guests_in(directory);
    let more =
        format!("{guests_in}listen = \"\"\n[otlp]\nendpoint = \"http://{collector}\"\ninterval_secs = 1\n");
    infinihub::start(directory, &more)
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

/// `infinictl --trace job run`, and the answers of the machines.
async fn job(directory: &Path, api: &Api) -> Result<Value> {
    let mut command = Command::new(tested("infinictl")?);
    command.arg("--hub").arg(directory).args(["--json", "--trace", "job", "run", "--vms", "all", "--"]);
    command.args(["exec", "echo $TRACEPARENT"]).env("TRACEPARENT", format!("00-{TRACE}-{OPERATOR}-01"));
    let output = tokio::task::spawn_blocking(move || command.output()).await??;
    ensure!(output.status.success(), "{output:?}");
    let job: Value = serde_json::from_slice(&output.stdout)?;
    let id = job["id"].as_str().context("an id")?;
    Ok(api.get(&format!("/v1/jobs/{id}?results=true")).await?)
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
    let directory: TempDir = tempfile::tempdir()?;
    let root = directory.path();
    let (address, log) = (free_address()?, root.join("collector.log"));
    let _collector = collector(&program, address, &log)?;
    let start = |vm: &str| {
        let socket = root.join(format!("{vm}.guest"));
        LocalGuest::start(&tested_agent()?, "allow_unsafe_commands = true\n", &socket)
    };
    let _guests = VMS.map(start).into_iter().collect::<Result<Vec<_>>>()?;
    let _hub = hub(root, address)?;
    let api = Api::new(&root.join("api.sock"));
    until("both machines", async || {
        let machines = api.get("/v1/vms").await.ok()?;
        let machines = machines.as_array()?;
        let up = machines.iter().filter(|it| it["state"] == "up").count();
        (up == VMS.len()).then_some(())
    })
    .await?;
    let job = job(root, &api).await?;
    let log = until("all of it", async || {
        let log = fs::read_to_string(&log).ok()?;
        let is_all = spans(&log).iter().filter(|span| span.name == "program").count() == VMS.len();
        let words =
            ["system.memory.limit", "infini.command.finished", "infini.vm.connected", "host.id: Str(b)"];
        (is_all && words.iter().all(|word| log.contains(word))).then_some(log)
    })
    .await?;
    check(&spans(&log), &job)
}

fn check(spans: &[Span], job: &Value) -> Result<()> {
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
    let root = spans.iter().find(|span| span.name == "job UnsafeCommand").context("the job's span")?;
    ensure!(root.parent == OPERATOR, "{root:?}");
    // What runs in a machine belongs below the span of that machine's command.
    for machine in job["machines"].as_array().context("machines")? {
        let said = machine["result"]["stdout"].as_str().unwrap_or_default().trim();
        let is_one = spans
            .iter()
            .any(|span| span.name == "command UnsafeCommand" && said == format!("00-{TRACE}-{}-01", span.id));
        ensure!(is_one, "{said:?} names no command: {spans:#?}");
    }
    Ok(())
}
