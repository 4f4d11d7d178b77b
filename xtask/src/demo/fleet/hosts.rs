//! `cargo xtask demo --fleet --hosts 3`: several hosts, each with its hub, simulated guests and a real agent, and the real server of
//! NATS between them.

use super::host::{agent, are_up, hub, in_time, program, start};
use super::{Sleeper, explain_as};
use crate::demo::Demo;
use crate::steps::{cargo, run};
use anyhow::{Context as _, Result, bail, ensure};
use infiniservice_lab::command::output_of;
use infiniservice_lab::{LocalGuest, NatsServer};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// Simulated guests on each host.
const SIMULATED: usize = 20;
/// How long each of them takes for a command: a job is to last long enough for the server to be killed meanwhile.
const DELAY_MS: &str = "400";
/// Machines of the second job at one time.
const AT_ONCE: &str = "9";
/// How long all machines may take to come, on a busy computer.
const ALL_UP_WITHIN: Duration = Duration::from_mins(2);
/// How long the server is away.
const AWAY: Duration = Duration::from_secs(2);
/// Who orders.
const OPERATOR: &str = "alice";
/// A real agent of a host; its name is the first one of its host, so the first of all is the canary.
const AGENT: &str = "agent";

/// All that runs; it ends with this value.
struct Hosts {
    hubs: Vec<Sleeper>,
    simulated: Vec<Sleeper>,
    agents: Vec<LocalGuest>,
    server: NatsServer,
    count: usize,
    directory: TempDir,
}

/// Builds, starts, and plays.
pub(super) fn run_demo(demo: &Demo, count: usize) -> Result<()> {
    build()?;
    let mut hosts = Hosts::start(count)?;
    hosts.wait_until_all_are_up()?;
    if demo.once { once(&mut hosts, demo.json) } else { tour(&mut hosts) }
}

fn build() -> Result<()> {
    eprintln!("building the hub, the simulator, the agent and infinictl");
    let packages = ["infinihub", "infiniservice-hub-sim", "infiniservice", "infinictl"];
    let packages: Vec<_> = packages.iter().flat_map(|name| ["-p", name]).collect();
    run(cargo(&[&["build", "--quiet"], &packages[..]].concat()).stdout(Stdio::null()))
}

impl Hosts {
    fn start(count: usize) -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("infinihub-demo-").tempdir()?;
        let server = NatsServer::start()?;
        let mut hosts =
            Self { hubs: Vec::new(), simulated: Vec::new(), agents: Vec::new(), server, count, directory };
        let public = hosts.operator()?;
        for number in 1..=count {
            hosts.host(number, &public)?;
        }
        Ok(hosts)
    }

    /// Makes the operator's key; its public part.
    fn operator(&self) -> Result<String> {
        let key = self.directory.path().join("alice.key");
        let made = output_of(
            program("infinictl")
                .args(["--json", "--operator", OPERATOR, "operator-key", "generate"])
                .arg(key),
        )?;
        let made: Value = serde_json::from_str(&made).context("infinictl operator-key")?;
        Ok(made["key"].as_str().context("no public key")?.to_owned())
    }

    fn host(&mut self, number: usize, public: &str) -> Result<()> {
        let directory = self.directory.path().join(format!("host-{number}"));
        let guests = directory.join("guests");
        fs::create_dir_all(&guests)?;
        let mut simulator = program("hub-sim");
        simulator.arg(&guests).args(["--count", &SIMULATED.to_string(), "--name", &format!("sim-{number}")]);
        simulator.args(["--interval", "2", "--delay", DELAY_MS, "--varied"]);
        self.simulated.push(start(simulator.stdout(Stdio::null()))?);
        self.agents.push(agent(&guests, &format!("{AGENT}-{number}"))?);
        let settings = format!(
            "[fleet]\nurl = \"{}\"\nhub = \"host-{number}\"\n\n[[operator]]\nname = \"{OPERATOR}\"\nkey = \"{public}\"\n\n\
             [[rule]]\nname = \"demo\"\nwho = [\"operator:{OPERATOR}\"]\nvms = \"all\"\nactions = [\"*\"]\n",
            self.server.url()
        );
        self.hubs.push(hub(&directory, &settings)?.0);
        Ok(())
    }

    const fn machines(&self) -> usize {
        self.count * (SIMULATED + 1)
    }

    fn wait_until_all_are_up(&self) -> Result<()> {
        let is_so =
            || are_up(&mut self.infinictl(&["fleet", "list", "--names", "state=up"]), self.machines());
        if in_time(ALL_UP_WITHIN, is_so) {
            return Ok(());
        }
        let logs: Vec<_> = (1..=self.count).map(|number| self.log(number)).collect();
        bail!(
            "not all machines have come within {} s; the hubs say:\n{}",
            ALL_UP_WITHIN.as_secs(),
            logs.join("\n")
        )
    }

    fn log(&self, number: usize) -> String {
        fs::read_to_string(self.directory.path().join(format!("host-{number}/hub.log"))).unwrap_or_default()
    }

    /// infinictl with this fleet, as its operator.
    fn infinictl(&self, arguments: &[&str]) -> Command {
        let mut command = program("infinictl");
        command.env("INFINICTL_FLEET", self.server.url()).env("INFINICTL_OPERATOR", OPERATOR);
        command.env("INFINICTL_OPERATOR_KEY", self.directory.path().join("alice.key"));
        command.env_remove("INFINICTL_FLEET_CREDENTIALS").args(arguments);
        command
    }

    /// A job of that name that fails at its canary: no machine has such a service.
    fn failing(id: &str) -> Vec<&str> {
        let waves = ["--waves", "canary:1,10%,rest", "--max-failures", "0"];
        [
            &["job", "run", "--vms", "all", "--id", id],
            &waves[..],
            &["--", "service", "restart", "no-such-service"],
        ]
        .concat()
    }

    /// A job of that name that goes through.
    fn passing(id: &str) -> Vec<&str> {
        let waves = ["--waves", "canary:1,10%,rest", "--max-concurrency", AT_ONCE];
        [&["job", "run", "--vms", "all", "--id", id], &waves[..], &["--", "users"]].concat()
    }

    /// Runs it, and kills the server when some of the machines have answered; a new one goes on with what is on its disk.
    fn with_the_server_killed(&mut self, json: bool) -> Result<()> {
        let format = if json { &["--json"][..] } else { &[] };
        let mut job = self.infinictl(&[format, &Self::passing("passing")].concat());
        let mut job = Sleeper(job.stdin(Stdio::null()).spawn().context("cannot start infinictl")?);
        self.until_some_have_answered("passing")?;
        self.server.kill()?;
        eprintln!("-- the server of NATS was killed with SIGKILL, in the middle of the job");
        std::thread::sleep(AWAY);
        self.server.run()?;
        eprintln!("-- and started anew");
        ensure!(job.0.wait()?.success(), "the job did not go through");
        Ok(())
    }

    fn until_some_have_answered(&self, id: &str) -> Result<()> {
        let some = || self.job(id).is_ok_and(|job| job["counts"]["answered"].as_u64() > Some(0));
        ensure!(in_time(ALL_UP_WITHIN, some), "no machine has answered the job {id}");
        Ok(())
    }

    fn job(&self, id: &str) -> Result<Value> {
        let shown = output_of(&mut self.infinictl(&["--json", "job", "show", id]))?;
        serde_json::from_str(&shown).with_context(|| format!("infinictl job show {id}"))
    }

    /// How many machines came to which end. Each is to have one, and there is to be no other.
    fn outcomes(&self, id: &str) -> Result<BTreeMap<String, usize>> {
        let job = self.job(id)?;
        let machines = job["machines"].as_array().context("no machines")?;
        let (mut names, mut outcomes) = (BTreeMap::new(), BTreeMap::new());
        for machine in machines {
            *names.entry((machine["hub"].to_string(), machine["vm"].to_string())).or_insert(0) += 1;
            *outcomes.entry(machine["state"].as_str().unwrap_or_default().to_owned()).or_insert(0) += 1;
        }
        let once = names.values().all(|count| *count == 1);
        ensure!(
            once && names.len() == self.machines(),
            "{id}: {} of {} machines have one outcome",
            names.len(),
            self.machines()
        );
        Ok(outcomes)
    }
}

fn once(hosts: &mut Hosts, json: bool) -> Result<()> {
    let format = if json { &["--json"][..] } else { &[] };
    run(&mut hosts.infinictl(&[format, &["fleet", "list"]].concat()))?;
    let failed = hosts.infinictl(&[format, &Hosts::failing("failing")].concat()).status()?;
    ensure!(failed.code() == Some(1), "a job whose canary fails exits with {:?}", failed.code());
    hosts.with_the_server_killed(json)?;
    let (failing, passing) = check(hosts)?;
    if json {
        println!(
            "{}",
            json!({ "type": "outcomes", "failing": failing, "passing": passing, "machines": hosts.machines() })
        );
    } else {
        println!("failing: {failing:?}; passing: {passing:?}; {} machines", hosts.machines());
    }
    Ok(())
}

/// What became of both jobs; an error where it is not what was to be shown.
fn check(hosts: &Hosts) -> Result<(BTreeMap<String, usize>, BTreeMap<String, usize>)> {
    let (failing, passing) = (hosts.outcomes("failing")?, hosts.outcomes("passing")?);
    let begun =
        failing.iter().filter(|(outcome, _)| *outcome != "skipped").map(|(_, count)| count).sum::<usize>();
    ensure!(begun == 1, "the canary alone was to begin: {failing:?}");
    ensure!(passing.get("answered") == Some(&hosts.machines()), "not all machines answered: {passing:?}");
    Ok((failing, passing))
}

fn tour(hosts: &mut Hosts) -> Result<()> {
    println!(
        "{} hosts with a hub each, {} machines, and the real server of NATS at {} between them.",
        hosts.count,
        hosts.machines(),
        hosts.server.url()
    );
    explain_as(
        &mut hosts.infinictl(&["fleet", "list", "--hubs"]),
        "The hubs; each may be the coordinator, and one of them is.",
    )?;
    explain_as(
        &mut hosts.infinictl(&["fleet", "list", "disk>85"]),
        "Machines of all hosts whose disks fill up.",
    )?;
    explain_as(
        &mut hosts.infinictl(&Hosts::failing("failing")),
        "A job in waves over all hosts, signed by alice. Its canary fails, so no other machine begins.",
    )?;
    println!(
        "\nAnd one that goes through, while the server is killed.\n$ infinictl {}",
        Hosts::passing("passing").join(" ")
    );
    hosts.with_the_server_killed(false)?;
    explain_as(&mut hosts.infinictl(&["job", "show", "passing"]), "Every machine has one outcome.")?;
    explain_as(&mut hosts.infinictl(&["job", "list"]), "The jobs of this fleet.")?;
    check(hosts).map(drop)
}
