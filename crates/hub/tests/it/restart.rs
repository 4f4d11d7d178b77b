//! A hub that is started anew goes on over the same connections, as systemd gives them to it.

use crate::support::{Host, PATIENCE, Systemd, quick};
use infiniservice_hub_sim::Options;
use serde_json::json;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};

#[tokio::test]
async fn three_restarts_during_a_job_and_no_guest_notices() {
    let mut host = Host::new();
    host.systemd = Some(Systemd::new(&host.path("notify")));
    let options = Options { delay: Duration::from_millis(60), interval: Duration::from_secs(20), ..quick() };
    let names: Vec<_> = (0..12).map(|n| format!("vm-{n:02}")).collect();
    let guests: Vec<_> = names.iter().map(|name| host.guest(name, options.clone())).collect();
    host.start().await;
    for name in &names {
        host.event("connected", name).await;
    }
    let body = json!({"vms": "all", "max_concurrency": 3, "message": {"type": "SafeCommand", "command_type":
        {"action": "ServiceControl", "service": "nginx", "operation": "restart"}}});
    let job = host.api().post("/v1/jobs", &body).await.unwrap()["id"].as_str().unwrap().to_owned();
    let job = format!("/v1/jobs/{job}");
    let done = async |host: &Host, count: u64| {
        while host.api().get(&job).await.unwrap()["counts"]["answered"].as_u64() < Some(count) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    for restart in 1..=3 {
        tokio::time::timeout(PATIENCE, done(&host, restart)).await.unwrap();
        host.stop();
        host.start().await;
    }
    assert!(tokio::time::timeout(PATIENCE, done(&host, 12)).await.is_ok(), "{}", host.log());
    for guest in &guests {
        assert_eq!((guest.connections(), guest.hellos()), (1, 1), "{}: {}", guest.name(), host.log());
        assert_eq!(guest.carried_out().len(), 1, "{}", guest.name());
    }
    assert!(host.text("/v1/events").await.contains(r#""events":[]"#), "{}", host.text("/v1/events").await);
    assert!((host.series("infini_hub_restarts_survived_total").await - 3.0).abs() < 0.1);
    assert!((host.series("infini_hub_connections_kept").await - 12.0).abs() < 0.1);
    host.until("vm-00", "with figures", |machine| machine["figures"].is_object()).await;
}

/// A guest that the test itself plays.
struct Played {
    host: Host,
    listener: UnixListener,
    stream: BufReader<UnixStream>,
}

const HELLO: &str = r#"{"type":"hello","agent_version":"9.9.9","protocol_version":1,"platform":"linux","os":"Debian","capabilities":[],"limits":{},"instance":"i1"}"#;

impl Played {
    async fn new() -> Self {
        let mut host = Host::new();
        host.systemd = Some(Systemd::new(&host.path("notify")));
        let listener = UnixListener::bind(host.path("guests/web.sock")).unwrap();
        host.start().await;
        let stream = accepted(&listener).await;
        Self { host, listener, stream }
    }

    /// Says something, in one piece, and waits until the hub has read it, whatever it ends with.
    async fn say(&mut self, beat: u64, more: &str) {
        let text = format!("{{\"type\":\"keep_alive\",\"sequence_number\":{beat}}}\n{more}");
        self.stream.get_mut().write_all(text.as_bytes()).await.unwrap();
        self.hear(&format!("\"sequence_number\":{beat},")).await;
    }

    async fn hear(&mut self, what: &str) -> String {
        let heard = async {
            let mut line = String::new();
            while !line.contains(what) {
                line.clear();
                assert!(self.stream.read_line(&mut line).await.unwrap() > 0, "the connection has ended");
            }
            line
        };
        let log = || self.host.log();
        tokio::time::timeout(PATIENCE, heard).await.unwrap_or_else(|_| panic!("no {what}: {}", log()))
    }

    async fn version(&self) -> String {
        let machine = self.host.until("web", "introduced", |machine| machine["agent"].is_object()).await;
        assert_eq!(machine["malformed_lines"], 0, "{machine}");
        machine["agent"]["version"].as_str().unwrap().to_owned()
    }
}

async fn accepted(listener: &UnixListener) -> BufReader<UnixStream> {
    let accepted = tokio::time::timeout(PATIENCE, listener.accept()).await;
    BufReader::new(accepted.unwrap().unwrap().0)
}

#[tokio::test]
async fn a_line_that_came_half_before_a_restart_counts_once_it_is_whole() {
    let mut guest = Played::new().await;
    let (begin, end) = HELLO.split_at(40);
    guest.say(1, begin).await;
    guest.host.stop();
    guest.stream.get_mut().write_all(format!("{end}\n").as_bytes()).await.unwrap();
    guest.host.start().await;
    assert_eq!(guest.version().await, "9.9.9");
}

#[tokio::test]
async fn lines_that_were_not_read_before_a_restart_are_whole_after_it() {
    let mut guest = Played::new().await;
    guest.say(1, &format!("{HELLO}\n")).await;
    guest.version().await;
    let client = guest.host.client("web").await;
    let body = "x".repeat(900_000);
    let mut wire = UnixStream::connect(guest.host.path("wire.sock")).await.unwrap();
    wire.write_all(b"{\"type\":\"Attach\",\"vm\":\"web\"}\n").await.unwrap();
    for n in 0..5 {
        let line = json!({"type": "SafeCommand", "id": format!("id-{n}"), "command_type": {"action": "X", "x": body}});
        wire.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }
    guest.host.until("web", "asked", |machine| machine["in_flight"] == 5).await;
    drop(client);
    guest.host.stop();
    guest.host.start().await;
    for n in 0..5 {
        let line = guest.hear(&format!("\"id-{n}\"")).await;
        let read: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(read["command_type"]["x"].as_str().unwrap().len(), body.len());
    }
}

#[tokio::test]
async fn after_a_crash_the_rest_of_a_line_is_dropped_and_the_next_one_counts() {
    let mut guest = Played::new().await;
    let (begin, end) = HELLO.split_at(40);
    guest.say(1, begin).await;
    guest.host.kill();
    guest.host.start().await;
    guest.hear("\"Hello\"").await;
    guest.stream.get_mut().write_all(format!("{end}\n").as_bytes()).await.unwrap();
    guest.say(2, &format!("{}\n", HELLO.replace("9.9.9", "9.9.10"))).await;
    assert_eq!(guest.version().await, "9.9.10");
    assert!((guest.host.series("infini_hub_restarts_survived_total").await - 0.0).abs() < 0.1);
}

#[tokio::test]
async fn after_a_crash_a_whole_line_counts_at_once() {
    let mut guest = Played::new().await;
    guest.say(1, "").await;
    guest.host.stop();
    guest.host.start().await;
    // What the first hub left was read; a crash must not find it again.
    guest.say(2, "").await;
    guest.host.kill();
    guest.host.start().await;
    guest.hear("\"Hello\"").await;
    guest.stream.get_mut().write_all(format!("{HELLO}\n").as_bytes()).await.unwrap();
    assert_eq!(guest.version().await, "9.9.9");
}

#[tokio::test]
async fn a_connection_whose_socket_was_replaced_is_given_up() {
    let mut guest = Played::new().await;
    guest.say(1, "").await;
    let before = guest.host.systemd.as_ref().unwrap().stored();
    guest.host.stop();
    std::fs::remove_file(guest.host.path("guests/web.sock")).unwrap();
    let other = UnixListener::bind(guest.host.path("guests/web.sock")).unwrap();
    guest.host.start().await;
    let _other = accepted(&other).await;
    let left = tokio::time::timeout(PATIENCE, guest.stream.read_to_end(&mut Vec::new())).await;
    assert!(left.is_ok(), "systemd and the hub have both closed it");
    guest.host.until("web", "unserved or opening", |machine| machine["state"] != "down").await;
    let after = guest.host.systemd.as_ref().unwrap().stored();
    assert!(after.len() == 1 && before != after, "{before:?}, {after:?}");
    drop(guest.listener);
}

#[tokio::test]
async fn a_connection_that_no_pattern_means_any_more_is_given_up() {
    let mut guest = Played::new().await;
    guest.say(1, "").await;
    guest.host.stop();
    let config = std::fs::read_to_string(guest.host.path("config.toml")).unwrap();
    std::fs::write(guest.host.path("config.toml"), config.replace("/guests/", "/elsewhere/")).unwrap();
    guest.host.start().await;
    let left = tokio::time::timeout(PATIENCE, guest.stream.read_to_end(&mut Vec::new())).await;
    assert!(left.is_ok(), "systemd and the hub have both closed it");
    assert!(guest.host.systemd.as_ref().unwrap().stored().is_empty());
}

#[tokio::test]
async fn a_connection_that_ends_is_not_kept() {
    let (host, guests) = Host::with_store(&["web", "db"]).await;
    let systemd = host.systemd.as_ref().unwrap();
    let before = systemd.stored();
    guests[1].hang_up();
    host.event("lost", "db").await;
    let replaced = async {
        while systemd.stored().len() != 2 || systemd.stored() == before {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, replaced).await.unwrap();
    host.until("db", "up", |machine| machine["state"] == "up").await;
}
