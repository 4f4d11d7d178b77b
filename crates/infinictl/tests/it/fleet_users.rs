//! Users that `infinictl fleet user` makes, before the real server of NATS, and the files of `packaging/nats`.

use infiniservice_engine::{Engine, Layout, Out, Settings};
use infiniservice_fleet::subject::{self, COMMANDS, HUBS, JOBS, JobKey, LEASE, LEASE_KEY, RESULTS, VMS};
use infiniservice_lab::NatsServer;
use infiniservice_lab::pypi::NATS_SERVER;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server that has these users, and the seeds of them.
struct Place {
    server: NatsServer,
    seeds: TempDir,
}

impl Place {
    fn new() -> Self {
        let seeds = tempfile::tempdir().unwrap();
        let users = [
            ("host-1", ["--of-hub", "host-1"]),
            ("host-2", ["--coordinator", "host-2"]),
            ("alice", ["--of-operator", "alice"]),
            ("wall", ["--watcher", "wall"]),
            ("metrics-1", ["--exporter", "metrics-1"]),
        ];
        let parts: String = users.iter().map(|(file, role)| made(&seeds.path().join(file), role)).collect();
        let accounts = format!(
            "accounts {{\nINFINI {{\njetstream: enabled\nusers: [\n{parts}]\n}}\nSYS {{ }}\n}}\nsystem_account: SYS\n"
        );
        Self { server: NatsServer::with(&accounts).unwrap(), seeds }
    }

    async fn user(&self, file: &str, inbox: String) -> Engine {
        let credentials = Some(self.seeds.path().join(file));
        let settings = Settings { url: self.server.url(), name: file.into(), inbox, credentials, ca: None };
        Engine::connect(&settings).await.unwrap()
    }
}

fn made(seed: &Path, role: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_infinictl"));
    let output = command.args(["fleet", "user"]).args(role).arg("--seed").arg(seed).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The server says that this user may not publish to a subject.
async fn is_refused(engine: &Engine, subject: &str) {
    let mut status = engine.status();
    engine.tell(subject, b"x".to_vec()).await.unwrap();
    let told = status.wait_for(|status| {
        status.error.as_ref().is_some_and(|error| error.to_lowercase().contains(&subject.to_lowercase()))
    });
    tokio::time::timeout(PATIENCE, told).await.unwrap_or_else(|_| panic!("{subject} is allowed")).unwrap();
}

fn order_key(job: &str, what: &JobKey) -> String {
    format!("$KV.{JOBS}.{}", subject::job_key(job, what))
}

#[tokio::test]
async fn each_user_can_do_its_part_before_the_real_server_and_no_other() {
    let place = Place::new();
    let coordinator = place.user("host-2", subject::hub_inbox("host-2")).await;
    coordinator.set_up(&Layout::of_fleet(1)).await.unwrap();
    hub(&place, &coordinator).await;
    operator(&place, &coordinator).await;
    exporter(&place).await;
    for refused in
        [order_key("j", &JobKey::Order), order_key("j", &JobKey::Control), format!("$KV.{HUBS}.host-1")]
    {
        is_refused(&coordinator, &refused).await;
    }
}

async fn hub(place: &Place, coordinator: &Engine) {
    let hub = place.user("host-1", subject::hub_inbox("host-1")).await;
    hub.set_up(&Layout::of_fleet(1)).await.unwrap();
    hub.put(HUBS, "host-1", b"{}".to_vec()).await.unwrap();
    hub.put(VMS, "host-1.web", b"{}".to_vec()).await.unwrap();
    let mut own = hub.watch(VMS, "host-1.*").await.unwrap();
    assert_eq!(own.next().await.unwrap().key, "host-1.web");
    let subject = subject::result("j", "host-1", "web");
    hub.publish_one(Out { subject, id: "1".into(), payload: b"{}".to_vec() }).await.unwrap();
    let mut commands =
        hub.commands(COMMANDS, &subject::consumer("host-1"), &subject::command("host-1")).await.unwrap();
    let subject = subject::command("host-1");
    coordinator.publish_one(Out { subject, id: "2".into(), payload: b"run".to_vec() }).await.unwrap();
    let command = commands.next().await.unwrap();
    assert_eq!(command.payload, b"run");
    command.ack().await.unwrap();
    for refused in [
        subject::result("j", "host-2", "web"),
        format!("$KV.{HUBS}.host-2"),
        format!("$KV.{VMS}.host-2.web"),
        format!("$KV.{LEASE}.{LEASE_KEY}"),
        order_key("j", &JobKey::Order),
        subject::command("host-2"),
        format!("$JS.API.CONSUMER.MSG.NEXT.{COMMANDS}.{}", subject::consumer("host-2")),
        format!("$JS.API.STREAM.DELETE.{RESULTS}"),
        format!("$JS.API.STREAM.CREATE.{RESULTS}"),
    ] {
        is_refused(&hub, &refused).await;
    }
}

async fn operator(place: &Place, coordinator: &Engine) {
    let alice = place.user("alice", subject::operator_inbox("alice")).await;
    let order = subject::job_key("j", &JobKey::Order);
    alice.create(JOBS, &order, b"{}".to_vec()).await.unwrap();
    assert!(alice.get(JOBS, &order).await.unwrap().is_some());
    coordinator.put(JOBS, &subject::job_key("j", &JobKey::Progress), b"{}".to_vec()).await.unwrap();
    let wall = place.user("wall", subject::operator_inbox("wall")).await;
    for user in [&alice, &wall] {
        let mut results = user.read(RESULTS, &subject::results_of("j")).await.unwrap();
        assert_eq!(results.next().await.unwrap().payload, b"{}");
        let mut progress = user.watch(JOBS, "*.progress").await.unwrap();
        assert_eq!(progress.next().await.unwrap().key, "j.progress");
        for refused in
            [subject::command("host-1"), subject::result("j", "host-1", "web"), format!("$KV.{HUBS}.host-1")]
        {
            is_refused(user, &refused).await;
        }
    }
    is_refused(&wall, &order_key("k", &JobKey::Order)).await;
}

/// After the hub, whose entries are there.
async fn exporter(place: &Place) {
    let exporter = place.user("metrics-1", subject::exporter_inbox("metrics-1")).await;
    let mut figures = exporter.listen(subject::ALL_METRICS).await.unwrap();
    for (bucket, key) in [(HUBS, "host-1"), (VMS, "host-1.web")] {
        let mut there = exporter.watch(bucket, ">").await.unwrap();
        assert_eq!(there.next().await.unwrap().key, key);
    }
    let hub = place.user("host-1", subject::hub_inbox("host-1")).await;
    let mut wishes = hub.listen(&subject::whole("host-1")).await.unwrap();
    // What comes after it on the same connection is done, so the server knows of it, too.
    hub.put(VMS, "host-1.web", b"{}".to_vec()).await.unwrap();
    exporter.tell(&subject::whole("host-1"), Vec::new()).await.unwrap();
    assert_eq!(wishes.next().await.unwrap().subject, subject::whole("host-1"));
    hub.tell(&subject::metrics("host-1", "web"), b"figures".to_vec()).await.unwrap();
    assert_eq!(figures.next().await.unwrap().payload, b"figures");
    for refused in [
        subject::command("host-1"),
        subject::ask("host-1"),
        subject::metrics("host-1", "web"),
        format!("$KV.{HUBS}.host-1"),
        format!("$KV.{VMS}.host-1.web"),
        order_key("j", &JobKey::Order),
        format!("$JS.API.CONSUMER.CREATE.KV_{JOBS}"),
        format!("$JS.API.CONSUMER.CREATE.{RESULTS}"),
        format!("$JS.API.STREAM.DELETE.KV_{VMS}"),
    ] {
        is_refused(&exporter, &refused).await;
    }
}

fn packaging() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/nats")
}

#[test]
fn the_server_takes_the_files_of_the_package() {
    let directory = tempfile::tempdir().unwrap();
    for file in ["one.conf", "cluster.conf", "leaf.conf", "accounts.conf"] {
        std::fs::copy(packaging().join(file), directory.path().join(file)).unwrap();
    }
    let parts = made(&directory.path().join("seed"), &["--coordinator", "host-1"])
        + &made(&directory.path().join("leaf"), &["--leaf"]);
    std::fs::write(directory.path().join("users.conf"), format!("users: [\n{parts}]\n")).unwrap();
    let seed = std::fs::read_to_string(directory.path().join("leaf")).unwrap();
    std::fs::write(directory.path().join("leaf-key.conf"), format!("nkey: {seed}")).unwrap();
    let environment = std::fs::read_to_string(packaging().join("environment")).unwrap();
    let variables =
        environment.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('='));
    let variables: Vec<_> = variables.map(|(name, value)| (name, value.trim_matches('"'))).collect();
    for file in ["one.conf", "cluster.conf", "leaf.conf"] {
        let mut command = Command::new(NATS_SERVER.ensure().unwrap());
        command.arg("-t").arg("--config").arg(directory.path().join(file)).envs(variables.iter().copied());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{file}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
