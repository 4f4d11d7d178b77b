//! Jobs over real sockets: each machine ends once, and nothing is done twice, though the hub is killed.

use crate::support::{Host, PATIENCE};
use infinictl::hub::HubError;
use infiniservice_hub_sim::{Guest, Options};
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

pub fn restart(vms: &str, more: Value) -> Value {
    let mut body = json!({"vms": vms, "message": {"type": "SafeCommand", "command_type":
        {"action": "ServiceControl", "service": "nginx", "operation": "restart"}}});
    let Value::Object(mut more) = more else { panic!("no object") };
    body.as_object_mut().unwrap().append(&mut more);
    body
}

pub async fn start(host: &Host, body: &Value) -> String {
    let job = host.api().post("/v1/jobs", body).await;
    let job = job.unwrap_or_else(|error| panic!("{error}: {}", host.log()));
    job["id"].as_str().unwrap().to_owned()
}

/// Looks at a job until it is as wanted.
async fn until(host: &Host, id: &str, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let looked = async {
        loop {
            let job = host.api().get(&format!("/v1/jobs/{id}?results=true")).await.unwrap();
            let sum: u64 = job["counts"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
            assert_eq!(Some(sum), job["targets"].as_u64());
            if wanted(&job) {
                return job;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, looked).await.unwrap_or_else(|_| panic!("not {what}: {}", host.log()))
}

pub async fn finished(host: &Host, id: &str) -> Value {
    until(host, id, "finished", |job| job["state"] == "finished").await
}

/// How often the commands of a job were carried out, by machine.
fn carried_out(guests: &[Guest], id: &str) -> BTreeMap<String, usize> {
    let of = |guest: &Guest| {
        let ids = guest.carried_out().into_iter();
        (guest.name().to_owned(), ids.filter(|(command, _)| command.starts_with(&format!("{id}/"))).count())
    };
    guests.iter().map(of).collect()
}

pub fn states(job: &Value) -> BTreeMap<String, String> {
    let rows = job["machines"].as_array().unwrap().iter();
    rows.map(|row| (row["vm"].as_str().unwrap().to_owned(), row["state"].as_str().unwrap().to_owned()))
        .collect()
}

/// Guests whose commands take a moment. They share the test's one thread, so they tell figures seldom.
fn slow(host: &mut Host, count: usize, delay: Duration) -> Vec<Guest> {
    let options = Options { delay, interval: Duration::from_secs(20), ..Options::default() };
    (0..count).map(|n| host.guest(&format!("vm-{n:02}"), options.clone())).collect()
}

#[tokio::test]
async fn a_job_asks_each_machine_once_and_shows_its_answer() {
    let (host, guests) = Host::with(&["db-1", "web-1", "web-2"]).await;
    let id = start(&host, &restart("web-*,gone", json!({"max_concurrency": 1}))).await;
    let job = finished(&host, &id).await;
    assert_eq!(job["counts"]["answered"], 2, "{job}");
    assert_eq!(job["counts"]["absent"], 1);
    assert_eq!(job["machines"][1]["result"]["data"]["simulated"], true, "{job}");
    let once: Vec<_> = carried_out(&guests, &id).into_values().collect();
    assert_eq!(once, [0, 1, 1]);
    let list = host.api().get("/v1/jobs").await.unwrap();
    assert_eq!((&list[0]["id"], &list[0]["state"]), (&json!(id), &json!("finished")));
}

#[tokio::test]
async fn a_hub_that_is_killed_three_times_during_a_job_asks_each_machine_once() {
    let mut host = Host::new();
    let guests = slow(&mut host, 24, Duration::from_millis(60));
    host.start().await;
    host.event("connected", "vm-00").await;
    let id = start(&host, &restart("vm-*", json!({"max_concurrency": 4, "id": "upgrade-1"}))).await;
    let all = host.api().get("/v1/jobs/upgrade-1").await.unwrap()["targets"].as_u64().unwrap();
    assert!(all > 0);
    for kill_at in [2, 6, 11] {
        let begun = async {
            while carried_out(&guests, &id).values().sum::<usize>() < kill_at.min(all as usize) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(PATIENCE, begun).await.unwrap();
        host.kill();
        host.start().await;
    }
    let job = finished(&host, &id).await;
    for (vm, state) in states(&job) {
        assert_eq!((state.as_str(), carried_out(&guests, &id)[&vm]), ("answered", 1), "{vm}: {job}");
    }
    assert_eq!(job["machines"].as_array().unwrap().len() as u64, all);
}

#[tokio::test]
async fn a_change_whose_agent_began_anew_meanwhile_is_unknown_and_not_done_again() {
    let mut host = Host::new();
    let guests = slow(&mut host, 2, Duration::from_millis(500));
    host.start().await;
    for guest in &guests {
        host.event("connected", guest.name()).await;
    }
    let id = start(&host, &restart("all", json!({}))).await;
    let begun = async {
        while carried_out(&guests, &id).values().sum::<usize>() < 2 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(PATIENCE, begun).await.unwrap();
    host.kill();
    guests[0].restart();
    host.start().await;
    let job = finished(&host, &id).await;
    assert_eq!(states(&job).into_values().collect::<Vec<_>>(), ["unknown", "answered"], "{job}");
    assert_eq!(carried_out(&guests, &id).into_values().collect::<Vec<_>>(), [1, 1]);
}

#[tokio::test]
async fn a_cancelled_job_begins_nowhere_else() {
    let mut host = Host::new();
    let guests = slow(&mut host, 3, Duration::from_millis(300));
    host.start().await;
    for guest in &guests {
        host.event("connected", guest.name()).await;
    }
    let id = start(&host, &restart("all", json!({"max_concurrency": 1}))).await;
    until(&host, &id, "begun", |job| job["counts"]["sent"] == 1).await;
    let job = host.api().post(&format!("/v1/jobs/{id}/cancel"), &Value::Null).await.unwrap();
    assert_eq!(job["counts"]["skipped"], 2, "{job}");
    let job = finished(&host, &id).await;
    assert_eq!(job["counts"]["answered"], 1, "{job}");
    assert_eq!(carried_out(&guests, &id).values().sum::<usize>(), 1);
}

#[tokio::test]
async fn what_is_wrong_with_a_job_is_told() {
    let (host, _) = Host::with(&["web"]).await;
    let refused = async |body: &Value| match host.api().post("/v1/jobs", body).await {
        Err(HubError::Refused { error, status, .. }) => (status, error),
        other => panic!("{other:?}"),
    };
    for (body, status, told) in [
        (restart("", json!({})), 400, "empty"),
        (restart("nonsense=1", json!({})), 400, "nonsense"),
        (restart("nothing-*", json!({})), 400, "selects no machine"),
        (restart("web", json!({"max_failures": "many"})), 400, "such as 5%"),
        (restart("web", json!({"surprise": 1})), 400, "surprise"),
        (json!({"vms": "web", "message": {"type": "Metrics"}}), 400, "SafeCommand"),
    ] {
        let (was, error) = refused(&body).await;
        assert!(was == status && error.contains(told), "{was} {error}");
    }
    start(&host, &restart("web", json!({"id": "a"}))).await;
    start(&host, &restart("web", json!({"id": "a"}))).await;
    let (status, _) = refused(&restart("all", json!({"id": "a"}))).await;
    assert_eq!(status, 409);
    assert!(host.api().get("/v1/jobs/none").await.unwrap_err().to_string().contains("no job"));
}

#[tokio::test]
async fn a_full_disk_refuses_new_jobs_says_so_and_is_forgotten_when_there_is_room() {
    let (host, guests) = Host::with(&["web"]).await;
    let hub = Pid::from_raw(i32::try_from(host.pid()).unwrap());
    let limit = |bytes| prlimit(hub, Resource::Fsize, Rlimit { current: bytes, maximum: None }).unwrap();
    limit(Some(10));
    let body = restart("web", json!({}));
    let refused = host.api().post("/v1/jobs", &body).await.unwrap_err().to_string();
    assert!(refused.contains("cannot write") && refused.contains("jobs.ledger"), "{refused}");
    let again = host.api().post("/v1/jobs", &body).await.unwrap_err().to_string();
    assert!(again.contains("cannot write"), "{again}");
    assert_eq!(guests[0].carried_out(), []);
    limit(None);
    let taken = async {
        loop {
            if let Ok(job) = host.api().post("/v1/jobs", &body).await {
                return job["id"].as_str().unwrap().to_owned();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let id = tokio::time::timeout(PATIENCE, taken).await.unwrap();
    finished(&host, &id).await;
    assert_eq!(guests[0].carried_out().len(), 1);
}
