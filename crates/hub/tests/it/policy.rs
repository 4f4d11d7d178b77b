//! Rules: what they allow is done, and what they do not allow reaches no guest, whichever way it comes.

use crate::support::{Host, PATIENCE};
use infinictl::client::ClientError;
use infinictl::hub::HubError;
use infiniservice_protocol::{Action, ErrorCode, ServiceOperation};
use serde_json::{Value, json};

/// We may restart services of web-*, on two machines at most; and nothing else, as a rule names us.
fn rules() -> String {
    let uid = rustix::process::geteuid().as_raw();
    format!(
        "[[rule]]\nname = \"web\"\nwho = [\"uid:{uid}\"]\nvms = \"web-*\"\nactions = [\"ServiceControl\"]\nmax_targets = 2\n"
    )
}

fn control(operation: &str) -> Value {
    json!({"type": "SafeCommand", "command_type":
        {"action": "ServiceControl", "service": "nginx", "operation": operation}})
}

fn action(name: &str) -> Value {
    json!({"type": "SafeCommand", "command_type": {"action": name}})
}

fn refused(answer: Result<Value, HubError>) -> String {
    match answer {
        Err(HubError::Refused { error, status: 403, .. }) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn rules_hold_for_commands_and_a_refusal_says_what_would_be_allowed() {
    let (host, guests) = Host::configured(&rules(), &["db", "web-1"]).await;
    let post = async |vm: &str, body: Value| host.api().post(&format!("/v1/vms/{vm}/commands"), &body).await;
    post("web-1", control("restart")).await.unwrap();
    let batch = json!({"type": "Batch", "commands": [{"id": "1", "type": "SafeCommand",
        "command_type": {"action": "ServiceList"}}, {"id": "2", "type": "UnsafeCommand", "raw_command": "id"}]});
    for (vm, body, told) in [
        ("db", control("restart"), "rule \"web\" would allow it on web-*, of which \"db\" is none"),
        ("web-1", action("Reboot"), "rule \"web\" lets you do only ServiceControl"),
        ("web-1", batch, "may not do UnsafeCommand on \"web-1\""),
        ("db", json!({"type": "OfTheFuture"}), "what this hub cannot read"),
        ("db", json!({"type": "Cancel", "target": "another's"}), "may not do Cancel"),
    ] {
        // As a guest's own refusal would be told.
        let answer = post(vm, body).await.unwrap();
        assert_eq!(answer["error_code"], "PERMISSION_DENIED", "{answer}");
        let error = answer["error"].as_str().unwrap();
        assert!(error.contains(told) && error.starts_with("uid "), "{error}");
    }
    for tells in [control("status"), action("ServiceList")] {
        post("db", tells).await.unwrap();
    }
    let done: Vec<_> = guests.iter().map(|guest| guest.carried_out().len()).collect();
    assert_eq!(done, [2, 1], "nothing that was refused reached a guest");
    let log = host.log();
    assert!(
        log.contains("asks for ServiceControl on web-1, id api-") && log.contains(", by rule \"web\""),
        "{log}"
    );
    assert!(log.contains("is refused Reboot on web-1"), "{log}");
}

#[tokio::test]
async fn rules_hold_on_the_wire() {
    let (host, guests) = Host::configured(&rules(), &["web-1"]).await;
    let client = host.client("web-1").await;
    let service = "nginx".to_owned();
    let restart = Action::ServiceControl { service, operation: ServiceOperation::Restart };
    assert!(client.request(&restart, PATIENCE).await.unwrap().success);
    match client.request(&Action::Reboot {}, PATIENCE).await {
        Ok(response) => assert_eq!(response.error_code, Some(ErrorCode::PermissionDenied)),
        Err(ClientError::Refused { code, .. }) => assert_eq!(code, Some(ErrorCode::PermissionDenied)),
        other => panic!("{other:?}"),
    }
    assert_eq!(guests[0].carried_out().len(), 1);
}

#[tokio::test]
async fn rules_hold_for_jobs_over_all_machines_that_they_would_reach() {
    let (host, guests) = Host::configured(&rules(), &["db", "web-1", "web-2", "web-3"]).await;
    let start = async |vms: &str, message: Value| {
        host.api().post("/v1/jobs", &json!({"vms": vms, "message": message})).await
    };
    for (vms, told) in [("web-*", "at most 2 machines, and these are 3"), ("web-1,db", "\"db\" is none")] {
        let error = refused(start(vms, control("restart")).await);
        assert!(error.contains(told), "{error}");
    }
    assert!(refused(start("web-1", action("Reboot")).await).contains("only ServiceControl"));
    assert!(guests.iter().all(|guest| guest.carried_out().is_empty()));
    let job = start("web-1,web-2", control("restart")).await.unwrap();
    assert_eq!(job["targets"], 2, "{job}");
    start("all", control("status")).await.unwrap();
    assert!(
        host.log().contains("is refused the job ") && host.log().contains(": ServiceControl on 3 machines"),
        "{}",
        host.log()
    );
    assert!(host.log().contains("on 2 machines (web-1,web-2), by rule \"web\""), "{}", host.log());
}

#[tokio::test]
async fn rules_that_are_read_again_hold_at_once_also_on_a_wire_that_is_open() {
    let (host, guests) = Host::with(&["web-1"]).await;
    let wire = host.client("web-1").await;
    let reload = async || host.api().post("/v1/reload", &json!({})).await;
    let reboot = async || host.api().post("/v1/vms/web-1/commands", &action("Reboot")).await.unwrap();
    assert_eq!(reboot().await["success"], true, "no rule names us");
    let before = std::fs::read_to_string(host.path("config.toml")).unwrap();
    host.configure(&rules());
    assert_eq!(reload().await.unwrap()["changed"], json!(["rule"]));
    assert_eq!(reboot().await["error_code"], "PERMISSION_DENIED");
    match wire.request(&Action::Reboot {}, PATIENCE).await {
        Ok(response) => assert_eq!(response.error_code, Some(ErrorCode::PermissionDenied)),
        Err(ClientError::Refused { code, .. }) => assert_eq!(code, Some(ErrorCode::PermissionDenied)),
        other => panic!("{other:?}"),
    }
    host.configure("[[rule]]\nwho = [\"cats\"]\nvms = \"all\"\nactions = []\n");
    assert!(matches!(reload().await, Err(HubError::Refused { status: 422, .. })));
    assert_eq!(reboot().await["error_code"], "PERMISSION_DENIED", "the rules before stay");
    std::fs::write(host.path("config.toml"), before).unwrap();
    reload().await.unwrap();
    assert_eq!(reboot().await["success"], true);
    assert_eq!(guests[0].carried_out().len(), 2);
    assert!(host.log().contains("asks for a reload of the settings, by right of root"), "{}", host.log());
}
