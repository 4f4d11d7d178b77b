//! Sealed lines through a hub that carries, records, repeats and changes what it likes.

use anyhow::{Context, Result, ensure};
use infinictl::client::{Client, ClientError, Endpoint};
use infiniservice_e2e::binary;
use infiniservice_e2e::local::LocalAgent;
use infiniservice_protocol::guest::GuestMessage;
use infiniservice_protocol::host::{HostMessage, UnsafeCommand};
use infiniservice_protocol::sealed::{HostEnd, KeyPair, PublicKey};
use infiniservice_protocol::{ErrorCode, Response};
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

/// Far above what is ever needed; only a test that fails waits for it.
const TIMEOUT: Duration = Duration::from_mins(3);
/// Stands in commands and in what they write.
const SECRET: &str = "the-word-that-nobody-else-may-read";

/// What went through, in both directions.
type Record = Arc<Mutex<Vec<u8>>>;

/// An agent whose controllers are `ops-2`, `ops-3` and the monitor `mon`, behind a hub.
struct Bench {
    agent: LocalAgent,
    directory: TempDir,
    record: Record,
}

fn pair(n: u8) -> KeyPair {
    KeyPair::from_bytes([n; 32])
}

fn controllers(kids: &[(&str, u8)]) -> String {
    let line = |(kid, n): &(&str, u8)| {
        let role = if *kid == "mon" { " monitor" } else { "" };
        format!("{kid} {}{role}\n", pair(*n).public())
    };
    kids.iter().map(line).collect()
}

impl Bench {
    fn new(more: &str) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let at = |name: &str| directory.path().join(name).display().to_string();
        fs::write(at("controllers"), controllers(&[("ops-2", 2), ("ops-3", 3), ("mon", 4)]))?;
        let config = format!(
            "controller_keys = {:?}\nsealed_key_file = {:?}\nallow_unsafe_commands = true\nqga = \"false\"\n{more}",
            at("controllers"),
            at("sealed.key")
        );
        let (agent, master) = LocalAgent::start(&binary::tested_agent()?, &config, &[])?;
        let record = Record::default();
        let listener = UnixListener::bind(directory.path().join("hub"))?;
        hub(listener, File::from(master), Arc::clone(&record))?;
        Ok(Self { agent, directory, record })
    }

    fn endpoint(&self) -> Endpoint {
        Endpoint::Channel(self.directory.path().join("hub"))
    }

    /// The guest's key, as it shows it in the open.
    async fn guest_key(&self) -> Result<PublicKey> {
        let client = Client::connect(self.endpoint()).await?;
        let hello = client.hello(TIMEOUT).await?;
        client.close().await;
        let sealed =
            hello.features.sealed.clone().with_context(|| {
                format!("it has no key: {hello:?}\n{}", self.agent.log().unwrap_or_default())
            })?;
        PublicKey::parse(&sealed.public_key).map_err(anyhow::Error::msg)
    }

    async fn controller(&self, kid: &str, n: u8) -> Result<Client> {
        let end = HostEnd::new(kid, pair(n), self.guest_key().await?);
        Ok(Client::connect_sealed(self.endpoint(), end).await?)
    }

    fn recorded(&self) -> String {
        let bytes = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// What the hub saw of commands: whole sealed lines of controllers.
    fn sealed_commands(&self) -> Vec<String> {
        let recorded = self.recorded();
        recorded
            .lines()
            .filter(|line| line.contains("\"kid\":") && line.ends_with('}'))
            .map(str::to_owned)
            .collect()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

/// Carries one host after the other, and records all.
fn hub(listener: UnixListener, port: File, record: Record) -> Result<()> {
    let host: Arc<Mutex<Option<UnixStream>>> = Arc::default();
    let (mut from_guest, to_record, to_host) = (port.try_clone()?, Arc::clone(&record), Arc::clone(&host));
    let note = |record: &Record, bytes: &[u8]| {
        record.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
    };
    thread::spawn(move || {
        let mut buffer = vec![0; 1 << 16];
        while let Ok(count @ 1..) = from_guest.read(&mut buffer) {
            let bytes = buffer.get(..count).unwrap_or_default();
            note(&to_record, bytes);
            if let Some(host) = to_host.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
                let _it_left = host.write_all(bytes);
            }
        }
    });
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            *host.lock().unwrap_or_else(PoisonError::into_inner) = stream.try_clone().ok();
            let (mut stream, mut port) = (stream, &port);
            let mut buffer = vec![0; 1 << 16];
            while let Ok(count @ 1..) = stream.read(&mut buffer) {
                let bytes = buffer.get(..count).unwrap_or_default();
                note(&record, bytes);
                if port.write_all(bytes).is_err() {
                    return;
                }
            }
        }
    });
    Ok(())
}

async fn run(client: &Client, raw_command: &str) -> Result<Response, ClientError> {
    let command = UnsafeCommand {
        id: client.new_id(),
        raw_command: raw_command.into(),
        progress: true,
        ..UnsafeCommand::default()
    };
    let message = HostMessage::UnsafeCommand(command);
    match client.call(&message, TIMEOUT).await?.message() {
        Some(GuestMessage::Response(response)) => Ok(response.clone()),
        _ => Err(ClientError::WrongAnswer { what: "UnsafeCommand".into() }),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_carries_commands_output_and_answers_and_sees_nothing_of_them() -> Result<()> {
    let bench = Bench::new("plain_metrics = false\nplain_reads = false\n")?;
    let client = bench.controller("ops-2", 2).await?;
    // What it shows in the open to everybody has names of actions.
    bench.record.lock().unwrap_or_else(PoisonError::into_inner).clear();
    let answer = run(&client, &format!("echo {SECRET}; echo {SECRET} >&2; exit 3")).await?;
    ensure!(answer.stdout.trim() == SECRET && answer.stderr.trim() == SECRET, "{answer:?}");
    ensure!(answer.exit_code == Some(3));
    let metrics = client.metrics(TIMEOUT).await?;
    ensure!(metrics.data.system.uptime_seconds > 0);
    client.close().await;
    let recorded = bench.recorded();
    ensure!(recorded.contains("\"to\":\"ops-2\""), "{recorded}");
    for word in [SECRET, "UnsafeCommand", "raw_command", "system_metrics", "uptime_seconds", "exit_code"] {
        ensure!(!recorded.contains(word), "the hub saw {word}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_that_repeats_changes_or_commands_itself_changes_nothing() -> Result<()> {
    let bench = Bench::new("")?;
    let file = bench.file("runs");
    let client = bench.controller("ops-2", 2).await?;
    run(&client, &format!("echo once >> {}", file.display())).await?;
    client.close().await;
    let hub = Client::connect(bench.endpoint()).await?;
    let mut lines = bench.sealed_commands();
    let line = lines.pop().context("a sealed command")?;
    let middle = line.find("\"ct\":\"").context("a ciphertext")? + 20;
    let changed = format!(
        "{}{}{}",
        &line[..middle],
        if line[middle..].starts_with('A') { 'B' } else { 'A' },
        &line[middle + 1..]
    );
    let (other, routed) = (line.replace("ops-2", "ops-3"), line.replacen("\"id\":\"", "\"id\":\"x", 1));
    for attack in [&line, &changed, &other, &routed] {
        let id =
            serde_json::from_str::<serde_json::Value>(attack)?["id"].as_str().context("an id")?.to_owned();
        let mut events = hub.subscribe();
        hub.send_raw(format!("{attack}\n")).await?;
        let refused =
            infiniservice_e2e::messages::first(&mut events, "the refusal", |message| match message {
                GuestMessage::Response(response) if response.id == id => Some(response.clone()),
                _ => None,
            });
        ensure!(refused.await?.error_code == Some(ErrorCode::SignatureInvalid), "{attack}");
    }
    let plain = run(&hub, &format!("echo plain >> {}", file.display())).await?;
    ensure!(plain.error_code == Some(ErrorCode::SignatureInvalid), "{plain:?}");
    ensure!(fs::read_to_string(&file)? == "once\n");
    ensure!(bench.agent.log()?.contains("a line was refused because of its signature"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_for_one_guest_is_nothing_to_another() -> Result<()> {
    let (one, other) = (Bench::new("")?, Bench::new("")?);
    ensure!(one.guest_key().await? != other.guest_key().await?, "each guest makes a key of its own");
    let end = HostEnd::new("ops-2", pair(2), one.guest_key().await?);
    let client = Client::connect_sealed(other.endpoint(), end).await?;
    let answer = run(&client, "true").await?;
    ensure!(answer.error_code == Some(ErrorCode::SignatureInvalid), "{answer:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_replaced_one_by_one_without_a_restart() -> Result<()> {
    let bench = Bench::new("")?;
    let (old, new) = (bench.controller("ops-2", 2).await?, KeyPair::from_bytes([5; 32]));
    ensure!(run(&old, "true").await?.success);
    old.close().await;
    fs::write(bench.file("controllers"), controllers(&[("ops-3", 3), ("ops-5", 5)]))?;
    let pid = bench.agent.pid().to_string();
    ensure!(std::process::Command::new("kill").args(["-s", "HUP", &pid]).status()?.success());
    let mut kids = Vec::new();
    while kids != ["ops-3", "ops-5"] {
        let client = Client::connect(bench.endpoint()).await?;
        kids = client.hello(TIMEOUT).await?.features.sealed.context("it has keys")?.kids;
        client.close().await;
    }
    let old = bench.controller("ops-2", 2).await?;
    ensure!(run(&old, "true").await?.error_code == Some(ErrorCode::SignatureInvalid));
    old.close().await;
    let end = HostEnd::new("ops-5", new, bench.guest_key().await?);
    let new = Client::connect_sealed(bench.endpoint(), end).await?;
    ensure!(run(&new, "true").await?.success);
    Ok(())
}
