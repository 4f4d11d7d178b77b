//! What the agent says of each trouble, on a pseudo-terminal: as the tables of docs/operations.md quote it.
//!
//! Those that need a real port or systemd are in `tests/machine/symptoms.rs`.

use anyhow::{Context, Result, ensure};
use infinictl::client::{AgentLog, Client, Endpoint, LocalAgent};
use infiniservice_e2e::local::signal;
use infiniservice_e2e::messages::first;
use infiniservice_e2e::{binary, operations};
use infiniservice_protocol::envelope::Signer;
use infiniservice_protocol::{GuestMessage, Response};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;

/// Far above what is ever needed; only a test that fails waits for it.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Heartbeats and retries that need not be waited for.
const QUICK: &str = "keep_alive_interval_secs = 1\nkeep_alive_timeout_secs = 1\nmin_backoff_secs = 1\nmax_backoff_secs = 1\n\
connection_timeout_secs = 1\nhealth_check_interval_secs = 1\n";
const SECRET: &str = "a-secret-of-the-lab";

/// An agent with a configuration and a log of its own, and its host.
struct Bench {
    dir: TempDir,
    client: Client,
}

impl Bench {
    async fn new(config: &str) -> Result<Self> {
        Self::signed(config, None).await
    }

    async fn signed(config: &str, secret: Option<&str>) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let file = dir.path().join("config.toml");
        fs::write(&file, config)?;
        fs::set_permissions(&file, PermissionsExt::from_mode(0o600))?;
        let agent = LocalAgent {
            agent: Some(binary::tested_agent()?),
            config: Some(file),
            log: AgentLog::File(dir.path().join("log")),
            start_timeout: TIMEOUT,
            ..LocalAgent::default()
        };
        let endpoint = Endpoint::Local(agent);
        let client = match secret {
            // The refusal of the client's own unsigned heartbeats would be the one of its minute that is told.
            Some(secret) => Client::connect_signed(endpoint, secret).await?,
            None => Client::connect(endpoint).await?,
        };
        Ok(Self { dir, client })
    }

    /// The log, and behind it `answer`, hold what the page quotes for `test`.
    fn shown(&self, test: &str, answer: &str) -> Result<()> {
        let log = self.dir.path().join("log");
        operations::shown(test, || Ok(fs::read_to_string(&log)? + answer))
    }

    /// Sends a command as this JSON text, with `ID` in it replaced, and waits for its answer.
    async fn command(&self, json: &str) -> Result<Response> {
        let id = self.client.new_id();
        let mut events = self.client.subscribe();
        self.client.send_raw(format!("{}\n", json.replace("ID", &id))).await?;
        let mine = |message: &GuestMessage| match message {
            GuestMessage::Response(response) if response.id == id => Some(response.clone()),
            _ => None,
        };
        first(&mut events, "the answer", mine).await
    }
}

/// Runs the agent to its end; what it said.
fn run_agent(arguments: &[&str]) -> Result<String> {
    let mut agent = Command::new(binary::tested_agent()?);
    let output = agent.args(arguments).env_clear().stdin(Stdio::null()).output()?;
    ensure!(!output.status.success(), "{output:?}");
    Ok(String::from_utf8(output.stderr)?)
}

fn said(response: &Response) -> String {
    format!("{} {}", response.error.as_deref().unwrap_or_default(), response.stderr)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_does_not_read() -> Result<()> {
    let bench = Bench::new(&format!("{QUICK}circuit_breaker_failure_threshold = 100\n")).await?;
    bench.client.ping(TIMEOUT).await?;
    bench.client.set_reading(false);
    // More than a terminal holds, so that the agent's writes stop.
    for _ in 0..40 {
        let id = bench.client.new_id();
        let list = r#"{"type":"SafeCommand","id":"ID","command_type":{"action":"ProcessList"}}"#;
        bench.client.send_raw(format!("{}\n", list.replace("ID", &id))).await?;
    }
    let log = bench.dir.path().join("log");
    while !fs::read_to_string(&log)?.contains("taken no byte") {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bench.client.set_reading(true);
    bench.shown("a_host_that_does_not_read", "")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_answers_no_heartbeats() -> Result<()> {
    let bench = Bench::new(&format!("{QUICK}circuit_breaker_failure_threshold = 100\n")).await?;
    bench.client.set_answering_heartbeats(false);
    bench.shown("a_host_that_answers_no_heartbeats", "")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_that_keeps_failing() -> Result<()> {
    let breaker = "circuit_breaker_failure_threshold = 2\ncircuit_breaker_open_secs = 1\n";
    let bench = Bench::new(&format!("{QUICK}{breaker}")).await?;
    bench.client.set_answering_heartbeats(false);
    let log = bench.dir.path().join("log");
    while !fs::read_to_string(&log)?.contains("circuit breaker open") {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bench.client.set_answering_heartbeats(true);
    bench.shown("a_channel_that_keeps_failing", "")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_that_are_no_messages() -> Result<()> {
    let bench = Bench::new("").await?;
    bench.client.send_raw("{\"type\":\n").await?;
    bench.shown("lines_that_are_no_messages", "")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_bad_lines() -> Result<()> {
    let bench = Bench::new("").await?;
    bench.client.send_raw("noise\n".repeat(500)).await?;
    bench.client.ping(TIMEOUT).await?;
    signal(&bench.client, "TERM")?;
    bench.shown("a_flood_of_bad_lines", "")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_the_policy_forbids() -> Result<()> {
    let bench = Bench::new("blocked_actions = [\"ProcessKill\"]\n").await?;
    let kill = r#"{"type":"SafeCommand","id":"ID","command_type":{"action":"ProcessKill","pid":4194305}}"#;
    let answer = bench.command(kill).await?;
    bench.shown("a_command_that_the_policy_forbids", &said(&answer))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_raw_command_where_they_are_off() -> Result<()> {
    let bench = Bench::new("").await?;
    let answer = bench.command(r#"{"type":"UnsafeCommand","id":"ID","raw_command":"id"}"#).await?;
    bench.shown("a_raw_command_where_they_are_off", &said(&answer))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn raw_commands_where_they_are_on() -> Result<()> {
    let bench = Bench::new("allow_unsafe_commands = true\n").await?;
    bench.shown("raw_commands_where_they_are_on", "")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_does_not_sign() -> Result<()> {
    let bench = Bench::new(&format!("shared_secret = \"{SECRET}\"\n")).await?;
    bench.client.send_raw("{\"type\":\"Hello\"}\n").await?;
    bench.shown("a_host_that_does_not_sign", "")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_with_another_secret() -> Result<()> {
    let bench = Bench::signed(&format!("shared_secret = \"{SECRET}\"\n"), Some(SECRET)).await?;
    let line = Signer::new("another-secret-altogether").sign(now_ms()?, "1", r#"{"type":"Hello"}"#);
    bench.client.send_raw(line).await?;
    bench.shown("a_host_with_another_secret", "")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clocks_that_differ_by_ten_minutes() -> Result<()> {
    let bench = Bench::signed(&format!("shared_secret = \"{SECRET}\"\n"), Some(SECRET)).await?;
    let line = Signer::new(SECRET).sign(now_ms()? + 600_000, "1", r#"{"type":"Hello"}"#);
    bench.client.send_raw(line).await?;
    bench.shown("clocks_that_differ_by_ten_minutes", "")
}

fn now_ms() -> Result<u64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis().try_into()?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_commands_than_the_queue_holds() -> Result<()> {
    let limits = "allow_unsafe_commands = true\nmax_concurrent_commands = 1\nmax_queued_commands = 1\n";
    let bench = Bench::new(limits).await?;
    let slow = r#"{"type":"UnsafeCommand","id":"ID","raw_command":"sleep 1000"}"#;
    let mut events = bench.client.subscribe();
    for _ in 0..8 {
        bench.client.send_raw(format!("{}\n", slow.replace("ID", &bench.client.new_id()))).await?;
    }
    let any = |message: &GuestMessage| match message {
        GuestMessage::Response(response) => Some(response.clone()),
        _ => None,
    };
    let answer = first(&mut events, "an answer", any).await?;
    bench.shown("more_commands_than_the_queue_holds", &said(&answer))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_takes_too_long() -> Result<()> {
    let bench = Bench::new("allow_unsafe_commands = true\n").await?;
    let slow = r#"{"type":"UnsafeCommand","id":"ID","timeout":1,"raw_command":"sleep 1000"}"#;
    let answer = bench.command(slow).await?;
    bench.shown("a_command_that_takes_too_long", &said(&answer))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_while_a_command_runs() -> Result<()> {
    let bench = Bench::new("allow_unsafe_commands = true\nshutdown_timeout_secs = 2\n").await?;
    let id = bench.client.new_id();
    let slow = r#"{"type":"UnsafeCommand","id":"ID","raw_command":"sleep 1000"}"#;
    bench.client.send_raw(format!("{}\n", slow.replace("ID", &id))).await?;
    bench.client.ping(TIMEOUT).await?;
    signal(&bench.client, "TERM")?;
    bench.shown("a_stop_while_a_command_runs", "")
}

/// What this configuration is said to be when the running agent is told to read it.
async fn at_a_reload(test: &str, config: &str) -> Result<()> {
    let bench = Bench::new("").await?;
    bench.client.ping(TIMEOUT).await?;
    fs::write(bench.dir.path().join("config.toml"), config)?;
    signal(&bench.client, "HUP")?;
    bench.shown(test, "")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_configuration_at_a_reload() -> Result<()> {
    at_a_reload("a_broken_configuration_at_a_reload", "collection_interval_secs = 0\n").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_setting_that_wants_a_restart() -> Result<()> {
    at_a_reload("a_setting_that_wants_a_restart", "max_line_bytes = 8192\n").await
}

#[test]
fn a_wrong_setting_at_the_start() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("config.toml");
    fs::write(&file, "min_backof_secs = 3\n")?;
    let said = run_agent(&["--config", file.to_str().context("a path")?])?;
    operations::shown("a_wrong_setting_at_the_start", || Ok(said.clone()))
}

#[test]
fn a_port_that_is_required_and_missing() -> Result<()> {
    let required = ["--console", "--require-virtio", "--device", "/nonexistent/port"];
    let said = run_agent(&[&required[..], &["--set", "connection_timeout_secs=1"]].concat())?;
    operations::shown("a_port_that_is_required_and_missing", || Ok(said.clone()))
}
