//! The client against a real systemd.

use super::control::ControlError;
use super::name::UnitName;
use super::own_manager::OwnManager;
use super::*;
use infiniservice_protocol::ServiceOperation as Op;
use std::os::unix::fs::symlink;

const SLEEPER: &str =
    "[Unit]\nDescription=Sleeps\n[Service]\nExecStart=/bin/sleep 1000\n[Install]\nWantedBy=default.target\n";
const FAILING: &str = "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'exit 3'\n";
const STATIC: &str = "[Service]\nExecStart=/bin/sleep 1000\n";
const TEMPLATE: &str = "[Service]\nExecStart=/bin/sleep %i\n";
const BROKEN: &str = "[Service]\nExecStart=relative/path\n";

fn machine() -> Option<OwnManager> {
    let own = OwnManager::start(&[
        ("sleeper.service", SLEEPER),
        ("failing.service", FAILING),
        ("plain.service", STATIC),
        ("sleep@.service", TEMPLATE),
        ("broken.service", BROKEN),
    ])?;
    symlink("/dev/null", own.units().join("hidden.service")).unwrap();
    Some(own)
}

fn unit(name: &str) -> UnitName {
    UnitName::parse(name).unwrap()
}

async fn control(client: &UnitClient, name: &str, operation: Op) -> Result<ServiceRecord, ControlError> {
    client.control(&unit(name), operation, &Progress::default()).await.map(|done| done.service)
}

async fn listed(client: &UnitClient, name: &str) -> ServiceRecord {
    let services = client.list_services().await.unwrap();
    services.into_iter().find(|s| s.name == name).unwrap_or_else(|| panic!("{name} is not listed"))
}

#[tokio::test]
async fn a_service_is_started_restarted_and_stopped_and_the_list_follows() {
    let Some(own) = machine() else { return };
    let client = UnitClient::at(own.on_bus());
    let started = control(&client, "sleeper", Op::Start).await.unwrap();
    assert_eq!((started.status(), started.description.as_str()), ("running", "Sleeps"));
    let in_list = listed(&client, "sleeper.service").await;
    assert_eq!((in_list.pid, in_list.exe_path.as_deref()), (started.pid, Some("/bin/sleep")));
    assert_eq!(in_list.service_type.as_deref(), Some("simple"));
    let restarted = control(&client, "sleeper", Op::Restart).await.unwrap();
    assert_ne!(restarted.pid, started.pid);
    assert_eq!(listed(&client, "sleeper.service").await.pid, restarted.pid, "the old pid was kept");
    let stopped = control(&client, "sleeper", Op::Stop).await.unwrap();
    assert_eq!((stopped.status(), stopped.pid), ("stopped", None));
    assert_eq!(listed(&client, "sleeper.service").await.status(), "stopped");
}

#[tokio::test]
async fn enabling_and_disabling_show_at_once_in_the_list() {
    let Some(own) = machine() else { return };
    let client = UnitClient::at(own.on_bus());
    assert_eq!(listed(&client, "sleeper.service").await.start_type, "disabled");
    assert_eq!(control(&client, "sleeper", Op::Enable).await.unwrap().start_type, "enabled");
    assert_eq!(listed(&client, "sleeper.service").await.start_type, "enabled");
    assert_eq!(control(&client, "sleeper", Op::Disable).await.unwrap().start_type, "disabled");
    assert_eq!(listed(&client, "sleeper.service").await.start_type, "disabled");
}

#[tokio::test]
async fn what_others_change_in_the_unit_directories_shows_in_the_list_too() {
    let Some(own) = machine() else { return };
    let client = UnitClient::at(own.on_bus());
    listed(&client, "plain.service").await;
    std::fs::write(own.units().join("new.service"), SLEEPER).unwrap();
    assert_eq!(listed(&client, "new.service").await.start_type, "disabled");
    let wants = own.units().join("default.target.wants");
    std::fs::create_dir(&wants).unwrap();
    symlink("../new.service", wants.join("new.service")).unwrap();
    assert_eq!(listed(&client, "new.service").await.start_type, "enabled");
}

#[tokio::test]
async fn a_failed_start_says_how_the_process_ended() {
    let Some(own) = machine() else { return };
    let error = control(&UnitClient::at(own.on_bus()), "failing", Op::Start).await.unwrap_err();
    assert!(matches!(error, ControlError::Failed { .. }));
    let text =
        "failing.service could not be started: its process ended with exit code 3 (job result `failed`)";
    assert_eq!(error.to_string(), text);
}

#[tokio::test]
async fn what_cannot_be_done_is_refused_with_its_reason() {
    let Some(own) = machine() else { return };
    let client = UnitClient::at(own.on_bus());
    let not_found = SystemdError::NotFound("absent.service".into());
    for operation in [Op::Start, Op::Stop, Op::Restart, Op::Enable, Op::Disable, Op::Status] {
        let error = control(&client, "absent", operation).await.unwrap_err();
        assert_eq!(error, ControlError::Systemd(not_found.clone()), "{operation:?}");
    }
    for operation in [Op::Start, Op::Restart, Op::Enable] {
        let error = control(&client, "hidden", operation).await.unwrap_err();
        assert!(matches!(error, ControlError::Systemd(SystemdError::Masked(_))), "{operation:?}: {error}");
    }
    let said = |error: ControlError| error.to_string();
    assert!(said(control(&client, "plain", Op::Enable).await.unwrap_err()).contains("[Install]"));
    assert!(said(control(&client, "sleep@", Op::Start).await.unwrap_err()).contains("template"));
    assert!(said(control(&client, "broken", Op::Start).await.unwrap_err()).contains("cannot be loaded"));
}

#[tokio::test]
async fn status_only_tells_and_masked_ones_are_told_too() {
    let Some(own) = machine() else { return };
    let client = UnitClient::at(own.on_bus());
    assert_eq!(control(&client, "plain", Op::Status).await.unwrap().status(), "stopped");
    let hidden = control(&client, "hidden", Op::Status).await.unwrap();
    assert_eq!((hidden.start_type.as_str(), hidden.info().can_start), ("masked", false));
    assert_eq!(listed(&client, "hidden.service").await.start_type, "masked");
}

#[tokio::test]
async fn instances_run_and_templates_are_not_listed() {
    let Some(own) = machine() else { return };
    let client = UnitClient::at(own.on_bus());
    assert_eq!(control(&client, "sleep@500", Op::Start).await.unwrap().status(), "running");
    let services = client.list_services().await.unwrap();
    assert!(services.iter().any(|s| s.name == "sleep@500.service" && s.start_type == "static"));
    assert!(services.iter().all(|s| !s.name.contains("@.")));
}

#[tokio::test]
async fn a_connection_that_broke_is_made_again() {
    let Some(own) = machine() else { return };
    let client = UnitClient::at(own.on_bus());
    listed(&client, "plain.service").await;
    client.close_connection().await;
    listed(&client, "plain.service").await;
}

#[tokio::test]
async fn without_a_bus_the_error_says_so() {
    let nowhere = BusAddress::At("unix:path=/nonexistent/bus".into());
    let error = UnitClient::at(nowhere).list_services().await.unwrap_err();
    assert!(matches!(error, SystemdError::Unreachable(_)));
    assert!(error.to_string().contains("no system bus"), "{error}");
}

#[tokio::test]
async fn a_unit_file_that_changed_shows_in_a_running_services_details_by_and_by() {
    let Some(own) = machine() else { return };
    let client = UnitClient::at(own.on_bus());
    control(&client, "sleeper", Op::Start).await.unwrap();
    let needs = |service: ServiceRecord| service.requires.contains(&"plain.service".to_owned());
    assert!(!needs(listed(&client, "sleeper.service").await));
    let directory = own.units().join("sleeper.service.d");
    std::fs::create_dir(&directory).unwrap();
    std::fs::write(directory.join("needs.conf"), "[Unit]\nRequires=plain.service\n").unwrap();
    // Makes systemd read all files anew.
    control(&client, "sleeper", Op::Enable).await.unwrap();
    assert!(needs(listed(&client, "sleeper.service").await));
}

#[tokio::test]
async fn a_listing_that_nobody_waits_for_any_more_is_finished_all_the_same() {
    let Some(own) = machine() else { return };
    let client = UnitClient::at(own.on_bus());
    let (enough, long) = (std::time::Duration::ZERO, std::time::Duration::from_secs(60));
    // Polled once, so that it began; then given up.
    assert!(tokio::time::timeout(enough, client.list_services()).await.is_err());
    tokio::time::timeout(long, client.wait_until_listed()).await.expect("it was given up");
}
