//! Tags: those of the hub's configuration and those that guests give themselves, in jobs, in the API and in rules.

use crate::jobs::{finished, restart, start, states};
use crate::support::{Host, quick};
use infinictl::hub::HubError;
use infiniservice_hub_sim::{Guest, Options};
use infiniservice_protocol::tags::Tags;
use serde_json::{Value, json};

/// A hub with these settings, which knows who its guests are; each guest with its own tags.
async fn host(settings: &str, guests: &[(&str, &[&str])]) -> (Host, Vec<Guest>) {
    let mut host = Host::new();
    host.configure(settings);
    let mut started = Vec::new();
    for (name, tags) in guests {
        let tags = Tags::parse(tags.iter().copied()).unwrap();
        started.push(host.guest(name, Options { tags, ..quick() }));
    }
    host.start().await;
    for (name, _) in guests {
        host.until(name, "introduced", |machine| machine["agent"].is_object()).await;
    }
    (host, started)
}

/// Parts `[[tags]]`: which machines have which tag.
fn parts(parts: &[(&str, &str, &str)]) -> String {
    let of = |(vms, name, value): &(&str, &str, &str)| {
        format!("[[tags]]\nvms = \"{vms}\"\nset = {{ {name} = \"{value}\" }}\n")
    };
    parts.iter().map(of).collect()
}

/// Puts other parts in the place of these.
fn replace(host: &Host, before: &str, after: &str) {
    let path = host.path("config.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(before));
    std::fs::write(&path, text.replace(before, after)).unwrap();
}

async fn reload(host: &Host) -> Result<Value, HubError> {
    host.api().post("/v1/reload", &json!({})).await
}

async fn selected(host: &Host, selector: &str) -> Vec<String> {
    let vms = host.api().get(&format!("/v1/vms?select={selector}")).await.unwrap();
    vms.as_array().unwrap().iter().map(|vm| vm["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_job_means_machines_by_the_hosts_tags_first_and_then_by_the_guests_and_others_after_a_reload() {
    let before = parts(&[("web-*,db-1", "env", "prod"), ("db-1", "env", "test")]);
    let guests: [(&str, &[&str]); 4] = [
        ("db-1", &["role=db"]),
        ("other", &["env=prod"]),
        ("web-1", &["env=lies", "role=web"]),
        ("web-2", &[]),
    ];
    let (host, guests) = host(&before, &guests).await;
    assert_eq!(host.machine("web-1").await["tags"], json!({"env": "prod", "role": "web"}));
    assert_eq!(host.machine("web-1").await["hello"]["tags"], json!({"env": "lies", "role": "web"}));
    assert_eq!(selected(&host, "tag.role%3Ddb,tag.env%3Dtest").await, ["db-1"]);
    assert_eq!(selected(&host, "tag.role%3D").await, ["other", "web-2"]);
    let meant = async || {
        let id = start(&host, &restart("tag.env=prod", json!({}))).await;
        states(&finished(&host, &id).await).into_iter().collect::<Vec<_>>()
    };
    let answered =
        |vms: &[&str]| vms.iter().map(|&vm| (vm.to_owned(), "answered".to_owned())).collect::<Vec<_>>();
    assert_eq!(meant().await, answered(&["other", "web-1", "web-2"]));
    let after = parts(&[("*", "env", "stage"), ("db-*", "env", "prod")]);
    replace(&host, &before, &after);
    assert_eq!(reload(&host).await.unwrap(), json!({"changed": ["tags"], "waiting": []}));
    assert_eq!(meant().await, answered(&["db-1"]));
    replace(&host, &after, &parts(&[("os=debian", "env", "prod")]));
    match reload(&host).await {
        Err(HubError::Refused { status: 422, error, .. }) => {
            assert!(error.contains("`tags`, part 1: `vms` must be names"), "{error}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(meant().await, answered(&["db-1"]), "what was in force stays");
    let done: Vec<_> = guests.iter().map(|guest| guest.carried_out().len()).collect();
    assert_eq!(done, [2, 1, 1, 1]);
}

#[tokio::test]
async fn a_tag_that_a_guest_gives_itself_opens_no_rule_and_the_hosts_opens_it_until_it_is_taken_back() {
    let uid = rustix::process::geteuid().as_raw();
    let rule =
        format!("[[rule]]\nwho = [\"uid:{uid}\"]\nvms = \"tag.env=test\"\nactions = [\"ServiceControl\"]\n");
    let tags = parts(&[("web-1", "env", "test")]);
    let (host, guests) = host(&(tags.clone() + &rule), &[("evil", &["env=test"]), ("web-1", &[])]).await;
    assert_eq!(selected(&host, "tag.env%3Dtest").await, ["evil", "web-1"]);
    let message = restart("", json!({}))["message"].clone();
    let answer = async |vm: &str| {
        let answer = host.api().post(&format!("/v1/vms/{vm}/commands"), &message).await.unwrap();
        (answer["success"] == true, answer["error"].as_str().unwrap_or_default().to_owned())
    };
    assert!(answer("web-1").await.0);
    let (done, why) = answer("evil").await;
    assert!(!done && why.contains("would allow it on tag.env=test, of which \"evil\" is none"), "{why}");
    // A job over both is one request: it begins on neither.
    let job = host.api().post("/v1/jobs", &restart("tag.env=test", json!({}))).await;
    assert!(matches!(job, Err(HubError::Refused { status: 403, .. })), "{job:?}");
    replace(&host, &tags, &parts(&[("web-2", "env", "test")]));
    reload(&host).await.unwrap();
    assert!(!answer("web-1").await.0);
    let done: Vec<_> = guests.iter().map(|guest| guest.carried_out().len()).collect();
    assert_eq!(done, [0, 1]);
}
