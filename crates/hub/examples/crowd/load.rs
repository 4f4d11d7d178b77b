//! What happens to them, and what is counted at the end.

use crate::Cli;
use crate::guests;
use crate::running::Running;
use anyhow::{Context as _, Result, bail, ensure};
use infinictl::client::{Client, Endpoint};
use infinictl::hub::Api;
use infiniservice_hub_sim::Guest;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long anything may take that is waited for.
const PATIENCE: Duration = Duration::from_secs(180);
/// Between two looks at what is waited for.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// Machines of which the agent is started anew each second.
const RESTARTS_A_SECOND: usize = 5;
/// What the hub may take: for itself with its floods, and for each machine. Megabytes of 10^6 bytes.
const MAX_MEMORY_MB: (f64, f64) = (60.0, 0.02);
/// Descriptors beside one for each machine.
const MAX_OTHER_DESCRIPTORS: usize = 64;

/// Starts all of it, lets it run, and compares.
pub async fn run(cli: Cli) -> Result<()> {
    let directory = tempfile::tempdir()?;
    let guests = guests::start(&directory.path().join("guests"), cli.guests)?;
    let hub = guests::hub(&cli.hub, directory.path())?;
    let done = all_of_it(&cli, directory.path(), &guests, &hub).await;
    done.with_context(|| {
        std::fs::read_to_string(directory.path().join("log")).map_or_else(|e| e.to_string(), |log| tail(&log))
    })
}

fn tail(log: &str) -> String {
    let lines: Vec<_> = log.lines().rev().take(20).collect();
    format!("the hub's last lines, the newest first:\n{}", lines.join("\n"))
}

async fn all_of_it(cli: &Cli, directory: &Path, guests: &[Guest], hub: &Running) -> Result<()> {
    let api = Api::new(&directory.join("api.sock"));
    let began = Instant::now();
    let heard = |row: &Value| row["heard_ms"].is_u64();
    let all = || async { Ok(machines(&api).await?.iter().filter(|row| heard(row)).count() == guests.len()) };
    until("all machines are heard", all).await?;
    println!("{} guests are connected after {:.1} s", guests.len(), began.elapsed().as_secs_f64());
    let (job, pings) = load(cli, directory, guests, &api).await?;
    let cpu = hub.cpu()?;
    outcomes(&api, &job, guests).await?;
    for guest in guests {
        guest.hush();
    }
    // Its counts are final once the hub has read what is under way; until then they differ.
    let same = || async { Ok(differences(&machines(&api).await?, guests).is_empty()) };
    if let Err(error) = until("both sides count the same", same).await {
        let different = differences(&machines(&api).await?, guests);
        let first: Vec<_> = different.iter().take(10).map(String::as_str).collect();
        bail!("{error}: {} machines differ: {}", different.len(), first.join("; "));
    }
    report(guests, pings, cpu, began.elapsed());
    bounds(hub, guests.len())
}

/// Lets time pass: agents are started anew, a client asks all the while, and a job runs over nearly all.
async fn load(cli: &Cli, directory: &Path, guests: &[Guest], api: &Api) -> Result<(String, u64)> {
    let until = Instant::now() + Duration::from_secs(cli.seconds);
    let well: Vec<&Guest> = guests.iter().filter(|guest| guest.name().starts_with("well-")).collect();
    let (steady, others) = well.split_first().context("no guest is well")?;
    let (mut pings, mut second, mut job) = (0, 0, None);
    let client = connected(&directory.join("wire.sock"), steady.name()).await?;
    while Instant::now() < until {
        client.ping(PATIENCE).await.context("a guest that is well was not heard through the hub")?;
        pings += 1;
        for n in 0..RESTARTS_A_SECOND {
            if let Some(guest) = others.get((second * RESTARTS_A_SECOND + n) % others.len().max(1)) {
                guest.restart();
            }
        }
        if job.is_none() && second >= 10 {
            job = Some(start_job(api).await?);
        }
        second += 1;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let job = match job {
        Some(job) => job,
        None => start_job(api).await?,
    };
    Ok((job, pings))
}

/// Connects. A hub that has just got thousands of machines on a busy host may need more than one try.
async fn connected(socket: &Path, vm: &str) -> Result<Client> {
    let until = Instant::now() + PATIENCE;
    loop {
        match Client::connect(Endpoint::Hub { socket: socket.to_owned(), vm: vm.to_owned() }).await {
            Ok(client) => return Ok(client),
            Err(error) => ensure!(Instant::now() < until, "{error}"),
        }
    }
}

/// A change, for all but those that hang, so that the end of the job need not be waited for for minutes.
async fn start_job(api: &Api) -> Result<String> {
    let restart = json!({"type": "SafeCommand", "command_type":
        {"action": "ServiceControl", "service": "nginx", "operation": "restart"}});
    let vms = "well-*,torn-*,churns-*,noise-*";
    let job = api.post("/v1/jobs", &json!({"vms": vms, "message": restart, "max_concurrency": 200})).await?;
    job["id"].as_str().map(str::to_owned).context("the job has no id")
}

/// Each machine has one outcome, and none did it twice.
async fn outcomes(api: &Api, job: &str, guests: &[Guest]) -> Result<()> {
    let address = format!("/v1/jobs/{job}");
    until("the job has finished", || async { Ok(api.get(&address).await?["state"] == "finished") }).await?;
    let document = api.get(&address).await?;
    let carried_out: HashMap<&str, usize> =
        guests.iter().map(|guest| (guest.name(), of_job(guest, job))).collect();
    let mut counts = BTreeMap::<String, u64>::new();
    for row in document["machines"].as_array().context("no machines")? {
        let (vm, state) = (text(&row["vm"]), text(&row["state"]));
        let times = carried_out.get(vm).copied().unwrap_or(0);
        ensure!(times <= 1, "{vm} did it {times} times: {row}");
        ensure!(times == 1 || state != "answered", "{vm} did not do it: {row}");
        *counts.entry(state.to_owned()).or_default() += 1;
    }
    let sum: u64 = counts.values().sum();
    ensure!(Some(sum) == document["targets"].as_u64(), "{sum} outcomes: {}", document["targets"]);
    println!("the job's outcomes: {counts:?}, nothing was done twice");
    Ok(())
}

fn of_job(guest: &Guest, job: &str) -> usize {
    let begin = format!("{job}/");
    guest.carried_out().iter().filter(|(id, _)| id.starts_with(&begin)).count()
}

async fn machines(api: &Api) -> Result<Vec<Value>> {
    match api.get("/v1/vms").await? {
        Value::Array(machines) => Ok(machines),
        other => bail!("the hub's machines are {other}"),
    }
}

/// Machines of which both sides do not count the same.
fn differences(machines: &[Value], guests: &[Guest]) -> Vec<String> {
    let counted: HashMap<&str, [u64; 2]> = machines
        .iter()
        .map(|row| {
            (text(&row["name"]), [&row["lines"], &row["malformed_lines"]].map(|n| n.as_u64().unwrap_or(0)))
        })
        .collect();
    let different = guests.iter().filter_map(|guest| {
        let (said, heard) = (guest.said(), counted.get(guest.name()).copied().unwrap_or_default());
        let sent = [said.lines, said.malformed];
        (sent != heard).then(|| format!("{} sent {sent:?}, the hub counts {heard:?}", guest.name()))
    });
    different.collect()
}

fn report(guests: &[Guest], pings: u64, cpu: Duration, lasted: Duration) {
    let (mut lines, mut malformed) = (0, 0);
    for said in guests.iter().map(Guest::said) {
        lines += said.lines;
        malformed += said.malformed;
    }
    println!(
        "both sides count {lines} lines, {malformed} of them no messages; {pings} of {pings} pings were answered"
    );
    let share = cpu.as_secs_f64() / lasted.as_secs_f64() * 100.0;
    println!("the hub took {:.1} s of processor time, {share:.1} % of a core", cpu.as_secs_f64());
}

fn bounds(hub: &Running, guests: usize) -> Result<()> {
    let (memory, descriptors) = (hub.memory("VmHWM")?, std::fs::read_dir(hub.file("fd"))?.count());
    let most = MAX_MEMORY_MB.0 + guests as f64 * MAX_MEMORY_MB.1;
    println!("at most {memory:.0} MB resident (bound {most:.0}), {descriptors} descriptors");
    ensure!(memory <= most, "{memory:.0} MB are more than {most:.0}");
    ensure!(descriptors <= guests + MAX_OTHER_DESCRIPTORS, "{descriptors} descriptors");
    Ok(())
}

/// Looks again and again until it is so. What the hub does not answer yet is not so.
async fn until<F: Future<Output = Result<bool>>>(what: &str, look: impl Fn() -> F) -> Result<()> {
    let until = Instant::now() + PATIENCE;
    loop {
        let looked = look().await;
        if matches!(looked, Ok(true)) {
            return Ok(());
        }
        ensure!(Instant::now() < until, "not within {PATIENCE:?}: {what} ({looked:?})");
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
