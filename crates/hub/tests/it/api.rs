//! The HTTP API.

use crate::support::{Host, quick};
use infinictl::hub::HubError;
use infiniservice_hub_sim::Options;
use serde_json::json;
use std::time::Duration;

fn status(error: HubError) -> (u16, String) {
    match error {
        HubError::Refused { status, error, .. } => (status, error),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn machines_are_listed_with_what_is_known_of_them() {
    let (host, _guests) = Host::with(&["db", "web"]).await;
    let machines = host.api().get("/v1/vms").await.unwrap();
    let names: Vec<_> = machines.as_array().unwrap().iter().map(|machine| machine["name"].clone()).collect();
    assert_eq!(names, ["db", "web"]);
    let machine = host.machine("web").await;
    assert_eq!((&machine["state"], &machine["agent"]["vm_id"]), (&json!("up"), &json!("web")));
    assert_eq!(machine["system"]["host"]["hostname"], "web");
    assert_eq!(machine["figures"]["address"], "192.168.122.17");
    let services = host.api().get("/v1/vms/web/lists/services").await.unwrap();
    assert_eq!(services[0]["name"], "ssh.service");
}

#[tokio::test]
async fn a_command_is_carried_out_once_and_its_answer_comes_back() {
    let (host, guests) = Host::with(&["web"]).await;
    let message = json!({"type": "SafeCommand", "command_type": {"action": "ServiceList"}});
    let answer = host.api().post("/v1/vms/web/commands", &message).await.unwrap();
    assert_eq!((&answer["type"], &answer["success"]), (&json!("response"), &json!(true)));
    assert_eq!(guests[0].carried_out().len(), 1);
    let measured =
        host.api().post("/v1/vms/web/commands", &json!({"type": "Metrics", "id": "m"})).await.unwrap();
    assert_eq!(measured["request_id"], "m");
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_said() {
    let (host, guests) = Host::with(&["web"]).await;
    let api = host.api();
    let post = async |address: &str, body| status(api.post(address, &body).await.unwrap_err());
    let command = json!({"type": "SafeCommand", "command_type": {"action": "ServiceList"}});
    for (address, body, expected, words) in [
        ("/v1/vms/nobody/commands", command.clone(), 404, "nobody"),
        ("/v1/vms/web/commands", json!([]), 400, "JSON object"),
        ("/v1/vms/web/commands", json!({"type": "Hello"}), 400, "answered by their `id`"),
        ("/v1/vms/web/commands", json!({"type": "SafeCommand", "id": 7}), 400, "`id` must be a text"),
        ("/v1/vms/web/commands", json!({"type": "Cancel"}), 400, "target"),
        ("/v1/vms/web/commands?wait=0", command, 400, "from 1 to 7200"),
        ("/v1/vms", json!({}), 405, "only be read"),
    ] {
        let (code, error) = post(address, body).await;
        assert!(code == expected && error.contains(words), "{address}: {code} {error}");
    }
    let get = async |address: &str| status(api.get(address).await.unwrap_err());
    assert_eq!(get("/v1/vms/nobody").await.0, 404);
    assert!(get("/v1/vms/web/lists/cats").await.1.contains("processes, ports, services, plugins"));
    assert!(get("/v1/events?after=x").await.1.contains("number of an event"));
    assert_eq!(get("/nothing").await.0, 404);
    assert!(guests[0].carried_out().is_empty(), "none of it reached the guest");
}

#[tokio::test]
async fn an_answer_that_is_late_is_said_to_be_late() {
    let mut host = Host::new();
    let guest = host.guest("slow", Options { delay: Duration::from_secs(3600), ..quick() });
    host.start().await;
    host.event("connected", "slow").await;
    let message = json!({"type": "SafeCommand", "id": "x", "command_type": {"action": "ServiceList"}});
    let (code, error) = status(host.api().post("/v1/vms/slow/commands?wait=1", &message).await.unwrap_err());
    assert!(code == 504 && error.contains("\"x\""), "{code} {error}");
    assert_eq!(guest.carried_out().len(), 1);
}

#[tokio::test]
async fn who_reads_events_gets_those_it_missed() {
    let (mut host, _guests) = Host::with(&["a"]).await;
    let first = host.event("connected", "a").await["seq"].as_u64().unwrap();
    let _guest = host.guest("b", quick());
    let mut seen = Vec::new();
    let address = format!("/v1/events?after={first}");
    let api = host.api();
    let followed = api.follow(&address, |_, event| {
        seen.push((event["kind"].clone(), event["vm"].clone()));
        event["vm"] != "b"
    });
    tokio::time::timeout(crate::support::PATIENCE, followed).await.unwrap().unwrap();
    assert_eq!(seen, [(json!("connected"), json!("b"))]);
    assert_eq!(host.api().get("/v1/events?after=0").await.unwrap()["forgotten"], 0);
}

#[tokio::test]
async fn who_comes_back_after_a_restart_of_the_hub_is_told_that_something_is_missing() {
    let (mut host, _guests) = Host::with(&["a"]).await;
    let last = async |host: &Host| {
        let mut last = String::new();
        let found = host.api().get("/v1/events?last=1").await.unwrap();
        assert_eq!((found["events"].as_array().unwrap().len(), &found["restarted"]), (1, &json!(false)));
        last.extend([found["instance"].as_str().unwrap(), "-", &found["last_seq"].to_string()]);
        last
    };
    let before = last(&host).await;
    let same = host.api().get(&format!("/v1/events?after={before}")).await.unwrap();
    assert_eq!((&same["events"], &same["restarted"]), (&json!([]), &json!(false)));
    host.kill();
    host.start().await;
    host.event("connected", "a").await;
    let address = format!("/v1/events?after={before}");
    let again = host.api().get(&address).await.unwrap();
    assert_eq!((&again["restarted"], &again["events"][0]["seq"]), (&json!(true), &json!(1)));
    let mut kinds = Vec::new();
    let api = host.api();
    let followed = api.follow(&address, |id, event| {
        kinds.push((id.is_some(), event["kind"].as_str().unwrap().to_owned()));
        kinds.len() < 2
    });
    tokio::time::timeout(crate::support::PATIENCE, followed).await.unwrap().unwrap();
    assert_eq!(kinds[0], (false, "gap".to_owned()));
    assert!(kinds[1].0 && kinds[1].1 != "gap", "{kinds:?}");
}

/// The text at an address with its head, as curl would get it.
pub async fn text(host: &Host, address: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::UnixStream::connect(host.path("api.sock")).await.unwrap();
    let request = format!("GET {address} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn prometheus_gets_all_machines_a_selection_or_one_under_the_names_of_node_exporter() {
    let (host, _guests) = Host::with(&["web", "db"]).await;
    let all = text(&host, "/metrics").await;
    for vm in ["web", "db"] {
        assert!(all.contains(&format!("\ninfini_vm_up{{vm=\"{vm}\"}} 1\n")), "{all:.2000}");
    }
    assert!(all.contains("\ninfini_hub_vms{state=\"up\"} 2\n"));
    let one = text(&host, "/metrics?select=name%3Dweb").await;
    assert!(one.contains("{vm=\"web\"") && !one.contains("{vm=\"db\""));
    let node = text(&host, "/metrics?vm=db&names=node").await;
    assert!(node.contains("\nnode_memory_MemTotal_bytes 2063339520\n") && !node.contains("vm=\"db\""));
    assert!(text(&host, "/metrics?vm=nobody&names=node").await.starts_with("HTTP/1.1 404"));
    assert!(text(&host, "/metrics?names=node").await.starts_with("HTTP/1.1 400"));
    assert!(text(&host, "/metrics?select=cats%3D1").await.starts_with("HTTP/1.1 400"));
}

#[tokio::test]
async fn a_selector_leaves_only_the_machines_that_it_means() {
    let (host, _guests) = Host::with(&["web-1", "web-2", "db"]).await;
    let names = async |selector: &str| {
        let machines = host.api().get(&format!("/v1/vms?select={selector}")).await.unwrap();
        machines
            .as_array()
            .unwrap()
            .iter()
            .map(|machine| machine["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names("name~%5Eweb-").await, ["web-1", "web-2"]);
    assert_eq!(names("state%3Dup,name%3Ddb").await, ["db"]);
    let (code, error) = status(host.api().get("/v1/vms?select=cats%3D1").await.unwrap_err());
    assert!(code == 400 && error.contains("cats"), "{error}");
}
