//! The real agent on a pseudo-terminal: its life as a process, its signals, and hosts that fall silent.

use anyhow::{Context, Result, bail, ensure};
use infinictl::client::{self, AgentLog, Client, Endpoint};
use infiniservice_e2e::Running;
use infiniservice_e2e::binary;
use infiniservice_e2e::local::{LocalAgent, signal};
use infiniservice_e2e::messages::first;
use infiniservice_e2e::raw::RawHost;
use infiniservice_protocol::data::ConfigReloadData;
use infiniservice_protocol::host::UnsafeCommand;
use infiniservice_protocol::{Action, ErrorCode, GuestMessage, HostMessage, Response};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Far above what is ever needed; only a test that fails waits for it.
const TIMEOUT: Duration = Duration::from_mins(3);

/// An agent with a configuration and a log of its own.
struct Bench {
    dir: TempDir,
}

impl Bench {
    fn new(config: &str) -> Result<Self> {
        let bench = Self { dir: tempfile::tempdir()? };
        bench.configure(config)?;
        Ok(bench)
    }

    fn config(&self) -> PathBuf {
        self.dir.path().join("config.toml")
    }

    fn configure(&self, text: &str) -> Result<()> {
        Ok(fs::write(self.config(), text)?)
    }

    fn log(&self) -> Result<String> {
        Ok(fs::read_to_string(self.dir.path().join("log"))?)
    }

    /// The log once it has this in it: a thread of its own writes it. Each look costs the agent an answer.
    async fn log_with(&self, wanted: &str, client: &Client) -> Result<String> {
        let until = Instant::now() + TIMEOUT;
        loop {
            let log = self.log()?;
            if log.contains(wanted) {
                return Ok(log);
            }
            ensure!(Instant::now() < until, "{wanted:?} is not in the log:\n{log}");
            client.ping(TIMEOUT).await?;
        }
    }

    fn endpoint(&self) -> Result<Endpoint> {
        Ok(Endpoint::Local(client::LocalAgent {
            agent: Some(binary::tested_agent()?),
            config: Some(self.config()),
            log: AgentLog::File(self.dir.path().join("log")),
            start_timeout: TIMEOUT,
            ..client::LocalAgent::default()
        }))
    }

    async fn start(&self) -> Result<Client> {
        Ok(Client::connect(self.endpoint()?).await?)
    }
}

/// A process that SIGTERM does not end.
fn stubborn() -> Result<Running> {
    // An ignored signal stays ignored across exec, and no child is left behind.
    let script = "trap '' TERM; echo ready; exec sleep 1000";
    let mut child = Command::new("sh").args(["-c", script]).stdout(Stdio::piped()).spawn()?;
    let stdout = child.stdout.take().context("stdout")?;
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line)?;
    ensure!(line == "ready\n", "{line:?}");
    Ok(Running(child))
}

/// Runs the agent to its end. The tests' own variables are no settings of it, so it gets none.
fn run_agent(arguments: &[&str]) -> Result<Output> {
    let mut agent = Command::new(binary::tested_agent()?);
    Ok(agent.args(arguments).env_clear().stdin(Stdio::null()).output()?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_answers_what_is_in_flight_and_ends_with_a_summary() -> Result<()> {
    let bench = Bench::new("shutdown_timeout_secs = 3\n")?;
    let client = bench.start().await?;
    let mut events = client.subscribe();
    let stubborn = stubborn()?;
    let id = client.new_id();
    let kill = format!(r#"{{"action":"ProcessKill","pid":{}}}"#, stubborn.0.id());
    let line = format!(r#"{{"type":"SafeCommand","id":"{id}","timeout":600,"command_type":{kill}}}"#);
    client.send_raw(format!("{line}\n")).await?;
    client.ping(TIMEOUT).await?;
    signal(&client, "TERM")?;
    let answer: Response = first(&mut events, "the answer", |message| match message {
        GuestMessage::Response(response) if response.id == id => Some(response.clone()),
        _ => None,
    })
    .await?;
    // Either the agent gave up on the process by itself, or the shutdown ended the command.
    ensure!(!answer.success, "{answer:?}");
    let end = tokio::time::timeout(TIMEOUT, client.closed()).await?.to_string();
    let log = bench.log()?;
    for wanted in ["stopping: asked by SIGTERM", "stopped after", "ProcessKill", "quality Excellent"] {
        ensure!(log.contains(wanted), "{wanted:?} is not in the log ({end}):\n{log}");
    }
    Ok(())
}

/// They were read, as the ping behind them was; most wait for a collection after the one that runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_answers_each_request_for_metrics() -> Result<()> {
    let bench = Bench::new("")?;
    let client = bench.start().await?;
    let mut events = client.subscribe();
    let mut asked: BTreeSet<String> = (1..=4).map(|number| format!("figures-{number}")).collect();
    let lines = asked.iter().map(|id| format!("{{\"type\":\"Metrics\",\"id\":\"{id}\"}}\n"));
    client.send_raw(lines.collect::<String>()).await?;
    client.ping(TIMEOUT).await?;
    signal(&client, "TERM")?;
    while !asked.is_empty() {
        let answered = first(&mut events, "an answer", |message| match message {
            GuestMessage::SystemMetrics(metrics) => metrics.request_id.clone(),
            GuestMessage::Response(response) => Some(response.id.clone()),
            _ => None,
        });
        let id = answered.await.with_context(|| format!("{asked:?} are not answered"))?;
        asked.remove(&id);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sighup_takes_over_what_may_change_and_names_what_may_not() -> Result<()> {
    let quiet =
        "collection_interval_secs = 3600\ndegraded_interval_secs = 3600\ninitial_collection_tries = 0\n";
    let bench = Bench::new(quiet)?;
    let client = bench.start().await?;
    client.ping(TIMEOUT).await?;
    let mut events = client.subscribe();
    bench.configure(
        "collection_interval_secs = 1\ndegraded_interval_secs = 3600\ninitial_collection_tries = 0\nmax_output_bytes = 65536\n",
    )?;
    signal(&client, "HUP")?;
    for _ in 0..2 {
        first(&mut events, "metrics", |message| {
            matches!(message, GuestMessage::SystemMetrics(_)).then_some(())
        })
        .await?;
    }
    bench.log_with("changed: collection_interval_secs", &client).await?;
    let log = bench.log_with("restart", &client).await?;
    ensure!(log.contains("max_output_bytes"), "{log}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_has_the_configuration_read_again_and_is_told_what_holds_and_what_waits() -> Result<()> {
    let bench = Bench::new("")?;
    let client = bench.start().await?;
    let reload = || client.request(&Action::ConfigReload {}, TIMEOUT);
    let refused = reload().await?;
    ensure!(refused.error_code == Some(ErrorCode::ActionBlocked), "{refused:?}");
    bench.configure("allow_config_reload = true\n")?;
    signal(&client, "HUP")?;
    bench.log_with("changed: allow_config_reload", &client).await?;
    bench
        .configure("allow_config_reload = true\nmax_processes = 1\nvm_id = \"x\"\nmax_line_bytes = 5000\n")?;
    let answer = reload().await?;
    let data: ConfigReloadData = serde_json::from_value(answer.data.clone())?;
    ensure!(data.applied == ["max_processes", "vm_id"], "{answer:?}");
    ensure!(data.waiting.len() == 1 && data.waiting[0].setting == "max_line_bytes", "{answer:?}");
    ensure!(client.metrics(TIMEOUT).await?.data.processes.len() == 1, "more than one process");
    let hello = client.hello(TIMEOUT).await?;
    ensure!(hello.vm_id.as_deref() == Some("x") && hello.limits.max_line_bytes == 1 << 20, "{hello:?}");
    bench.configure("allow_config_reload = true\nmax_processes = -1\n")?;
    let wrong = reload().await?;
    ensure!(wrong.error_code == Some(ErrorCode::ExecutionFailed), "{wrong:?}");
    ensure!(
        wrong.error.as_deref().is_some_and(|error| error.contains("config.toml:2: max_processes")),
        "{wrong:?}"
    );
    ensure!(client.metrics(TIMEOUT).await?.data.processes.len() == 1, "the old one stays in force");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_configuration_at_sighup_leaves_the_old_one_in_force() -> Result<()> {
    let bench = Bench::new("")?;
    let client = bench.start().await?;
    client.ping(TIMEOUT).await?;
    bench.configure("collection_interval_secs = 0\n")?;
    signal(&client, "HUP")?;
    let log = bench.log_with("not reloaded", &client).await?;
    ensure!(log.contains("collection_interval_secs"), "{log}");
    client.ping(TIMEOUT).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_answers_no_heartbeat_is_reconnected_to_and_numbers_go_on() -> Result<()> {
    let bench = Bench::new(
        "keep_alive_interval_secs = 1\nkeep_alive_timeout_secs = 2\nmin_backoff_secs = 1\nmax_backoff_secs = 1\n",
    )?;
    let client = bench.start().await?;
    let mut events = client.subscribe();
    client.set_answering_heartbeats(false);
    let number = |message: &GuestMessage| match message {
        GuestMessage::KeepAlive(beat) => Some(beat.sequence_number).filter(|number| *number < 1 << 40),
        _ => None,
    };
    let mut last = first(&mut events, "a heartbeat", number).await?;
    while !bench.log()?.contains("was not answered within 2 s; reconnecting") {
        let next = first(&mut events, "a heartbeat", number).await?;
        ensure!(next > last, "{next} after {last}");
        last = next;
    }
    client.set_answering_heartbeats(true);
    let next = first(&mut events, "a heartbeat", number).await?;
    ensure!(next > last, "{next} after {last}");
    client.ping(TIMEOUT).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_secret_only_signed_lines_are_heard() -> Result<()> {
    let bench = Bench::new("shared_secret = \"a-secret-of-the-lab\"\n")?;
    restrict(&bench.config())?;
    let client = Client::connect_signed(bench.endpoint()?, "a-secret-of-the-lab").await?;
    client.hello(TIMEOUT).await?;
    let mut events = client.subscribe();
    client.send_raw("{\"type\":\"Hello\"}\n").await?;
    let code = first(&mut events, "the refusal", |message| match message {
        GuestMessage::Error(error) => Some(error.error_code),
        _ => None,
    })
    .await?;
    ensure!(code == ErrorCode::SignatureInvalid, "{code}");
    client.request(&Action::ProcessList { limit: Some(1), sort_by: None, filter: None }, TIMEOUT).await?;
    Ok(())
}

/// The secret as a variable: neither the command's own environment nor the agent's, which it reads as root, shows it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_finds_the_secret_in_no_environment() -> Result<()> {
    let bench = Bench::new("allow_unsafe_commands = true\n")?;
    let Endpoint::Local(mut agent) = bench.endpoint()? else { bail!("another endpoint") };
    agent.env.push(("INFINISERVICE_SHARED_SECRET".into(), "a-secret-of-the-lab".into()));
    let client = Client::connect_signed(Endpoint::Local(agent), "a-secret-of-the-lab").await?;
    let pid = client.agent_pid().context("a pid")?;
    let command = UnsafeCommand {
        id: client.new_id(),
        raw_command: format!("env; cat /proc/self/environ /proc/{pid}/environ /proc/{pid}/cmdline"),
        ..UnsafeCommand::default()
    };
    let event = client.call(&HostMessage::UnsafeCommand(command), TIMEOUT).await?;
    let Some(GuestMessage::Response(response)) = event.message() else { bail!("no response") };
    ensure!(response.success && response.stdout.contains("LC_ALL=C.UTF-8"), "{response:?}");
    ensure!(!response.stdout.contains("a-secret-of-the-lab"), "{}", response.stdout);
    ensure!(!bench.log()?.contains("a-secret-of-the-lab"), "it is in the log");
    Ok(())
}

fn restrict(file: &Path) -> Result<()> {
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    Ok(fs::set_permissions(file, mode)?)
}

#[test]
fn a_required_device_that_does_not_come_ends_with_3() -> Result<()> {
    let arguments = [
        "--console",
        "--require-virtio",
        "--device",
        "/nonexistent/port",
        "--set",
        "connection_timeout_secs=1",
    ];
    let output = run_agent(&arguments)?;
    ensure!(output.status.code() == Some(3), "{output:?}");
    ensure!(String::from_utf8_lossy(&output.stderr).contains("--diagnose"), "{output:?}");
    Ok(())
}

#[test]
fn a_wrong_setting_ends_with_2_and_names_file_line_value_and_range() -> Result<()> {
    let bench = Bench::new("# fine\nmin_backoff_secs = -3\n")?;
    let config = bench.config();
    let output = run_agent(&["--config", config.to_str().context("a path")?])?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.code() == Some(2), "{output:?}");
    for wanted in ["config.toml:2", "min_backoff_secs", "-3", "3600"] {
        ensure!(text.contains(wanted), "{wanted:?} is not in: {text}");
    }
    Ok(())
}

#[test]
fn a_configuration_that_was_named_and_is_missing_ends_with_2() -> Result<()> {
    let output = run_agent(&["--config", "/nonexistent/config.toml"])?;
    ensure!(output.status.code() == Some(2), "{output:?}");
    Ok(())
}

/// Without a bound on what is in flight most have to be refused; a refusal is an answer too.
#[test]
fn commands_at_full_speed_are_answered_each_and_once() -> Result<()> {
    let (_agent, master) = LocalAgent::start(&binary::tested_agent()?, "", &[])?;
    let mut host = RawHost::new(master, "flood-")?;
    for number in 0..5000 {
        host.ask(&format!(r#""action":"ProcessList","limit":1,"filter":"no-such-{number}""#));
        host.ping();
        host.ask_metrics();
        while !host.may_ask() {
            ensure!(host.turn(TIMEOUT)?, "the connection ended: {}", host.ledger);
        }
    }
    host.settle(TIMEOUT)?;
    ensure!(host.ledger.is_balanced() && host.ledger.with_code("QUEUE_FULL") > 0, "{}", host.ledger);
    Ok(())
}
