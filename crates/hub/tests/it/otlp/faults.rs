//! Receivers that are away, slow, busy or refuse: nothing waits for them, what is lost is counted, and it is said once.

use super::receiver::{Answer, Receiver};
use super::{configured, started};
use crate::support::{Host, PATIENCE};
use infiniservice_hub_sim::Options;
use std::time::Duration;
use tokio::net::TcpListener;

/// A figure of the hub's own, as `/metrics` has it.
async fn figure(host: &Host, series: &str) -> u64 {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::UnixStream::connect(host.path("api.sock")).await.unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let line = answer.lines().find_map(|line| line.strip_prefix(series));
    line.unwrap_or_else(|| panic!("no {series}: {answer}")).trim().parse().unwrap()
}

/// Asks until a figure is as wanted.
async fn until(host: &Host, series: &str, is_so: impl Fn(u64) -> bool) {
    let waited = async {
        while !is_so(figure(host, series).await) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waited).await.unwrap_or_else(|_| panic!("{series}: {}", host.log()));
}

fn count(host: &Host, words: &str) -> usize {
    host.log().matches(words).count()
}

#[tokio::test]
async fn a_receiver_that_comes_late_gets_what_happened_before_and_the_log_says_it_twice() {
    // A port that was free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let host = started(&format!("http://{address}"), "", &["web"]).await;
    until(&host, "infini_hub_otlp_failing{signal=\"metrics\"}", |it| it == 1).await;
    until(&host, "infini_hub_otlp_failing{signal=\"logs\"}", |it| it == 1).await;
    let receiver = Receiver::on(TcpListener::bind(address).await.unwrap(), &[], None);
    receiver
        .until("what happened before", |it| {
            it.logs.iter().any(|(vm, log)| vm == "web" && log.event_name == "infini.vm.connected")
                && !it.metrics.is_empty()
        })
        .await;
    for signal in ["metrics", "logs"] {
        until(&host, &format!("infini_hub_otlp_failing{{signal=\"{signal}\"}}"), |it| it == 0).await;
    }
    for (words, times) in [
        ("OTLP: metrics: cannot connect", 1),
        ("OTLP: logs: cannot connect", 1),
        ("OTLP: metrics: the receiver takes them again", 1),
        ("OTLP: logs: the receiver takes them again", 1),
    ] {
        assert_eq!(count(&host, words), times, "{words}: {}", host.log());
    }
}

#[tokio::test]
async fn what_a_busy_receiver_did_not_take_is_sent_again_and_what_it_refuses_is_counted() {
    let answers =
        [Answer::Status(503), Answer::Status(429), Answer::Taken, Answer::Status(400), Answer::Partly(7)];
    let receiver = Receiver::start(&answers).await;
    let host = started(&format!("http://{}", receiver.address), "signals = [\"metrics\"]\n", &["web"]).await;
    receiver.until("seven requests", |it| it.requests.len() >= 7).await;
    // The first one came three times; one was refused whole, and of one seven points.
    until(&host, "infini_hub_otlp_sent_total{signal=\"metrics\"}", |it| it > 0).await;
    until(&host, "infini_hub_otlp_failing{signal=\"metrics\"}", |it| it == 0).await;
    let lost = figure(&host, "infini_hub_otlp_dropped_total{signal=\"metrics\",reason=\"rejected\"}").await;
    assert!(lost > 7, "{lost}");
    for words in
        ["answers 503 not now", "answers 400 not now; what is refused is lost", "were refused: too old"]
    {
        assert_eq!(count(&host, words), 1, "{words}: {}", host.log());
    }
    assert_eq!(count(&host, "answers 429"), 0, "it was away all the time: {}", host.log());
    assert_eq!(count(&host, "the receiver takes them again"), 2, "{}", host.log());
}

#[tokio::test]
async fn a_receiver_that_never_answers_holds_nobody_up_and_takes_no_more_memory_than_allowed() {
    let receiver = Receiver::start(&[Answer::Never; 1000]).await;
    let more =
        "timeout_secs = 1\ncompression = \"none\"\nqueue_max_bytes = 1048576\nsignals = [\"metrics\"]\n";
    let mut host = configured(&format!("http://{}", receiver.address), more);
    let names: Vec<_> = (0..40).map(|n| format!("vm-{n}")).collect();
    // They share the test's one thread.
    let options = Options { interval: Duration::from_secs(1), line_bytes: 0, ..Options::default() };
    let _guests: Vec<_> = names.iter().map(|name| host.guest(name, options.clone())).collect();
    host.start().await;
    until(&host, "infini_hub_otlp_dropped_total{signal=\"metrics\",reason=\"queue\"}", |it| it > 0).await;
    let waiting = figure(&host, "infini_hub_otlp_queue_bytes").await;
    assert!(waiting <= 1 << 20, "{waiting}");
    assert_eq!(count(&host, "OTLP: metrics: no answer within 1 s"), 1, "{}", host.log());
    let client = host.client("vm-0").await;
    client.metrics(PATIENCE).await.unwrap();
    assert!(host.peak_memory() < 96 << 20, "{}", host.peak_memory());
}

#[tokio::test]
async fn a_headers_file_that_others_can_read_is_an_error_at_the_start() {
    let mut host = configured("http://127.0.0.1:1", "headers_file = \"/etc/passwd\"\n");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_infinihub"))
        .arg("--config")
        .arg(host.path("config.toml"))
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && error.contains("`otlp.headers_file`: /etc/passwd"), "{error}");
    host.kill();
}
