//! Lines of 4 MiB that are made to take as much of the hub as they can, and words that are made to break out.

use crate::api::text;
use crate::support::{Host, PATIENCE, quick};
use infiniservice_hub_sim::{Fault, Options, lines};
use serde_json::Value;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixListener;

/// Of one line.
const LINE_BYTES: usize = 4 << 20;
/// What the hub may take at its highest, all of its program and of its other guests included.
const MAX_MEMORY: u64 = 64 << 20;

/// So much of this, with commas between, as makes a line of nearly 4 MiB.
fn many(one: &str) -> String {
    vec![one; (LINE_BYTES - 1000) / (one.len() + 1)].join(",")
}

fn made_up() -> [String; 9] {
    let metrics = |data: &str| format!(r#"{{"type":"system_metrics","data":{{{data}}}}}"#);
    [
        metrics(&format!(r#""system":{{"network":{{"interfaces":[{}]}}}}"#, many("{}"))),
        metrics(&format!(r#""system":{{"disk":{{"usage_stats":[{}]}}}}"#, many("{}"))),
        metrics(&format!(r#""system":{{"cpu":{{"cores_usage":[{}]}}}}"#, many("1"))),
        metrics(&format!(r#""services":[{}]"#, many("{}"))),
        metrics(&format!(r#""processes":[{}]"#, many("[]"))),
        format!(r#"{{"type":"system_metrics","data":{{}},"collection":{{"failed":[{}]}}}}"#, many("{}")),
        format!(r#"{{"type":"hello","agent_version":"1","capabilities":[{}]}}"#, many(r#""""#)),
        format!(r#"{{"type":"response","id":"x","success":true,"data":[{}]}}"#, many("[]")),
        "[".repeat(LINE_BYTES),
    ]
}

#[tokio::test]
async fn lines_of_4_mib_of_whatever_is_many_cost_the_hub_little_and_the_next_line_is_read() {
    let mut host = Host::new();
    let listener = UnixListener::bind(host.path("guests").join("liar.sock")).unwrap();
    host.guest("good", quick());
    let liar = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        for line in made_up() {
            stream.write_all(line.as_bytes()).await.unwrap();
            stream.write_all(b"\n").await.unwrap();
        }
        stream.write_all(b"{\"type\":\"keep_alive\",\"sequence_number\":1}\n").await.unwrap();
        std::future::pending::<()>().await;
    });
    host.start().await;
    let read = async {
        while host.api().get("/v1/vms/liar").await.map_or(0, |row| row["lines"].as_u64().unwrap_or(0)) < 10 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, read).await.unwrap_or_else(|_| panic!("not all are read: {}", host.log()));
    liar.abort();
    host.client("good").await.ping(PATIENCE).await.unwrap();
    assert!(host.peak_memory() < MAX_MEMORY, "{} bytes", host.peak_memory());
}

#[tokio::test]
async fn a_hostile_guests_words_stay_words_in_the_log_the_api_and_the_series() {
    let mut host = Host::new();
    host.guest("evil", Options { fault: Fault::Hostile, ..quick() });
    host.start().await;
    host.event("connected", "evil").await;
    let told = async {
        while host.machine("evil").await["failed_services"].as_array().is_none_or(Vec::is_empty) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, told).await.unwrap_or_else(|_| panic!("no figures: {}", host.log()));
    // As JSON the words come back as they are, and nothing around them has changed.
    let machine = host.machine("evil").await;
    assert_eq!(machine["failed_services"][0], lines::HOSTILE);
    assert_eq!(machine["name"], "evil");
    // The log has a line for each event, and none that a guest has begun.
    let log = host.log();
    assert!(log.lines().all(|line| !line.contains(char::is_control)), "{log}");
    assert!(log.lines().all(|line| line.starts_with("20") || line.starts_with('[')), "{log}");
    // Each series is one line of a known name.
    let answer = text(&host, "/metrics").await;
    let (_, series) = answer.split_once("\r\n\r\n").unwrap();
    for line in series.lines() {
        assert!(line.starts_with("infini_") || line.starts_with("# "), "{line}");
        assert!(!line.contains(char::is_control), "{line:?}");
    }
    assert!(series.contains(r#"infini_guest_service_failed{vm="evil","#), "{series:.400}");
    let events: Value = host.api().get("/v1/events?after=0").await.unwrap();
    assert!(events["events"].as_array().unwrap().iter().all(|event| event["vm"] == "evil"), "{events}");
}
