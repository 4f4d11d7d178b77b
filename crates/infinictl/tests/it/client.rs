//! What the client library promises, against a scripted guest.

use crate::support::{FakeGuest, answers};
use infinictl::client::{Client, ClientError, Content, Endpoint, pty};
use infiniservice_protocol::action::ServiceOperation;
use infiniservice_protocol::envelope::Verifier;
use infiniservice_protocol::guest::GuestMessage;
use infiniservice_protocol::{Action, ErrorCode};
use serde_json::json;
use std::time::{Duration, SystemTime};

const LONG: Duration = Duration::from_secs(20);
/// For what must time out; nothing is measured by it.
const SHORT: Duration = Duration::from_millis(50);

#[tokio::test]
async fn every_request_finds_its_answer_on_a_socket() {
    let guest = FakeGuest::proper();
    let client = Client::connect(guest.endpoint()).await.unwrap();
    assert_eq!(client.metrics(LONG).await.unwrap().data.system.host.hostname, "db1");
    assert_eq!(client.hello(LONG).await.unwrap().protocol_version, 1);
    client.ping(LONG).await.unwrap();
    let response = client.request(&Action::ServiceList { state: None }, LONG).await.unwrap();
    assert!(response.success);
    assert_eq!(response.data[0]["name"], "ssh.service");
    assert_eq!(client.stats().recent_pings.len(), 1);
}

#[tokio::test]
async fn every_request_finds_its_answer_on_a_pseudo_terminal() {
    let pair = pty::open().unwrap();
    crate::support::serve_pty(&pair.path, Box::new(answers::proper));
    let client = Client::connect(Endpoint::Pty(pair.master)).await.unwrap();
    assert_eq!(client.metrics(LONG).await.unwrap().agent_version, "0.1.0");
    client.ping(LONG).await.unwrap();
    let processes = client.request(&Action::ProcessKill { pid: 7, force: true }, LONG).await.unwrap();
    assert_eq!(processes.data["pid"], 7);
}

#[tokio::test]
async fn the_first_byte_is_a_newline_and_parameters_stand_beside_the_action() {
    let guest = FakeGuest::proper();
    let client = Client::connect(guest.endpoint()).await.unwrap();
    let action = Action::ServiceControl { service: "ssh".into(), operation: ServiceOperation::Restart };
    client.request(&action, LONG).await.unwrap();
    assert_eq!(guest.heard.lock().unwrap()[0], "");
    let sent: serde_json::Value = serde_json::from_str(&guest.lines()[0]).unwrap();
    assert_eq!(
        sent["command_type"],
        json!({"action": "ServiceControl", "service": "ssh", "operation": "restart"})
    );
}

#[tokio::test]
async fn heartbeats_are_answered_and_answers_to_pings_are_not() {
    let beats = b"\n{\"type\":\"keep_alive\",\"sequence_number\":41}\n".to_vec();
    let guest = FakeGuest::scripted(beats, Box::new(answers::proper));
    let client = Client::connect(guest.endpoint()).await.unwrap();
    client.ping(LONG).await.unwrap();
    // The heartbeat was read before the first ping's answer, so its answer was heard before the second ping.
    client.ping(LONG).await.unwrap();
    let answered: Vec<_> =
        guest.lines().into_iter().filter(|line| line.contains("KeepAliveResponse")).collect();
    assert_eq!(answered.len(), 1, "{answered:?}");
    assert!(answered[0].contains("\"sequence_number\":41"));
    assert_eq!(client.stats().heartbeats, 1);
}

#[tokio::test]
async fn a_test_can_leave_heartbeats_unanswered() {
    let script = |message: &serde_json::Value| {
        let mut lines = answers::proper(message);
        lines.insert(0, r#"{"type":"keep_alive","sequence_number":1}"#.into());
        lines
    };
    let guest = FakeGuest::scripted(b"\n".to_vec(), Box::new(script));
    let client = Client::connect(guest.endpoint()).await.unwrap();
    client.set_answering_heartbeats(false);
    client.ping(LONG).await.unwrap();
    client.ping(LONG).await.unwrap();
    assert!(!guest.lines().iter().any(|line| line.contains("KeepAliveResponse")));
    assert_eq!((client.stats().heartbeats, client.stats().heartbeats_unanswered), (2, 2));
}

#[tokio::test]
async fn answers_come_in_any_order_and_stale_ones_are_ignored() {
    let mut held = Vec::new();
    let script = move |message: &serde_json::Value| {
        let id = message["id"].as_str().unwrap_or_default().to_owned();
        held.push(answers::ok(&id, "ServiceList", &json!([{"asked": id}])));
        if held.len() < 2 {
            return vec![answers::ok("of-a-predecessor", "ServiceList", &json!([]))];
        }
        held.drain(..).rev().collect()
    };
    let guest = FakeGuest::scripted(b"\n".to_vec(), Box::new(script));
    let client = Client::connect(guest.endpoint()).await.unwrap();
    let list = Action::ServiceList { state: None };
    let (first, second) = tokio::join!(client.request(&list, LONG), client.request(&list, LONG));
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_ne!(first.id, second.id);
    assert_eq!(first.data[0]["asked"], first.id);
    assert_eq!(second.data[0]["asked"], second.id);
    assert_eq!(client.stats().stale, 1);
}

#[tokio::test]
async fn a_failure_is_a_response_for_commands_and_an_error_for_metrics() {
    let script = |message: &serde_json::Value| {
        vec![answers::failed(message["id"].as_str().unwrap(), "Metrics", "QUEUE_FULL", "too much waits")]
    };
    let guest = FakeGuest::scripted(b"\n".to_vec(), Box::new(script));
    let client = Client::connect(guest.endpoint()).await.unwrap();
    let response = client.request(&Action::ServiceList { state: None }, LONG).await.unwrap();
    assert_eq!(response.error_code, Some(ErrorCode::QueueFull));
    let error = client.metrics(LONG).await.unwrap_err();
    assert_eq!(error.to_string(), "the guest refused Metrics: too much waits (QUEUE_FULL)");
}

#[tokio::test]
async fn silence_times_out_and_says_what_was_heard() {
    let guest = FakeGuest::scripted(b"\n".to_vec(), Box::new(|_| Vec::new()));
    let client = Client::connect(guest.endpoint()).await.unwrap();
    let error = client.metrics(SHORT).await.unwrap_err();
    let ClientError::TimedOut { what, heard, .. } = error else { panic!("{error}") };
    assert_eq!((what.as_str(), heard.lines), ("Metrics", 0));
    assert!(client.ping(SHORT).await.is_err());
    assert_eq!(client.stats().pings_lost, 1);
}

#[tokio::test]
async fn no_socket_and_no_listener_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("agent.sock");
    let absent = Client::connect(Endpoint::Channel(path.clone())).await.err().unwrap();
    assert!(absent.to_string().contains("there is no such socket"), "{absent}");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let refused = Client::connect(Endpoint::Channel(path)).await.err().unwrap();
    assert!(refused.to_string().contains("nobody listens on it"), "{refused}");
}

#[tokio::test]
async fn the_end_of_the_connection_ends_requests_and_subscriptions() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("agent.sock");
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let client = Client::connect(Endpoint::Channel(path)).await.unwrap();
    let mut events = client.subscribe();
    let (stream, _) = listener.accept().unwrap();
    let end = async { drop(stream) };
    let (answer, ()) = tokio::join!(client.metrics(LONG), end);
    assert!(matches!(answer, Err(ClientError::Closed { .. })), "{answer:?}");
    assert_eq!(events.next().await, None);
    assert!(matches!(client.metrics(LONG).await, Err(ClientError::Closed { .. })));
    assert_eq!(client.subscribe().next().await, None);
}

#[tokio::test]
async fn hostile_lines_are_counted_and_the_next_good_one_works() {
    let mut noise =
        b"{\"torn\n\xff\xfe\n[]\n{\"type\":\"from_the_future\",\"x\":[1]}\n{\"type\":\"hello\"}\n".to_vec();
    noise.extend(format!("{}\n", "[".repeat(100_000)).bytes());
    noise.extend(vec![b'x'; 9 << 20]);
    noise.push(b'\n');
    let guest = FakeGuest::scripted(noise, Box::new(answers::proper));
    let client = Client::connect(guest.endpoint()).await.unwrap();
    client.ping(LONG).await.unwrap();
    let stats = client.stats();
    assert_eq!((stats.malformed, stats.unknown), (6, 1), "{stats:?}");
}

#[tokio::test]
async fn a_subscriber_sees_every_line_in_order() {
    let greeting = b"\n{\"type\":\"keep_alive\",\"sequence_number\":1}\n{\"type\":\"news\"}\n".to_vec();
    let guest = FakeGuest::scripted(greeting, Box::new(answers::proper));
    let client = Client::connect(guest.endpoint()).await.unwrap();
    let mut events = client.subscribe();
    assert!(matches!(events.next().await.unwrap().message(), Some(GuestMessage::KeepAlive(_))));
    assert_eq!(events.next().await.unwrap().content, Content::Unknown { kind: "news".into() });
    client.send_raw("not json\n").await.unwrap();
    let event = events.next().await.unwrap();
    let Some(GuestMessage::Error(error)) = event.message() else { panic!("{event:?}") };
    assert_eq!(error.error_code, ErrorCode::InvalidJson);
}

#[tokio::test]
async fn a_host_that_does_not_read_pushes_back_and_loses_nothing() {
    let script = |message: &serde_json::Value| {
        let id = message["id"].as_str().unwrap_or_default();
        (0..200).map(|_| answers::metrics(None)).chain([answers::metrics(Some(id))]).collect()
    };
    let guest = FakeGuest::scripted(b"\n".to_vec(), Box::new(script));
    let client = Client::connect(guest.endpoint()).await.unwrap();
    client.set_reading(false);
    assert!(matches!(client.metrics(SHORT).await, Err(ClientError::TimedOut { .. })));
    assert_eq!(client.stats().lines, 0);
    client.set_reading(true);
    let _answer = client.metrics(LONG).await.unwrap();
    assert!(client.stats().lines >= 402);
    assert_eq!(client.stats().malformed, 0);
}

#[tokio::test]
async fn with_a_secret_every_message_is_signed_heartbeats_answers_too() {
    let beats = b"\n{\"type\":\"keep_alive\",\"sequence_number\":41}\n".to_vec();
    let script = |envelope: &serde_json::Value| {
        answers::proper(&serde_json::from_str(envelope["payload"].as_str().unwrap()).unwrap())
    };
    let guest = FakeGuest::scripted(beats, Box::new(script));
    let client = Client::connect_signed(guest.endpoint(), "s3cret").await.unwrap();
    client.ping(LONG).await.unwrap();
    client.metrics(LONG).await.unwrap();
    let mut verifier = Verifier::new("s3cret");
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis();
    let now = u64::try_from(now).unwrap();
    let payloads: Vec<_> = guest.lines().iter().map(|line| verifier.verify(now, line).unwrap()).collect();
    for kind in ["keep_alive_request", "KeepAliveResponse", "Metrics"] {
        assert!(payloads.iter().any(|payload| payload.contains(kind)), "{payloads:?}");
    }
}
