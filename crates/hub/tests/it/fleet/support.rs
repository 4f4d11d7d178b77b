//! A fleet in a directory, and an operator who orders something of it.

use crate::support::{Host, PATIENCE, quick};
use infiniservice_engine::{Engine, Out, Settings};
use infiniservice_fleet::message::{Stage, What, text};
use infiniservice_fleet::subject::{self, JobKey, job_key};
use infiniservice_fleet::{Command, Control, OperatorKey, Order, Progress, Signed, TargetResult};
use infiniservice_hub_sim::{Guest, Options};
use infiniservice_lab::{FarHost, NatsServer};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::{sleep, timeout};

/// How often it is looked at something that nobody tells of.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How a fleet is set up.
#[derive(Default)]
pub struct Setup<'a> {
    /// Where hubs find the server; empty for where it is.
    pub url: &'a str,
    /// More settings of `[fleet]`, and then of other parts.
    pub more: &'a str,
    /// How many hubs there are, and how many guests each has.
    pub size: (usize, usize),
    /// How guests behave.
    pub options: Options,
    /// The network that the last hub is in, where it is another one.
    pub far: Option<&'a FarHost>,
}

/// Hubs over one server, or over a cluster.
pub struct Fleet {
    /// The server, or the first of the cluster.
    pub server: NatsServer,
    /// Where hubs find it.
    url: String,
    pub hosts: Vec<Host>,
    pub guests: Vec<Vec<Guest>>,
    pub alice: Operator,
}

/// Somebody with a key.
pub struct Operator {
    pub name: &'static str,
    pub key: OperatorKey,
}

pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(since.as_millis()).unwrap()
}

impl Operator {
    pub fn new(name: &'static str, seed: u8) -> Self {
        Self { name, key: OperatorKey::generate([seed; 32]) }
    }

    /// An order to restart a service on these machines.
    pub fn order(&self, id: &str, vms: &str, more: &Value) -> Order {
        let at_ms = now_ms();
        let mut order = json!({"id": id, "at_ms": at_ms, "not_after_ms": at_ms + 600_000, "vms": vms,
            "message": {"type": "SafeCommand", "command_type":
                {"action": "ServiceControl", "service": "nginx", "operation": "restart"}},
            "max_concurrency": 100, "operator": self.name});
        order.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(order).unwrap()
    }

    pub fn sign(&self, order: &Order) -> Signed {
        Signed::order(order, &self.key)
    }

    pub fn control(&self, job: &str, what: What) -> Signed {
        let at_ms = now_ms();
        let operator = self.name.to_owned();
        Signed::control(&Control { job: job.to_owned(), at_ms, number: at_ms, what, operator }, &self.key)
    }
}

/// The settings of a hub of this name, for alice and for bob, whom no rule names.
fn settings(fleet: &str, name: &str, alice: &Operator) -> String {
    let bob = Operator::new("bob", 2);
    format!(
        "[fleet]\nhub = \"{name}\"\n{fleet}\n[[operator]]\nname = \"alice\"\nkey = \"{}\"\n\
         [[operator]]\nname = \"bob\"\nkey = \"{}\"\n[[rule]]\nname = \"ops\"\nwho = [\"operator:alice\"]\n\
         vms = \"all\"\nactions = [\"ServiceControl\"]\n",
        alice.key.public().to_text(),
        bob.key.public().to_text(),
    )
}

impl Fleet {
    /// Hubs `h1`, `h2` and so on with so many guests each, which all know each other.
    pub async fn new(hubs: usize, guests: usize) -> Self {
        Self::over(NatsServer::start().unwrap(), hubs, guests, &quick()).await
    }

    /// The same, with guests that behave so, over a server that is there.
    pub async fn over(server: NatsServer, hubs: usize, guests: usize, options: &Options) -> Self {
        let setup = Setup { size: (hubs, guests), options: options.clone(), ..Setup::default() };
        Self::set_up(server, setup).await
    }

    /// The same, set up so.
    pub async fn set_up(server: NatsServer, setup: Setup<'_>) -> Self {
        let Setup { url, more, size: (hubs, guests), options, far } = setup;
        let alice = Operator::new("alice", 1);
        let url = if url.is_empty() { server.url() } else { url.to_owned() };
        let section = format!("url = \"{url}\"\n{more}");
        let mut fleet = Self { server, url, hosts: Vec::new(), guests: Vec::new(), alice };
        for h in 1..=hubs {
            let mut host = Host::new();
            let mut section = section.clone();
            if let Some(far) = far.filter(|_| h == hubs) {
                host.network = far.enter().unwrap();
                section.insert_str(0, "coordinator = false\n");
            }
            host.configure(&settings(&section, &format!("h{h}"), &fleet.alice));
            let of_host = (1..=guests).map(|g| host.guest(&format!("vm-{h}-{g}"), options.clone()));
            fleet.guests.push(of_host.collect());
            host.start().await;
            fleet.hosts.push(host);
        }
        fleet.until_known(hubs, hubs * guests).await;
        fleet
    }

    /// Waits until the fleet knows so many hubs and so many machines that are up.
    pub async fn until_known(&self, hubs: usize, machines: usize) {
        let engine = self.engine().await;
        self.until("all are known", async || {
            let there = engine.watch(subject::HUBS, ">").await.ok()?.there();
            let mut vms = engine.watch(subject::VMS, ">").await.ok()?;
            let mut up = 0;
            for _ in 0..vms.there() {
                let value = vms.next().await.ok()?.value.unwrap_or_default();
                up += usize::from(String::from_utf8_lossy(&value).contains(r#""state":"up""#));
            }
            (there == hubs as u64 && up == machines).then_some(())
        })
        .await;
    }

    /// Looks until there is what is wanted.
    pub async fn until<T>(&self, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
        let looked = async {
            loop {
                if let Some(found) = look().await {
                    return found;
                }
                sleep(LOOK_EVERY).await;
            }
        };
        timeout(PATIENCE, looked).await.unwrap_or_else(|_| panic!("{what}: never\n{}", self.logs()))
    }

    pub fn logs(&self) -> String {
        let logs: Vec<_> = self.hosts.iter().map(|host| format!("---\n{}", host.log())).collect();
        logs.concat()
    }

    /// A client that may do anything.
    pub async fn engine(&self) -> Engine {
        let settings = Settings { url: self.url.clone(), name: "test".into(), ..Settings::default() };
        let connected = async {
            loop {
                if let Ok(engine) = Engine::connect(&settings).await {
                    return engine;
                }
            }
        };
        timeout(PATIENCE, connected).await.unwrap()
    }

    /// Gives an order to the fleet.
    pub async fn submit(&self, signed: &Signed, id: &str) {
        let (engine, key) = (self.engine().await, job_key(id, &JobKey::Order));
        engine.create(subject::JOBS, &key, text(signed).into_bytes()).await.unwrap();
    }

    /// Sends a command to a hub, as a coordinator or somebody else would.
    pub async fn send(&self, hub: &str, command: &Command) {
        let out =
            Out { subject: subject::command(hub), id: String::new(), payload: text(command).into_bytes() };
        self.engine().await.publish_one(out).await.unwrap();
    }

    /// How far a job is.
    pub async fn progress(&self, engine: &Engine, id: &str) -> Option<Progress> {
        let entry = engine.get(subject::JOBS, &job_key(id, &JobKey::Progress)).await.ok()??;
        let progress: Progress = serde_json::from_slice(&entry.value?).unwrap();
        assert_eq!(progress.counts.sum(), progress.targets, "{progress:?}");
        Some(progress)
    }

    /// Waits for the end of a job.
    pub async fn finished(&self, id: &str) -> Progress {
        let engine = self.engine().await;
        self.until("it is finished", async || {
            self.progress(&engine, id).await.filter(|progress| progress.state == Stage::Finished)
        })
        .await
    }

    /// The hubs' results of a job, by machine.
    pub async fn results(&self, id: &str) -> BTreeMap<String, TargetResult> {
        let mut reader = self.engine().await.read(subject::RESULTS, &subject::results_of(id)).await.unwrap();
        let mut results = BTreeMap::new();
        for _ in 0..reader.there() {
            let stored = reader.next().await.unwrap();
            let result = TargetResult::read(&stored.payload).unwrap();
            assert_eq!(result.subject(), stored.subject);
            results.insert(result.vm.clone(), result);
        }
        results
    }

    /// How often each guest carried something out.
    pub fn carried_out(&self) -> Vec<usize> {
        self.guests.iter().flatten().map(|guest| guest.carried_out().len()).collect()
    }

    /// What a hub tells of its engine.
    pub async fn engine_of(&self, host: usize) -> Value {
        self.hosts[host].api().get("/v1/hub").await.unwrap()["engine"].clone()
    }

    /// Which host coordinates.
    pub async fn coordinator(&self) -> usize {
        self.until("somebody coordinates", async || {
            for host in 0..self.hosts.len() {
                let hub = self.hosts[host].api().get("/v1/hub").await.ok();
                if hub.is_some_and(|hub| hub["engine"]["is_coordinator"] == true) {
                    return Some(host);
                }
            }
            None
        })
        .await
    }
}
