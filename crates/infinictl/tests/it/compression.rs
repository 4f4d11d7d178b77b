//! Compressed lines at the host's end: asked for, read as if they had come plain, and asked anew where one cannot be read.

use crate::support::{FakeGuest, answers};
use infinictl::client::{Client, Content, Options};
use infiniservice_protocol::compression::{Codec, Encoder};
use serde_json::{Value, json};
use std::time::Duration;

const LONG: Duration = Duration::from_secs(20);
const COMPRESS: Options = Options { secret: None, seal: None, compress: true, bulk: None };

/// Metrics of a size that is worth it, as the guest answers the request of this id.
fn metrics(request: &Value) -> String {
    let process = json!({"pid": 7, "name": "worker", "cpu_percent": 1.5, "memory_kb": 10, "threads": 1, "status": "sleeping"});
    let line = json!({
        "request_id": request["id"], "agent_version": "0.1.0",
        "data": {"system": {"host": {"hostname": "db1"}}, "processes": vec![process; 60], "ports": [], "services": []},
        "timestamp": "2026-11-23T06:30:00.123Z",
    });
    line.to_string().replacen('{', "{\"type\":\"system_metrics\",", 1)
}

/// A guest that compresses for who asks; `spoil` may change a line on its way.
fn guest(mut spoil: impl FnMut(String) -> String + Send + 'static) -> FakeGuest {
    let mut encoder = Encoder::default();
    let script = move |message: &Value| {
        match message["type"].as_str() {
            Some("Hello") if message["accept"] == json!(["lz4"]) => encoder.accept(&Codec::ALL),
            Some("Hello") => encoder.end(),
            Some("ZReset") => {
                encoder.reset();
                return Vec::new();
            }
            Some("Metrics") => {
                let line = metrics(message) + "\n";
                let coded = encoder.encode(line.as_bytes()).map(|coded| String::from_utf8(coded).unwrap());
                return vec![spoil(coded.unwrap_or(line).trim_end().to_owned())];
            }
            _ => {}
        }
        answers::proper(message)
    };
    FakeGuest::scripted(answers::greeting(), Box::new(script))
}

#[tokio::test]
async fn who_asks_reads_compressed_lines_as_if_they_were_plain() {
    let guest = guest(|line| line);
    let client = Client::connect_as(guest.endpoint(), COMPRESS).await.unwrap();
    for _ in 0..3 {
        let event = client.metrics_event(LONG).await.unwrap();
        assert!(event.raw.starts_with("{\"type\":\"system_metrics\""), "{}", event.raw);
    }
    client.hello(LONG).await.unwrap();
    assert_eq!(client.metrics(LONG).await.unwrap().data.system.host.hostname, "db1");
    let stats = client.stats();
    assert_eq!((stats.compressed, stats.malformed, stats.unknown), (4, 0, 0));
    assert_eq!(guest.lines()[0], r#"{"type":"Hello","accept":["lz4"]}"#);
}

#[tokio::test]
async fn who_does_not_ask_says_nothing_of_it() {
    let guest = guest(|line| line);
    let client = Client::connect(guest.endpoint()).await.unwrap();
    client.hello(LONG).await.unwrap();
    client.metrics(LONG).await.unwrap();
    assert_eq!(client.stats().compressed, 0);
    assert_eq!(guest.lines()[0], r#"{"type":"Hello"}"#);
}

#[tokio::test]
async fn a_line_that_cannot_be_read_is_told_and_the_next_ones_can() {
    let mut count = 0;
    let guest = guest(move |line| {
        count += 1;
        if count == 2 { line.replacen("\"crc\":\"", "\"crc\":\"0", 1) } else { line }
    });
    let client = Client::connect_as(guest.endpoint(), COMPRESS).await.unwrap();
    let mut all = client.subscribe();
    client.metrics(LONG).await.unwrap();
    let lost = tokio::time::timeout(Duration::from_millis(300), client.metrics(LONG)).await;
    assert!(lost.is_err(), "the answer was damaged: {lost:?}");
    let mut reason = None;
    while let Some(event) = all.try_next() {
        if let Content::Malformed { reason: why } = &event.content {
            reason = Some(why.clone());
        }
    }
    assert_eq!(reason.as_deref(), Some("the compressed line's checksum is wrong"));
    client.metrics(LONG).await.unwrap();
    client.metrics(LONG).await.unwrap();
    assert!(guest.lines().contains(&r#"{"type":"ZReset"}"#.to_owned()));
    assert_eq!(client.stats().malformed, 1);
}
