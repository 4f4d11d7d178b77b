//! A client of the server that is nobody's friend: what no operator signed is not carried out, and what one signed only once.

use super::support::{Fleet, Operator, now_ms};
use crate::support::quick;
use infiniservice_fleet::message::{What, text};
use infiniservice_fleet::subject::{self, JobKey, job_key};
use infiniservice_fleet::{Command, Signed};
use infiniservice_hub_core::job::Outcome;
use infiniservice_lab::NatsServer;
use serde_json::json;

fn run(order: Signed, targets: &[&str], coordinator: &str) -> Command {
    let targets = targets.iter().map(|&vm| vm.to_owned()).collect();
    Command::Run { order, wave: 0, batch: 1, targets, close: false, coordinator: coordinator.to_owned() }
}

/// Waits until a hub has refused so many commands.
async fn refused(fleet: &Fleet, count: u64) {
    fleet
        .until("it refused them", async || (fleet.engine_of(0).await["refused"] == count).then_some(()))
        .await;
}

#[tokio::test]
async fn what_no_operator_signed_is_not_carried_out_and_ends_nothing() {
    let fleet = Fleet::new(1, 2).await;
    let order = fleet.alice.order("o", "all", &json!({}));
    let good = fleet.alice.sign(&order);
    let mallory = Operator { name: "alice", key: infiniservice_fleet::OperatorKey::generate([9; 32]) };
    let changed = Signed { body: good.body.replace("nginx", "sshd"), ..good.clone() };
    let others = Signed { key: Operator::new("bob", 2).key.public().kid(), ..good.clone() };
    for forged in [mallory.sign(&order), changed, others] {
        fleet.send("h1", &run(forged, &["vm-1-1"], "mallory")).await;
    }
    let control = fleet.alice.control("o", What::Cancel);
    let forged = Signed { body: control.body.replace("cancel", "pause"), ..control };
    let cancel =
        Command::Cancel { job: "o".into(), control: forged, batch: 9, coordinator: "mallory".into() };
    fleet.send("h1", &cancel).await;
    refused(&fleet, 4).await;
    assert_eq!((fleet.carried_out(), fleet.results("o").await.len()), (vec![0, 0], 0));
    // The real order goes on as if nothing had been.
    fleet.submit(&good, "o").await;
    assert_eq!(fleet.finished("o").await.counts.answered, 2, "{}", fleet.logs());
    assert_eq!(fleet.carried_out(), [1, 1]);
}

#[tokio::test]
async fn an_order_that_is_sent_again_and_again_is_carried_out_once_also_after_a_restart() {
    let mut fleet = Fleet::new(1, 2).await;
    let signed = fleet.alice.sign(&fleet.alice.order("o", "all", &json!({})));
    fleet.submit(&signed, "o").await;
    assert_eq!(fleet.finished("o").await.counts.answered, 2);
    for n in 0..5 {
        fleet.send("h1", &run(signed.clone(), &["vm-1-1", "vm-1-2"], &format!("replay-{n}"))).await;
    }
    fleet.hosts[0].kill();
    fleet.hosts[0].start().await;
    fleet.send("h1", &run(signed, &["vm-1-2"], "replay-again")).await;
    // One that comes after them is done, so they are, too.
    let next = fleet.alice.order("next", "all", &json!({}));
    fleet.submit(&fleet.alice.sign(&next), "next").await;
    assert_eq!(fleet.finished("next").await.counts.answered, 2, "{}", fleet.logs());
    assert_eq!(fleet.carried_out(), [2, 2]);
}

#[tokio::test]
async fn an_order_whose_time_is_over_and_machines_that_it_does_not_mean_do_not_begin() {
    let fleet = Fleet::new(1, 3).await;
    let at_ms = now_ms() - 60_000;
    let late = json!({"at_ms": at_ms, "not_after_ms": at_ms + 1000});
    let late = fleet.alice.sign(&fleet.alice.order("late", "all", &late));
    fleet.send("h1", &run(late, &["vm-1-1"], "c")).await;
    let narrow = fleet.alice.sign(&fleet.alice.order("narrow", "vm-1-1", &json!({})));
    fleet.send("h1", &run(narrow, &["vm-1-1", "vm-1-2", "nowhere"], "c")).await;
    let outcomes = async |id: &str, count: usize| {
        let all = async || Some(fleet.results(id).await).filter(|results| results.len() == count);
        let results = fleet.until("there are results", all).await;
        results.into_iter().map(|(vm, result)| (vm, result.outcome)).collect::<Vec<_>>()
    };
    assert_eq!(outcomes("late", 1).await, [("vm-1-1".to_owned(), Outcome::Expired)]);
    let expected =
        [("nowhere", Outcome::Absent), ("vm-1-1", Outcome::Answered), ("vm-1-2", Outcome::Skipped)];
    assert_eq!(outcomes("narrow", 3).await, expected.map(|(vm, outcome)| (vm.to_owned(), outcome)));
    assert_eq!(fleet.carried_out(), [1, 0, 0]);
}

#[tokio::test]
async fn one_operator_does_not_end_what_another_has_ordered() {
    let server = NatsServer::start().unwrap();
    let options = infiniservice_hub_sim::Options { delay: std::time::Duration::from_millis(200), ..quick() };
    let fleet = Fleet::over(server, 1, 3, &options).await;
    let order = fleet.alice.order("o", "all", &json!({"max_concurrency": 1}));
    fleet.submit(&fleet.alice.sign(&order), "o").await;
    let begun = async || (fleet.carried_out().iter().sum::<usize>() > 0).then_some(());
    fleet.until("it began", begun).await;
    let control = Operator::new("bob", 2).control("o", What::Cancel);
    let engine = fleet.engine().await;
    let value = text(&control).into_bytes();
    engine.put(subject::JOBS, &job_key("o", &JobKey::Control), value).await.unwrap();
    let cancel = Command::Cancel { job: "o".into(), control, batch: 1, coordinator: "bob".into() };
    fleet.send("h1", &cancel).await;
    let progress = fleet.finished("o").await;
    assert_eq!((progress.counts.answered, progress.cancelled_by), (3, None), "{}", fleet.logs());
}

/// A hub whose user may write only below its own name.
const USERS: &str = r#"
authorization { users: [
  { user: "all", password: "a" }
  { user: "h1", password: "b", permissions: {
      publish: { deny: ["infini.v1.res.*.h2.>", "$KV.INFINI_VMS.h2.>", "$KV.INFINI_HUBS.h2"] } } }
] }
no_auth_user: "all"
"#;

#[tokio::test]
async fn results_and_machines_of_another_hub_cannot_be_forged_with_a_hubs_credentials() {
    let fleet = Fleet::over(NatsServer::with(USERS).unwrap(), 1, 1, &quick()).await;
    let file = fleet.hosts[0].path("h1.user");
    std::fs::write(&file, "h1\nb\n").unwrap();
    let settings = infiniservice_engine::Settings {
        url: fleet.server.url(),
        credentials: Some(file),
        ..infiniservice_engine::Settings::default()
    };
    let hub = infiniservice_engine::Engine::connect(&settings).await.unwrap();
    let mut status = hub.status();
    let forging = tokio::spawn(async move { hub.put(subject::VMS, "h2.db", b"{}".to_vec()).await });
    let told = status.wait_for(|status| status.error.is_some()).await.unwrap().clone();
    forging.abort();
    assert!(told.error.unwrap().to_lowercase().contains("permissions violation"));
    assert!(fleet.engine().await.get(subject::VMS, "h2.db").await.unwrap().is_none());
}
