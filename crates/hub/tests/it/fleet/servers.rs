//! A cluster of servers, of which one is lost, and a server whose certificate an authority of one's own has signed.

use super::faults::{begun, slow};
use super::support::{Fleet, Setup};
use crate::support::certificates::Authority;
use crate::support::{Host, PATIENCE, quick};
use infiniservice_engine::{Engine, Settings};
use infiniservice_fleet::subject;
use infiniservice_lab::NatsServer;
use serde_json::{Value, json};

/// Which server leads the stream of results, as the servers say.
async fn leader(fleet: &Fleet) -> usize {
    let question = format!("$JS.API.STREAM.INFO.{}", subject::RESULTS);
    let engine = fleet.engine().await;
    fleet
        .until("somebody leads", async || {
            let answer = engine.ask(&question, Vec::new(), PATIENCE).await.ok()?;
            let answer: Value = serde_json::from_slice(&answer).unwrap();
            answer["cluster"]["leader"].as_str()?.strip_prefix('n')?.parse().ok()
        })
        .await
}

#[tokio::test]
async fn a_cluster_of_three_loses_its_leader_during_an_order_and_each_machine_does_it_once() {
    let servers = NatsServer::cluster().unwrap();
    let url = servers.each_ref().map(NatsServer::url).join(",");
    let [first, mut second, mut third] = servers;
    let setup =
        Setup { url: &url, more: "replicas = 3", size: (2, 8), options: slow(50), ..Setup::default() };
    let mut fleet = Fleet::set_up(first, setup).await;
    let order = fleet.alice.order("o", "all", &json!({"max_concurrency": 2}));
    fleet.submit(&fleet.alice.sign(&order), "o").await;
    begun(&fleet, 3).await;
    match leader(&fleet).await {
        0 => fleet.server.kill(),
        1 => second.kill(),
        _ => third.kill(),
    }
    .unwrap();
    let progress = fleet.finished("o").await;
    assert_eq!((progress.targets, progress.counts.answered), (16, 16), "{progress:?}\n{}", fleet.logs());
    assert_eq!(fleet.carried_out(), [1; 16]);
    assert_eq!(fleet.results("o").await.len(), 16);
}

#[tokio::test]
async fn a_server_with_tls_is_believed_by_its_authority_and_nobody_else_s() {
    let mut host = Host::new();
    let (ours, others) = (Authority::new(&host.path("ours")), Authority::new(&host.path("others")));
    let shown = ours.issue("nats", "DNS:localhost,IP:127.0.0.1");
    let server = NatsServer::with(&format!(
        "tls {{ cert_file: {:?}, key_file: {:?} }}",
        shown.certificate.display().to_string(),
        shown.key.display().to_string()
    ))
    .unwrap();
    let url = server.url().replace("nats://", "tls://");
    let ca = ours.pem();
    host.configure(&format!("[fleet]\nurl = \"{url}\"\nhub = \"h1\"\nca = {:?}\n", ca.display().to_string()));
    let _guest = host.guest("web", quick());
    host.start().await;
    let settings = Settings { url, ca: Some(ca), ..Settings::default() };
    let engine = Engine::connect(&settings).await.unwrap();
    let told = async {
        // The hub makes the buckets; it may not have done so yet.
        loop {
            if let Ok(mut hubs) = engine.watch(subject::HUBS, ">").await {
                return hubs.next().await.unwrap().key;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    assert_eq!(tokio::time::timeout(PATIENCE, told).await.unwrap(), "h1");
    let stranger = Settings { ca: Some(others.pem()), ..settings };
    let refused = Engine::connect(&stranger).await.expect_err("another authority has not signed it");
    assert!(refused.to_string().contains("certificate"), "{refused}");
}
