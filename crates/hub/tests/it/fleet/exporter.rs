//! The exporter of a fleet, `infinihub --role exporter`, over the real server: what it tells of two hosts' machines.

use super::support::{Fleet, Setup};
use crate::support::{Host, PATIENCE, quick};
use infiniservice_engine::live::Encoder;
use infiniservice_fleet::subject;
use infiniservice_lab::NatsServer;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// How often it is looked at what nobody tells of.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// An exporter; it ends with this.
struct Exporter {
    directory: TempDir,
    address: SocketAddr,
    child: Child,
}

/// An address that was free a moment ago.
fn free_address() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
}

/// The program in this role, with these settings.
fn program(directory: &TempDir, settings: &str) -> Command {
    let config = directory.path().join("exporter.toml");
    std::fs::write(&config, settings).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_infinihub"));
    command.args(["--role", "exporter", "--config"]).arg(config);
    command
}

impl Exporter {
    fn start(url: &str) -> Self {
        let (directory, address) = (tempfile::tempdir().unwrap(), free_address());
        let settings = format!("listen = \"{address}\"\n[fleet]\nurl = \"{url}\"\nhub = \"metrics-1\"\n");
        let log = std::fs::File::create(directory.path().join("log")).unwrap();
        let child = program(&directory, &settings).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        Self { directory, address, child }
    }

    /// What it answers, as Prometheus would get it; nothing while it begins.
    async fn get(&self, address: &str) -> String {
        let mut answer = String::new();
        let asked = async {
            let mut stream = TcpStream::connect(self.address).await?;
            let request =
                format!("GET {address} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address);
            stream.write_all(request.as_bytes()).await?;
            stream.read_to_string(&mut answer).await
        };
        asked.await.map_or_else(|_| String::new(), |_| answer)
    }

    /// The values of a metric, by all their labels.
    async fn series(&self, name: &str) -> Vec<(String, f64)> {
        let text = self.get("/metrics").await;
        let lines =
            text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('{')?.split_once("} "));
        lines.map(|(labels, value)| (labels.to_owned(), value.parse().unwrap())).collect()
    }

    /// Machines that are up or not, as `vm/hub`.
    async fn up(&self, up: bool) -> Vec<String> {
        let series = self.series("infini_vm_up").await;
        let those = series.iter().filter(|(_, value)| (*value > 0.5) == up);
        let mut names: Vec<_> = those.map(|(labels, _)| named(labels)).collect();
        names.sort_unstable();
        names
    }

    /// How many machines have figures.
    async fn with_figures(&self) -> usize {
        self.series("infini_guest_load1").await.len()
    }

    async fn dropped(&self, reason: &str) -> f64 {
        let wanted = format!("reason=\"{reason}\"");
        let series = self.series("infini_exporter_messages_dropped_total").await;
        series.iter().find(|(labels, _)| *labels == wanted).map_or(0.0, |(_, value)| *value)
    }

    /// Looks until it is as wanted.
    async fn until(&self, what: &str, mut wanted: impl AsyncFnMut() -> bool) {
        let looked = async {
            while !wanted().await {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, looked).await.is_ok();
        assert!(in_time, "{what}: never\n{}\n{}", self.log(), self.get("/metrics").await);
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _gone = self.child.wait();
    }
}

/// `vm="web",hub="h1"` as `web/h1`.
fn named(labels: &str) -> String {
    labels.replace("vm=\"", "").replace("\",hub=\"", "/").replace('"', "")
}

/// Two hosts with two machines each, which tell their figures.
async fn fleet() -> Fleet {
    let server = NatsServer::start().unwrap();
    let setup = Setup { more: "live = true", size: (2, 2), options: quick(), ..Setup::default() };
    Fleet::set_up(server, setup).await
}

const ALL: [&str; 4] = ["vm-1-1/h1", "vm-1-2/h1", "vm-2-1/h2", "vm-2-2/h2"];

#[tokio::test]
async fn one_address_has_the_figures_of_all_hosts_and_a_host_that_is_killed_is_down_there() {
    let mut fleet = fleet().await;
    // It begins late: what the hubs told before is not known to it.
    let exporter = Exporter::start(&fleet.server.url());
    exporter.until("all have figures", async || exporter.with_figures().await == 4).await;
    assert_eq!(exporter.up(true).await, ALL);
    assert!(exporter.get("/healthz").await.ends_with("ok\n"));
    let node = exporter.get("/metrics?vm=vm-2-1&names=node").await;
    assert!(node.contains("\nnode_load1 ") && !node.contains("infini_"), "{node:.2000}");
    let one = exporter.get("/metrics?vm=vm-2-1").await;
    assert!(
        one.contains("infini_vm_up{vm=\"vm-2-1\",hub=\"h2\"} 1\n") && !one.contains("vm-1-1"),
        "{one:.2000}"
    );
    assert!(exporter.get("/metrics?vm=nobody").await.starts_with("HTTP/1.1 404"));
    assert!(exporter.get("/v1/vms").await.starts_with("HTTP/1.1 404"));
    fleet.hosts[1].kill();
    exporter.until("the other host is down", async || exporter.up(false).await == ALL[2..]).await;
    assert_eq!(
        (exporter.up(true).await, exporter.with_figures().await),
        (vec![ALL[0].into(), ALL[1].into()], 2)
    );
    assert!(exporter.log().contains("hub h2 is not heard"), "{}", exporter.log());
    fleet.hosts[1].start().await;
    exporter.until("it is back", async || exporter.up(true).await == ALL).await;
}

#[tokio::test]
async fn a_machine_that_moves_to_another_host_is_one_machine() {
    let mut fleet = fleet().await;
    let exporter = Exporter::start(&fleet.server.url());
    exporter.until("all have figures", async || exporter.with_figures().await == 4).await;
    fleet.hosts[0].remove("vm-1-2");
    let _moved = fleet.hosts[1].guest("vm-1-2", quick());
    exporter
        .until("it has moved", async || exporter.up(true).await == [ALL[0], "vm-1-2/h2", ALL[2], ALL[3]])
        .await;
    assert_eq!((exporter.up(false).await.len(), exporter.with_figures().await), (0, 4));
}

#[tokio::test]
async fn whoever_publishes_garbage_is_counted_and_hurts_nothing() {
    let fleet = fleet().await;
    let exporter = Exporter::start(&fleet.server.url());
    exporter.until("all have figures", async || exporter.with_figures().await == 4).await;
    let engine = fleet.engine().await;
    let whole = |line: &str| Encoder::default().encode(line).unwrap();
    for (subject, payload) in [
        (subject::metrics("h1", "vm-1-1"), b"garbage".to_vec()),
        (subject::metrics("h1", "vm-1-1"), Vec::new()),
        (subject::metrics("h1", "new"), whole(&"x".repeat(5 << 20))),
        (subject::metrics("nobody", "web"), whole("{}")),
        ("infini.v1.m.h1".to_owned(), b"x".to_vec()),
        ("infini.v1.m.h1.a.b.c".to_owned(), b"x".to_vec()),
        (subject::metrics("h1", "vm-1-1"), whole("no message")),
    ] {
        engine.tell(&subject, payload).await.unwrap();
    }
    exporter
        .until("it is counted", async || {
            let [wrong, stranger, subject] = [
                exporter.dropped("wrong").await,
                exporter.dropped("stranger").await,
                exporter.dropped("subject").await,
            ];
            [wrong, stranger, subject].map(|count| count as u64) == [3, 1, 2]
        })
        .await;
    // Whoever may write in a hub's name can cost one of its machines a line, and no more.
    assert_eq!(
        (exporter.up(true).await, exporter.with_figures().await),
        (ALL.map(str::to_owned).to_vec(), 4)
    );
    let malformed = exporter.series("infini_agent_malformed_lines_total").await;
    let malformed: Vec<_> =
        malformed.iter().filter(|(_, count)| *count > 0.5).map(|(it, _)| named(it)).collect();
    assert_eq!(malformed, [ALL[0]]);
    let lines = async || {
        let series = exporter.series("infini_agent_lines_total").await;
        series.iter().find(|(labels, _)| named(labels) == ALL[0]).map_or(0.0, |(_, count)| *count)
    };
    let before = lines().await;
    exporter.until("its figures go on", async || lines().await > before + 2.0).await;
}

#[tokio::test]
async fn the_engine_may_come_late_and_go_and_a_hub_that_tells_nothing_is_named() {
    let mut server = NatsServer::unstarted(infiniservice_lab::nats::Setup::default()).unwrap();
    let exporter = Exporter::start(&server.url());
    exporter
        .until("it says what is missing", async || exporter.log().contains("cannot reach the server"))
        .await;
    assert!(exporter.get("/metrics").await.contains("\ninfini_exporter_engine_connected 0\n"));
    server.run().unwrap();
    let mut host = Host::new();
    let url = server.url();
    host.configure(&format!("[fleet]\nurl = \"{url}\"\nhub = \"h1\"\n"));
    let _guest = host.guest("web", quick());
    host.start().await;
    let told = "hub h1 tells no figures: fleet.live is off there";
    exporter.until("it is named", async || exporter.log().contains(told)).await;
    let text = exporter.get("/metrics").await;
    assert!(
        text.contains("infini_exporter_hub{hub=\"h1\",state=\"off\"} 1\n") && !text.contains("infini_vm_up")
    );
    let settings = format!("listen = \"{}\"\n[fleet]\nurl = \"{url}\"\nhub = \"x\"\n", exporter.address);
    let directory = tempfile::tempdir().unwrap();
    let looked = program(&directory, &settings).arg("--diagnose").output().unwrap();
    let words = String::from_utf8_lossy(&looked.stdout);
    assert!(words.contains(&format!("wrong: {told}")) && words.contains("is served"), "{words}");
    assert_eq!(looked.status.code(), Some(1));
    server.kill().unwrap();
    exporter.until("it is away", async || exporter.log().contains("lost the connection")).await;
}

#[test]
fn without_a_fleet_it_says_what_is_missing() {
    let directory = tempfile::tempdir().unwrap();
    let output = program(&directory, "listen = \"127.0.0.1:0\"\n").output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(words.contains("exporter.toml: an exporter needs a part `[fleet]` with the `url`"), "{words}");
    assert_eq!(output.status.code(), Some(2));
}
