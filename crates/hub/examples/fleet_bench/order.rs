//! One order to all machines, from the operator's word to the last outcome.

use crate::Cli;
use crate::running::{Process, Running};
use crate::table::{Table, median, reached};
use anyhow::{Context as _, Result, ensure};
use infinictl::hub::Api;
use infiniservice_engine::{Engine, Layout, Settings};
use infiniservice_fleet::message::{Stage, text};
use infiniservice_fleet::subject::{self, JobKey, job_key};
use infiniservice_fleet::{OperatorKey, Order, Progress, Signed};
use infiniservice_lab::NatsServer;
use serde_json::json;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::time::sleep;

/// Who gives the orders.
pub const OPERATOR: &str = "alice";
const PATIENCE: Duration = Duration::from_secs(300);
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// The coordinator's own hub, which has no machines.
const COORDINATORS: usize = 1;

/// The operator's key: it is for this benchmark only.
pub fn key() -> OperatorKey {
    OperatorKey::generate([7; 32])
}

struct Fleet {
    server: NatsServer,
    coordinator: Running,
    hubs: Running,
    engine: Engine,
    directory: tempfile::TempDir,
}

/// What one round took: seconds, and the processor time of server, coordinator and simulated hubs, in seconds.
struct Round {
    elapsed: f64,
    spent: [f64; 3],
}

/// All rounds, and their medians.
pub async fn rounds(cli: &Cli, table: &mut Table) -> Result<()> {
    let fleet = Fleet::start(cli).await?;
    let mut rounds = Vec::new();
    for n in 0..cli.rounds.max(1) {
        rounds.push(fleet.round(cli, &format!("bench-{n}")).await?);
    }
    let middle = |of: &dyn Fn(&Round) -> f64| median(rounds.iter().map(of).collect());
    let elapsed = middle(&|round| round.elapsed);
    let [server, coordinator, hubs] = [0, 1, 2].map(|n| middle(&move |round: &Round| round.spent[n]));
    let machines = cli.hubs * cli.machines;
    table.row(
        &format!("one command to {machines} machines on {} hubs, to the last outcome", cli.hubs),
        &format!("{elapsed:.1} s"),
        "",
        &reached(elapsed, 10.0, "≤ 10 s"),
    );
    table.row(
        "the same, processor of server, coordinator and simulated hubs",
        &format!("{server:.1}, {coordinator:.1} and {hubs:.1} s"),
        "",
        "",
    );
    let (server, coordinator) = (fleet.server()?.memory("VmHWM")?, fleet.coordinator.memory("VmHWM")?);
    table.row(
        "the same, most memory of server and coordinator",
        &format!("{server:.0} and {coordinator:.0} MB"),
        "",
        "",
    );
    Ok(())
}

impl Fleet {
    async fn start(cli: &Cli) -> Result<Self> {
        let server = NatsServer::start()?;
        let settings = Settings { url: server.url(), name: "bench".to_owned(), ..Settings::default() };
        let engine = Engine::connect(&settings).await?;
        engine.set_up(&Layout::of_fleet(1)).await?;
        let directory = tempfile::tempdir()?;
        let coordinator = coordinator(cli, &server, directory.path())?;
        let mut hubs = Command::new(std::env::current_exe()?);
        hubs.args(["--of-server", &server.url(), "--hubs", &cli.hubs.to_string()]);
        hubs.args(["--machines", &cli.machines.to_string()]);
        let hubs = Running::start(&mut hubs, Some(&directory.path().join("hubs.log")))?;
        let fleet = Self { server, coordinator, hubs, engine, directory };
        fleet.until_all_are_there(cli).await?;
        Ok(fleet)
    }

    async fn until_all_are_there(&self, cli: &Cli) -> Result<()> {
        let began = Instant::now();
        let api = Api::new(&self.directory.path().join("api.sock"));
        loop {
            let hubs = self.engine.watch(subject::HUBS, ">").await?.there();
            let vms = self.engine.watch(subject::VMS, ">").await?.there();
            let own = api.get("/v1/hub").await.unwrap_or_default();
            let leads = own["engine"]["is_coordinator"] == true;
            if leads && hubs as usize == cli.hubs + COORDINATORS && vms as usize == cli.hubs * cli.machines {
                eprintln!(
                    "{hubs} hubs and {vms} machines are there after {:.1} s",
                    began.elapsed().as_secs_f64()
                );
                return Ok(());
            }
            ensure!(
                began.elapsed() < PATIENCE,
                "{hubs} hubs and {vms} machines are there, no more; a coordinator: {leads}; {}",
                self.log()
            );
            sleep(Duration::from_secs(1)).await;
        }
    }

    fn log(&self) -> String {
        let read = |name| std::fs::read_to_string(self.directory.path().join(name)).unwrap_or_default();
        format!("{}\n{}", read("hubs.log"), read("coordinator.log"))
    }

    async fn round(&self, cli: &Cli, id: &str) -> Result<Round> {
        let order = text(&Signed::order(&order(id)?, &key())).into_bytes();
        let (before, began) = (self.spent()?, Instant::now());
        self.engine.create(subject::JOBS, &job_key(id, &JobKey::Order), order).await?;
        let progress = loop {
            match self.progress(id).await? {
                Some(progress) if progress.state == Stage::Finished => break progress,
                _ => ensure!(began.elapsed() < PATIENCE, "{id} does not end; {}", self.log()),
            }
            sleep(LOOK_EVERY).await;
        };
        let elapsed = began.elapsed().as_secs_f64();
        let all = (cli.hubs * cli.machines) as u64;
        let (counts, targets) = (&progress.counts, u64::from(progress.targets));
        ensure!(targets == all && u64::from(counts.answered) == all, "not all answered: {progress:?}");
        let after = self.spent()?;
        eprintln!("{id}: {elapsed:.2} s");
        Ok(Round { elapsed, spent: [0, 1, 2].map(|n| after[n] - before[n]) })
    }

    async fn progress(&self, id: &str) -> Result<Option<Progress>> {
        let entry = self.engine.get(subject::JOBS, &job_key(id, &JobKey::Progress)).await?;
        let value = entry.and_then(|entry| entry.value);
        Ok(value.map(|value| serde_json::from_slice(&value)).transpose()?)
    }

    fn server(&self) -> Result<Process> {
        Ok(Process(self.server.pid()?))
    }

    fn spent(&self) -> Result<[f64; 3]> {
        let all = [self.server()?.cpu()?, self.coordinator.cpu()?, self.hubs.cpu()?];
        Ok(all.map(|spent| spent.as_secs_f64()))
    }
}

fn coordinator(cli: &Cli, server: &NatsServer, directory: &Path) -> Result<Running> {
    let (root, url, public) = (directory.display(), server.url(), key().public().to_text());
    let config = format!(
        "sources = [\"{root}/guests/{{vm}}.sock\"]\napi_socket = \"{root}/api.sock\"\nsecrets_dir = \"{root}/secrets\"\n\
         state_dir = \"{root}/state\"\nwire_socket = \"{root}/wire.sock\"\n\
         [fleet]\nurl = \"{url}\"\nhub = \"coordinator\"\ncoordinator = true\n\
         [[operator]]\nname = \"{OPERATOR}\"\nkey = \"{public}\"\n"
    );
    let file = directory.join("config.toml");
    std::fs::write(&file, config)?;
    let program = cli.programs.join("infinihub");
    let mut command = Command::new(program);
    Running::start(command.arg("--config").arg(&file), Some(&directory.join("coordinator.log")))
}

fn order(id: &str) -> Result<Order> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970")?;
    let at_ms = u64::try_from(since.as_millis())?;
    let order = json!({"id": id, "at_ms": at_ms, "not_after_ms": at_ms + 600_000, "vms": "all",
        "message": {"type": "SafeCommand", "command_type":
            {"action": "ServiceControl", "service": "nginx", "operation": "restart"}},
        "max_concurrency": "100%", "operator": OPERATOR});
    Ok(serde_json::from_value(order)?)
}
