//! Servers, hubs and coordinators that end in the midst of an order, and an engine without room: each machine does it once, and
//! each has one outcome.

use super::support::Fleet;
use crate::support::{PATIENCE, quick};
use infiniservice_engine::{Discard, Engine, Layout, Settings, Stream};
use infiniservice_fleet::subject;
use infiniservice_hub_sim::Options;
use infiniservice_lab::NatsServer;
use serde_json::{Value, json};
use std::time::Duration;

/// Guests whose commands take a moment.
pub(super) fn slow(millis: u64) -> Options {
    Options { delay: Duration::from_millis(millis), interval: Duration::from_secs(20), ..quick() }
}

/// Waits until so many machines have begun.
pub(super) async fn begun(fleet: &Fleet, count: usize) {
    let begun = async || (fleet.carried_out().iter().sum::<usize>() >= count).then_some(());
    fleet.until("they began", begun).await;
}

#[tokio::test]
async fn a_server_that_is_killed_three_times_during_an_order_costs_no_machine_and_doubles_none() {
    let mut fleet = Fleet::over(NatsServer::start().unwrap(), 3, 12, &slow(50)).await;
    let order = fleet.alice.order("o", "all", &json!({"waves": ["canary:1", "rest"], "max_concurrency": 6}));
    fleet.submit(&fleet.alice.sign(&order), "o").await;
    for count in [2, 10, 20] {
        begun(&fleet, count).await;
        fleet.server.kill().unwrap();
        fleet.server.run().unwrap();
    }
    let progress = fleet.finished("o").await;
    assert_eq!((progress.targets, progress.counts.answered), (36, 36), "{progress:?}\n{}", fleet.logs());
    assert_eq!(fleet.carried_out(), [1; 36]);
    assert_eq!(fleet.results("o").await.len(), 36);
}

#[tokio::test]
async fn a_hub_that_is_killed_during_an_order_goes_on_with_it() {
    let mut fleet = Fleet::over(NatsServer::start().unwrap(), 2, 10, &slow(50)).await;
    // Not the coordinator's: that is another test.
    let other = 1 - fleet.coordinator().await;
    let order = fleet.alice.order("o", "all", &json!({"max_concurrency": 4}));
    fleet.submit(&fleet.alice.sign(&order), "o").await;
    for count in [3, 8] {
        begun(&fleet, count).await;
        fleet.hosts[other].kill();
        fleet.hosts[other].start().await;
    }
    let progress = fleet.finished("o").await;
    assert_eq!((progress.targets, progress.counts.answered), (20, 20), "{progress:?}\n{}", fleet.logs());
    assert_eq!(fleet.carried_out(), [1; 20]);
}

#[tokio::test]
async fn where_the_coordinator_is_killed_another_hub_takes_over() {
    let mut fleet = Fleet::over(NatsServer::start().unwrap(), 2, 6, &slow(50)).await;
    let first = fleet.coordinator().await;
    let order = fleet.alice.order("o", "all", &json!({"max_concurrency": 2}));
    fleet.submit(&fleet.alice.sign(&order), "o").await;
    begun(&fleet, 3).await;
    fleet.hosts[first].kill();
    let second = fleet
        .until("the other coordinates", async || {
            (fleet.engine_of(1 - first).await["is_coordinator"] == true).then_some(1 - first)
        })
        .await;
    assert_ne!(first, second);
    fleet.hosts[first].start().await;
    let progress = fleet.finished("o").await;
    assert_eq!((progress.targets, progress.counts.answered), (12, 12), "{progress:?}\n{}", fleet.logs());
    assert!(progress.coordinator.starts_with(&format!("h{}/", second + 1)), "{progress:?}");
    assert_eq!(fleet.carried_out(), [1; 12]);
}

#[tokio::test]
async fn a_coordinator_that_ends_in_order_gives_its_place_to_another_at_once() {
    let mut fleet = Fleet::over(NatsServer::start().unwrap(), 2, 1, &quick()).await;
    let first = fleet.coordinator().await;
    fleet.hosts[first].stop();
    assert!(fleet.engine().await.get(subject::LEASE, subject::LEASE_KEY).await.unwrap().is_none_or(
        |entry| {
            !String::from_utf8_lossy(&entry.value.unwrap_or_default())
                .starts_with(&format!("h{}/", first + 1))
        }
    ));
}

/// What the server says to a request of an administrator.
async fn administer(engine: &Engine, what: &str, body: &Value) -> Value {
    let answer = engine.ask(&format!("$JS.API.STREAM.{what}"), body.to_string().into_bytes(), PATIENCE).await;
    let answer: Value = serde_json::from_slice(&answer.unwrap()).unwrap();
    assert!(answer["error"].is_null(), "{answer}");
    answer
}

#[tokio::test]
async fn results_wait_on_the_host_while_the_stream_is_full_and_none_is_lost() {
    let server = NatsServer::start().unwrap();
    let settings = Settings { url: server.url(), name: "admin".into(), ..Settings::default() };
    let admin = Engine::connect(&settings).await.unwrap();
    // An administrator's stream stays as he made it.
    let results =
        Layout::of_fleet(1).streams.into_iter().find(|stream| stream.name == subject::RESULTS).unwrap();
    let small = Stream { max_bytes: 2048, discard: Discard::New, ..results };
    admin.set_up(&Layout { streams: vec![small], replicas: 1, ..Layout::default() }).await.unwrap();
    let fleet = Fleet::over(server, 1, 8, &quick()).await;
    fleet.submit(&fleet.alice.sign(&fleet.alice.order("o", "all", &json!({}))), "o").await;
    let waiting = fleet
        .until("results wait", async || {
            let engine = fleet.engine_of(0).await;
            (engine["results_waiting"].as_u64() > Some(0)).then_some(engine)
        })
        .await;
    assert!(waiting["error"].as_str().unwrap().contains("the stream is full"), "{waiting}");
    let info = administer(&admin, "INFO.INFINI_RES", &json!({})).await;
    let mut config = info["config"].clone();
    config["max_bytes"] = json!(1 << 20);
    administer(&admin, "UPDATE.INFINI_RES", &config).await;
    let progress = fleet.finished("o").await;
    assert_eq!(progress.counts.answered, 8, "{progress:?}\n{}", fleet.logs());
    assert_eq!((fleet.carried_out(), fleet.results("o").await.len()), (vec![1; 8], 8));
}
