//! What hangs in the kernel, and an agent that looks at it: a process in the middle of an execve(2) that closes a file of a
//! dead FUSE server, which every reader of its files in `/proc` then waits for.

use anyhow::{Context, Result, bail, ensure};
use infinictl::client::{self, AgentLog, Client, Endpoint};
use infiniservice_e2e::binary;
use infiniservice_e2e::fuse::Server;
use infiniservice_e2e::local::signal;
use infiniservice_protocol::Action;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::num::NonZeroU32;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Far above what is ever needed; only a test that fails waits for it.
const TIMEOUT: Duration = Duration::from_mins(2);
/// Which part this process plays, when it is not the test itself.
const PART: &str = "HANGING_TEST_PART";
const PLACE: &str = "HANGING_TEST_PLACE";

/// The server of the dead file system, in a mount namespace of its own, and a process that hangs in it.
struct Victim {
    server: Child,
    /// Once it hangs. Never 0, which would name the group of processes that the tests run in.
    pid: Option<NonZeroU32>,
}

impl Victim {
    /// `None` where there is no root, no FUSE, or no namespace.
    fn start(test: &str) -> Result<Option<Self>> {
        if !rustix::process::geteuid().is_root() || !Path::new("/dev/fuse").exists() {
            println!("left out: needs root and /dev/fuse");
            return Ok(None);
        }
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private"]).arg(std::env::current_exe()?);
        command.args(["--exact", test, "--nocapture"]).env(PART, "server").stdout(Stdio::piped());
        let mut server = command.spawn()?;
        let stdout = server.stdout.take().context("stdout")?;
        let mut victim = Self { server, pid: None };
        for line in BufReader::new(stdout).lines() {
            let line = line?;
            if let Some(pid) = line.strip_prefix("hangs ") {
                victim.pid = Some(pid.parse()?);
                return Ok(Some(victim));
            }
        }
        bail!("the server ended");
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        // With its server the process is released, and is gone with its namespace's.
        let _ = self.server.kill();
        let _ = self.server.wait();
        if let Some(pid) = self.pid {
            let _ = Command::new("kill").args(["-9", &pid.to_string()]).stderr(Stdio::null()).status();
        }
    }
}

/// Plays the part that this process was started for; `false` in the test itself.
fn plays_a_part(test: &str) -> Result<bool> {
    match std::env::var(PART).as_deref() {
        Ok("server") => serve(test)?,
        Ok(_) => {
            let place = std::env::var(PLACE)?;
            let _closed_by_exec = File::open(Path::new(&place).join("file"))?;
            return Err(Command::new("/bin/sleep").arg("1000").exec().into());
        }
        Err(_) => return Ok(false),
    }
    Ok(true)
}

fn serve(test: &str) -> Result<()> {
    let place = tempfile::tempdir()?;
    let mut server = Server::mount(place.path())?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["--exact", test, "--nocapture"]).env(PART, "victim").env(PLACE, place.path());
    let victim = command.stdout(Stdio::null()).spawn()?;
    server.serve(|| println!("\nhangs {}", victim.id()))
}

async fn start(directory: &Path) -> Result<Client> {
    let config = directory.join("config.toml");
    fs::write(
        &config,
        "collection_interval_secs = 3600\ndegraded_interval_secs = 3600\nshutdown_timeout_secs = 3\n",
    )?;
    let agent = client::LocalAgent {
        agent: Some(binary::tested_agent()?),
        config: Some(config),
        log: AgentLog::File(directory.join("log")),
        start_timeout: TIMEOUT,
        ..client::LocalAgent::default()
    };
    Ok(Client::connect(Endpoint::Local(agent)).await?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_nobody_can_look_at_stops_neither_metrics_nor_commands_nor_the_end() -> Result<()> {
    let name = "hanging::a_process_that_nobody_can_look_at_stops_neither_metrics_nor_commands_nor_the_end";
    if plays_a_part(name)? {
        return Ok(());
    }
    let Some(victim) = Victim::start(name)? else { return Ok(()) };
    let hanging = victim.pid.context("nothing hangs")?.get();
    let directory = tempfile::tempdir()?;
    let client = start(directory.path()).await?;
    for _ in 0..3 {
        let metrics = client.metrics(TIMEOUT).await?;
        ensure!(metrics.data.system.memory.total_kb > 0 && !metrics.data.processes.is_empty());
        let named = metrics.collection.failed.iter().any(|failed| {
            failed.collector == "processes" && failed.error.starts_with(&format!("/proc/{hanging}/"))
        });
        ensure!(named, "process {hanging} is not named: {:?}", metrics.collection.failed);
    }
    let own = client.agent_pid().context("a pid")?;
    let list = Action::ProcessList { limit: None, sort_by: None, filter: None };
    let listed = client.request(&list, TIMEOUT).await?;
    let data = listed.data["processes"].as_array().context("a list")?;
    ensure!(data.iter().any(|process| process["pid"] == own), "the rest is listed: {listed:?}");

    let kill = client.request(&Action::ProcessKill { pid: hanging, force: true }, TIMEOUT).await?;
    // SIGKILL ends it where its server never saw the request; else it hangs on, and that is said.
    ensure!(kill.success || kill.error.as_deref().is_some_and(|e| e.contains("still")), "{kill:?}");
    client.ping(TIMEOUT).await?;

    signal(&client, "TERM")?;
    tokio::time::timeout(TIMEOUT, client.closed()).await.context("the end")?;
    let log = fs::read_to_string(directory.path().join("log"))?;
    let told = log.lines().filter(|line| line.contains(&format!("/proc/{hanging}/")));
    let told: Vec<_> = told.filter(|line| line.contains("no answer for")).collect();
    ensure!((1..=3).contains(&told.len()), "once for each file:\n{log}");
    ensure!(log.contains("stopped after"), "{log}");
    Ok(())
}
