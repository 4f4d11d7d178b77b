//! Orders that go as they should, and those that are stopped.

use super::support::{Fleet, Operator};
use crate::support::{Host, quick};
use infiniservice_fleet::message::What;
use infiniservice_fleet::subject::{self, JobKey, job_key};
use infiniservice_hub_core::job::Outcome;
use infiniservice_hub_sim::{Fault, Options};
use infiniservice_lab::NatsServer;
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn an_order_goes_over_three_hosts_in_waves_and_each_machine_does_it_once() {
    let fleet = Fleet::new(3, 4).await;
    let order = fleet.alice.order("upgrade-1", "all", &json!({"waves": ["canary:1", "25%", "rest"]}));
    fleet.submit(&fleet.alice.sign(&order), "upgrade-1").await;
    let progress = fleet.finished("upgrade-1").await;
    assert_eq!((progress.targets, progress.counts.answered, progress.waves), (12, 12, 3), "{}", fleet.logs());
    assert_eq!(fleet.carried_out(), [1; 12]);
    let results = fleet.results("upgrade-1").await;
    let waves = [0, 1, 2].map(|wave| results.values().filter(|result| result.wave == wave).count());
    assert_eq!(waves, [1, 3, 8]);
    let web = &results["vm-2-1"];
    assert_eq!((web.hub.as_str(), web.outcome, web.is_of_hub()), ("h2", Outcome::Answered, true));
    assert!(web.result.as_ref().unwrap().contains(r#""simulated":true"#), "{web:?}");
    assert!(web.started_at_ms.unwrap() <= web.ended_at_ms);
    for host in 0..3 {
        let engine = fleet.engine_of(host).await;
        assert_eq!((&engine["connected"], &engine["error"]), (&json!(true), &json!(null)), "{engine}");
        assert!((fleet.hosts[host].series("infini_hub_engine_connected").await - 1.0).abs() < 0.1);
    }
    // Later orders find their coordinator, too; a read needs no right but to be named.
    let list = json!({"type": "SafeCommand", "command_type": {"action": "ServiceList"}});
    let order = fleet.alice.order("list-1", "vm-1-*,nowhere", &json!({"message": list}));
    fleet.submit(&fleet.alice.sign(&order), "list-1").await;
    let counts = fleet.finished("list-1").await.counts;
    assert_eq!((counts.answered, counts.absent), (4, 1), "{}", fleet.logs());
}

#[tokio::test]
async fn a_canary_that_fails_stops_the_order() {
    let server = NatsServer::start().unwrap();
    let options = Options { fault: Fault::Fails, ..quick() };
    let fleet = Fleet::over(server, 2, 3, &options).await;
    let order = fleet.alice.order("o", "all", &json!({"waves": ["canary:1", "rest"]}));
    fleet.submit(&fleet.alice.sign(&order), "o").await;
    let progress = fleet.finished("o").await;
    assert!(progress.stopped_by_failures, "{progress:?}");
    assert_eq!((progress.counts.failures(), progress.counts.skipped), (1, 5), "{}", fleet.logs());
}

#[tokio::test]
async fn an_order_is_paused_and_goes_on_and_another_is_cancelled_in_the_guests() {
    let server = NatsServer::start().unwrap();
    let options = Options { delay: Duration::from_millis(300), ..quick() };
    let fleet = Fleet::over(server, 2, 4, &options).await;
    let engine = fleet.engine().await;
    let control = async |job: &str, what: What| {
        let signed = infiniservice_fleet::message::text(&fleet.alice.control(job, what)).into_bytes();
        engine.put(subject::JOBS, &job_key(job, &JobKey::Control), signed).await.unwrap();
    };
    let order = fleet.alice.order("slow", "all", &json!({"max_concurrency": 1}));
    fleet.submit(&fleet.alice.sign(&order), "slow").await;
    let begun = async |count: usize| {
        fleet
            .until("they began", async || (fleet.carried_out().iter().sum::<usize>() >= count).then_some(()))
            .await;
    };
    begun(1).await;
    control("slow", What::Pause).await;
    fleet
        .until("it is paused", async || {
            let progress = fleet.progress(&engine, "slow").await?;
            let json = serde_json::to_value(&progress).unwrap();
            (json["state"] == "paused" && progress.counts.sent == 0).then_some(())
        })
        .await;
    let paused = fleet.carried_out();
    assert!(paused.iter().sum::<usize>() < 8, "{paused:?}");
    control("slow", What::Resume).await;
    begun(paused.iter().sum::<usize>() + 1).await;
    control("slow", What::Cancel).await;
    let progress = fleet.finished("slow").await;
    assert_eq!(progress.cancelled_by.as_deref(), Some("alice"));
    assert!(progress.counts.skipped > 0, "{progress:?}");
    assert!(fleet.carried_out().iter().all(|count| *count <= 1));
}

#[tokio::test]
async fn an_operator_without_a_right_is_refused_by_each_hub() {
    let fleet = Fleet::new(2, 2).await;
    let bob = Operator::new("bob", 2);
    fleet.submit(&bob.sign(&bob.order("o", "all", &json!({}))), "o").await;
    let progress = fleet.finished("o").await;
    assert_eq!((progress.counts.refused, progress.hubs_missing), (4, 2), "{progress:?}");
    assert_eq!(fleet.carried_out(), [0; 4]);
    let results = fleet.results("o").await;
    assert!(results["vm-1-1"].text.as_ref().unwrap().contains("operator:bob may not do ServiceControl"));
    // What alice may do has its bound, too.
    let unsafe_command = json!({"message": {"type": "UnsafeCommand", "raw_command": "id"}});
    fleet.submit(&fleet.alice.sign(&fleet.alice.order("u", "all", &unsafe_command)), "u").await;
    assert_eq!(fleet.finished("u").await.counts.refused, 4);
    assert_eq!(fleet.carried_out(), [0; 4]);
}

#[tokio::test]
async fn figures_come_to_who_watches_as_the_guest_has_said_them() {
    let server = NatsServer::start().unwrap();
    let mut host = Host::new();
    let url = server.url();
    host.configure(&format!("[fleet]\nurl = \"{url}\"\nhub = \"h1\"\nlive = true\n"));
    let _guest = host.guest("web", quick());
    host.start().await;
    let settings = infiniservice_engine::Settings { url, ..infiniservice_engine::Settings::default() };
    let engine = infiniservice_engine::Engine::connect(&settings).await.unwrap();
    let mut notes = engine.listen(subject::ALL_METRICS).await.unwrap();
    let mut decoder = infiniservice_engine::live::Decoder::default();
    let heard = async {
        let mut lines = Vec::new();
        while lines.len() < 3 {
            let note = notes.next().await.unwrap();
            assert_eq!(subject::parse_metrics(&note.subject), Some(("h1".into(), "web".into())));
            lines.extend(decoder.decode(&note.payload).map(str::to_owned));
        }
        lines
    };
    let lines = tokio::time::timeout(crate::support::PATIENCE, heard).await.unwrap();
    assert!(lines.iter().all(|line| line.contains(r#""type":"system_metrics""#)), "{lines:?}");
}

#[tokio::test]
async fn without_an_engine_the_host_goes_on_and_says_what_is_missing() {
    let mut host = Host::new();
    host.configure("[fleet]\nurl = \"nats://127.0.0.1:1\"\nhub = \"h1\"\n");
    let _guest = host.guest("web", quick());
    host.start().await;
    host.event("connected", "web").await;
    let engine = async {
        loop {
            let engine = host.api().get("/v1/hub").await.unwrap()["engine"].clone();
            if engine["error"].is_string() {
                return engine;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let engine = tokio::time::timeout(crate::support::PATIENCE, engine).await.unwrap();
    assert_eq!(engine["connected"], false);
    assert!(
        engine["error"].as_str().unwrap().contains("cannot reach the server at nats://127.0.0.1:1"),
        "{engine}"
    );
    host.client("web").await.ping(crate::support::PATIENCE).await.unwrap();
}
