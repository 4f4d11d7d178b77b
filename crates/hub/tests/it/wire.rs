//! Many clients on one machine's wire.

use crate::support::{Host, PATIENCE, quick};
use infinictl::client::{Client, ClientError, Endpoint};
use infiniservice_hub_sim::Options;
use infiniservice_protocol::{Action, ErrorCode};
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;

fn list() -> Action {
    Action::ServiceList { state: None }
}

#[tokio::test]
async fn clients_share_a_machine_and_each_gets_its_own_answers() {
    let (host, guests) = Host::with(&["web"]).await;
    let clients = [host.client("web").await, host.client("web").await, host.client("web").await];
    let action = list();
    for _ in 0..20 {
        let [a, b, c] = &clients;
        let (listed, pinged, measured) =
            tokio::join!(a.request(&action, PATIENCE), b.ping(PATIENCE), c.metrics(PATIENCE));
        assert!(listed.unwrap().success);
        assert_eq!(measured.unwrap().data.system.host.hostname, "web");
        pinged.unwrap();
    }
    let ids: BTreeSet<_> = guests[0].carried_out().into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids.len(), 20, "each command was carried out once");
}

#[tokio::test]
async fn metrics_that_nobody_asked_for_reach_every_client() {
    let (host, _guests) = Host::with(&["web"]).await;
    let clients = [host.client("web").await, host.client("web").await];
    for client in &clients {
        let mut lines = client.subscribe();
        let seen =
            async { while lines.next().await.is_some_and(|event| !event.raw.contains("system_metrics")) {} };
        tokio::time::timeout(PATIENCE, seen).await.unwrap();
    }
}

#[tokio::test]
async fn an_id_that_another_client_has_in_flight_is_refused_by_the_hub() {
    let mut host = Host::new();
    let guest = host.guest("slow", Options { delay: Duration::from_secs(3600), ..quick() });
    host.start().await;
    host.event("connected", "slow").await;
    let line = r#"{"type":"SafeCommand","id":"x","command_type":{"action":"ServiceList"}}"#;
    let mut first = raw(&host, "slow").await;
    first.get_mut().write_all(format!("{line}\n").as_bytes()).await.unwrap();
    let answer = next(&mut raw_sent(&host, "slow", line).await, "response").await;
    assert!(answer.contains("DUPLICATE_ID"), "{answer}");
    assert!(guest.carried_out().len() <= 1);
}

#[tokio::test]
async fn a_machine_that_is_not_there_is_told_by_name() {
    let (host, _guests) = Host::with(&["web"]).await;
    let missing = Endpoint::Hub { socket: host.path("wire.sock"), vm: "nobody".into() };
    match Client::connect(missing).await.map(drop) {
        Err(ClientError::NoConnection { reason, .. }) => assert!(reason.contains("\"nobody\""), "{reason}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_wrong_first_line_is_refused_and_the_good_one_of_another_client_works() {
    let (host, _guests) = Host::with(&["web"]).await;
    for wrong in ["{", r#"{"type":"Hello"}"#, r#"{"type":"Hello","vm":"web"}"#, r#"{"type":"Attach","vm":7}"#]
    {
        let mut stream = BufReader::new(UnixStream::connect(host.path("wire.sock")).await.unwrap());
        stream.get_mut().write_all(format!("{wrong}\n").as_bytes()).await.unwrap();
        let answer = next(&mut stream, "error").await;
        assert!(answer.contains("INVALID_MESSAGE") && answer.contains("Attach"), "{answer}");
        assert_eq!(stream.read_line(&mut String::new()).await.unwrap(), 0, "the connection ends");
    }
    host.client("web").await.ping(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn a_bad_line_is_refused_by_the_hub_and_the_next_one_works() {
    let (host, guests) = Host::with(&["web"]).await;
    let mut stream = raw_sent(&host, "web", "{ not json").await;
    assert!(next(&mut stream, "error").await.contains("INVALID_JSON"));
    let line = r#"{"type":"SafeCommand","id":"good","command_type":{"action":"ServiceList"}}"#;
    stream.get_mut().write_all(format!("{line}\n").as_bytes()).await.unwrap();
    assert!(next(&mut stream, "response").await.contains("\"good\""));
    assert_eq!(guests[0].carried_out().len(), 1);
}

#[tokio::test]
async fn an_agent_that_restarts_leaves_no_client_waiting() {
    let mut host = Host::new();
    let guest = host.guest("web", Options { delay: Duration::from_secs(3600), ..quick() });
    host.start().await;
    host.event("connected", "web").await;
    let client = host.client("web").await;
    let asked = tokio::spawn(async move { client.request(&list(), PATIENCE).await });
    while guest.carried_out().is_empty() {
        tokio::task::yield_now().await;
    }
    guest.restart();
    match asked.await.unwrap() {
        Err(ClientError::Closed { .. }) => {}
        Ok(response) => assert_eq!(response.error_code, Some(ErrorCode::Cancelled)),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_hub_signs_for_a_guest_that_wants_it() {
    let mut host = Host::new();
    let secrets = host.path("secrets");
    std::fs::create_dir(&secrets).unwrap();
    std::fs::write(secrets.join("web"), "a secret\n").unwrap();
    std::fs::set_permissions(secrets.join("web"), std::fs::Permissions::from_mode(0o600)).unwrap();
    let listener = tokio::net::UnixListener::bind(host.path("guests/web.sock")).unwrap();
    host.start().await;
    let (stream, _) = tokio::time::timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
    let mut stream = BufReader::new(stream);
    let line = next(&mut stream, "signed").await;
    let mut verifier = infiniservice_protocol::envelope::Verifier::new("a secret");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let payload = verifier.verify(u64::try_from(now.as_millis()).unwrap(), line.trim_end()).unwrap();
    assert!(payload.contains("\"Hello\""), "{payload}");
}

/// A client that writes lines as it likes, attached.
async fn raw(host: &Host, vm: &str) -> BufReader<UnixStream> {
    let mut stream = BufReader::new(UnixStream::connect(host.path("wire.sock")).await.unwrap());
    stream
        .get_mut()
        .write_all(format!("\n{{\"type\":\"Attach\",\"vm\":\"{vm}\"}}\n").as_bytes())
        .await
        .unwrap();
    assert!(next(&mut stream, "attached").await.contains(vm));
    stream
}

async fn raw_sent(host: &Host, vm: &str, line: &str) -> BufReader<UnixStream> {
    let mut stream = raw(host, vm).await;
    stream.get_mut().write_all(format!("{line}\n").as_bytes()).await.unwrap();
    stream
}

/// The next line of this type.
async fn next(stream: &mut BufReader<UnixStream>, kind: &str) -> String {
    let found = async {
        let mut line = String::new();
        while !line.contains(&format!("\"type\":\"{kind}\"")) {
            line.clear();
            assert!(stream.read_line(&mut line).await.unwrap() > 0, "the connection ended before a {kind}");
        }
        line
    };
    tokio::time::timeout(PATIENCE, found).await.unwrap_or_else(|_| panic!("no {kind}"))
}
