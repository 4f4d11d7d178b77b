//! The round's promises: order, isolation, time, and what the host is told.

use super::finding::{Finding, Skip};
use super::runner::{self, Spec};
use super::*;
use crate::Services;
use infiniservice_exec::{BoxFuture, Cancellation, CommandResult, Finished, Request, RunError, Runner};
use infiniservice_protocol::data::{AutochecksData, CheckStatus, Health, ServiceInfo};
use infiniservice_protocol::{Action, ErrorCode, ServiceOperation};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// A machine without programs, and with one failed service.
struct Bare;

impl Runner for Bare {
    fn run<'a>(&'a self, request: Request, _: &'a Cancellation) -> BoxFuture<'a, Result<Finished, RunError>> {
        Box::pin(async move { Err(RunError::NotInstalled(format!("{:?}", request.program))) })
    }
}

impl Services for Bare {
    fn list(&self) -> BoxFuture<'_, Result<Vec<ServiceInfo>, CommandError>> {
        let failed = ServiceInfo {
            name: "x.service".into(),
            status: "failed".into(),
            can_restart: true,
            ..ServiceInfo::default()
        };
        Box::pin(async { Ok(vec![failed]) })
    }

    fn control<'a>(
        &'a self,
        _: &'a str,
        _: ServiceOperation,
        _: &'a Cancellation,
    ) -> BoxFuture<'a, CommandResult> {
        Box::pin(async { Err(CommandError::new(ErrorCode::Internal, "no check controls a service")) })
    }
}

fn machine(root: &str, timeout: Duration) -> Machine {
    Machine {
        root: Path::new(root).to_path_buf(),
        runner: Arc::new(Bare),
        services: Arc::new(Bare),
        updates: Arc::new(NotAsked),
        asked: Asked::default(),
        cancellation: Cancellation::for_at_most(timeout),
        once: Arc::default(),
    }
}

const MINUTE: Duration = Duration::from_secs(60);

async fn asked(names: &[&str], machine: &Machine) -> AutochecksData {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let outcome = run(Some(&names), machine).await.unwrap();
    serde_json::from_value(outcome.data).unwrap()
}

const HANGS: Spec = Spec { name: "hangs", limit: MINUTE, run: |_| Box::pin(std::future::pending()) };
const PANICS: Spec =
    Spec { name: "panics", limit: MINUTE, run: |_| Box::pin(async { panic!("on purpose") }) };
const FAILS: Spec =
    Spec { name: "fails", limit: MINUTE, run: |_| Box::pin(async { Err(Skip::because("no such file")) }) };
const PASSES: Spec =
    Spec { name: "passes", limit: MINUTE, run: |_| Box::pin(async { Ok(Finding::passed("well")) }) };

#[tokio::test(start_paused = true)]
async fn what_hangs_panics_or_fails_is_skipped_with_its_reason_and_the_others_are_made() {
    let data = runner::run(&[HANGS, PANICS, FAILS, PASSES], &machine("/nowhere", MINUTE)).await;
    let names: Vec<_> = data.checks.iter().map(|check| check.name.as_str()).collect();
    assert_eq!(names, ["hangs", "panics", "fails", "passes"]);
    let of = |at: usize| (data.checks[at].status, data.checks[at].message.as_str());
    assert_eq!(of(0), (CheckStatus::Skipped, "the check did not end within 54 s"));
    assert_eq!(of(1).0, CheckStatus::Skipped);
    assert!(of(1).1.contains("the check itself failed"), "{}", of(1).1);
    assert_eq!(of(2), (CheckStatus::Skipped, "no such file"));
    assert_eq!(of(3), (CheckStatus::Passed, "well"));
    assert_eq!((data.overall_health, data.score), (Health::Healthy, 100));
}

#[tokio::test(start_paused = true)]
async fn checks_that_hang_wait_beside_each_other_and_within_the_commands_time() {
    let begun = tokio::time::Instant::now();
    let machine = machine("/nowhere", Duration::from_secs(10));
    let data = runner::run(&[HANGS; 16], &machine).await;
    assert_eq!(begun.elapsed(), Duration::from_secs(9), "a tenth is kept for the answer");
    assert!(data.checks.iter().all(|check| check.status == CheckStatus::Skipped));
}

#[tokio::test]
async fn only_the_checks_asked_for_are_made_in_the_lists_order() {
    let data = asked(&["failed_units", "memory", "failed_units"], &machine("/nowhere", MINUTE)).await;
    let names: Vec<_> = data.checks.iter().map(|check| check.name.as_str()).collect();
    assert_eq!(names, ["failed_units", "memory"]);
    assert_eq!(data.checks[1].message, "/proc/meminfo does not exist here");
    assert_eq!((data.overall_health, data.score), (Health::Warning, 85));
}

#[tokio::test]
async fn a_remediation_sent_back_is_taken_as_it_is() {
    let data = asked(&["failed_units"], &machine("/nowhere", MINUTE)).await;
    let command = data.checks[0].remediation.as_ref().unwrap().command.as_ref().unwrap();
    let serde_json::Value::Object(sent) = serde_json::to_value(command).unwrap() else { panic!("no object") };
    let action = sent["action"].as_str().unwrap();
    assert_eq!(Action::parse(action, &sent).unwrap(), *command);
}

#[tokio::test]
async fn an_unknown_check_is_refused_naming_those_that_there_are() {
    let names = ["memory".to_owned(), "moon_phase".to_owned()];
    let error = run(Some(&names), &machine("/nowhere", MINUTE)).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidParameter);
    assert!(
        error.error.contains("\"moon_phase\"") && error.error.contains("disk_space, disk_inodes"),
        "{}",
        error.error
    );
}

#[tokio::test]
async fn on_a_machine_without_anything_every_check_but_the_services_is_skipped() {
    let outcome = run(None, &machine("/nowhere", MINUTE)).await.unwrap();
    let data: AutochecksData = serde_json::from_value(outcome.data).unwrap();
    assert_eq!(data.checks.len(), ALL.len() - 1, "that of the configuration is told where it is wrong");
    for check in data.checks.iter().filter(|check| check.name != "failed_units") {
        assert_eq!(check.status, CheckStatus::Skipped, "{}: {}", check.name, check.message);
        assert!(!check.message.is_empty());
    }
}

#[test]
fn names_are_unique_and_documented() {
    let document = include_str!("../../../../docs/autochecks.md");
    let mut names: Vec<_> = ALL.iter().map(|spec| spec.name).collect();
    for name in &names {
        assert!(document.contains(&format!("| `{name}` |")), "docs/autochecks.md does not describe {name}");
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), ALL.len());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn this_machines_own_files_are_understood() {
    let names = ["disk_space", "memory", "swap", "cpu_load", "cpu_steal", "read_only_mounts"];
    for check in asked(&names, &machine("/", MINUTE)).await.checks {
        assert_ne!(check.status, CheckStatus::Skipped, "{}: {}", check.name, check.message);
        assert!(!check.details.is_empty());
    }
}
