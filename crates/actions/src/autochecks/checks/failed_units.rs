//! `failed_units`: units of any type that failed, and services that keep failing and are started again.

use crate::autochecks::Machine;
use crate::autochecks::finding::{Assessed, Finding, Skip, is_ready};
use infiniservice_exec::Request;
use infiniservice_platform::sanitize::blanked;
use infiniservice_protocol::data::{CheckStatus, ServiceInfo};
use infiniservice_protocol::{Action, ServiceOperation};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// From so many on something is badly wrong.
const MANY: usize = 5;
/// So many are told.
const MAX_TOLD: usize = 50;

/// Of so many the journal is looked up.
const MAX_LOOKED_UP: usize = 5;
/// Their last lines.
const LINES: &str = "5";
/// Longest line told, in characters.
const MAX_CHARS: usize = 200;

/// Last journal lines, by the unit's name.
pub(super) type LastLines = BTreeMap<String, Vec<String>>;

/// Gathers and assesses.
pub(super) async fn run(machine: Arc<Machine>) -> Assessed {
    let services = machine.services.list().await.map_err(|error| Skip(error.error))?;
    let mut lines = LastLines::new();
    for unit in failed(&services).into_iter().take(MAX_LOOKED_UP) {
        // Without a journal the units have failed all the same.
        if let Ok(text) = machine.output(journal(&unit.name)).await {
            lines.insert(unit.name.clone(), last_lines(&text));
        }
    }
    Ok(assess(&services, &lines))
}

fn journal(unit: &str) -> Request {
    Request::new("journalctl", ["-u", unit, "-b", "-n", LINES, "-o", "cat", "--no-pager", "-q"])
}

fn last_lines(text: &str) -> Vec<String> {
    text.lines().map(|line| blanked(line).chars().take(MAX_CHARS).collect()).collect()
}

fn failed(services: &[ServiceInfo]) -> Vec<&ServiceInfo> {
    services.iter().filter(|service| service.status == "failed").collect()
}

/// One failed unit wants attention, several are a failure.
pub(super) fn assess(services: &[ServiceInfo], lines: &LastLines) -> Finding {
    let failed = failed(services);
    let status = match failed.len() {
        0 => CheckStatus::Passed,
        n if n < MANY => CheckStatus::Warning,
        _ => CheckStatus::Failed,
    };
    let units: Vec<_> = failed.iter().take(MAX_TOLD).map(|unit| told(unit, lines)).collect();
    let details = json!({"failed_count": failed.len(), "service_count": services.len(), "units": units});
    remedied(Finding::new(status, sentence(&failed)).with_details(details), &failed)
}

fn told(unit: &ServiceInfo, lines: &LastLines) -> Value {
    let mut told = json!({"name": unit.name, "description": unit.description});
    if let Value::Object(told) = &mut told {
        told.extend(unit.failure.clone().map(|how| ("failure".into(), how.into())));
        told.extend(unit.restart_count.map(|times| ("restart_count".into(), times.into())));
        told.extend(lines.get(&unit.name).map(|lines| ("last_lines".into(), lines.clone().into())));
    }
    told
}

fn sentence(failed: &[&ServiceInfo]) -> String {
    let names: Vec<&str> = failed.iter().map(|unit| unit.name.as_str()).collect();
    let kind = if names.iter().all(|name| !name.contains('.') || name.ends_with(".service")) {
        "service"
    } else {
        "unit"
    };
    match (names.as_slice(), failed) {
        ([], _) => "No unit has failed.".into(),
        ([one], [unit]) => {
            let how = unit.failure.as_ref().map_or(String::new(), |how| format!(": {how}"));
            format!("The {kind} {one} has failed{how}.")
        }
        (few, _) if few.len() <= 3 => format!("{} {kind}s have failed: {}.", few.len(), few.join(", ")),
        (many, _) => {
            let first = many.get(..3).unwrap_or(many).join(", ");
            format!("{} {kind}s have failed: {first} and {} more.", many.len(), many.len() - 3)
        }
    }
}

/// A response has room for one command: it restarts the first that can be restarted.
fn remedied(finding: Finding, failed: &[&ServiceInfo]) -> Finding {
    let restart = |service: &&ServiceInfo| {
        let operation = ServiceOperation::Restart;
        let action = Action::ServiceControl { service: service.name.clone(), operation };
        (service.can_restart && is_ready(&action)).then_some((service.name.clone(), action))
    };
    match failed.iter().find_map(restart) {
        Some((name, action)) => {
            finding.remedy(format!("Restart {name}; its last journal lines say why it failed."), Some(action))
        }
        None => finding.advise("The details have their last journal lines; `journalctl -u NAME` shows more."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(name: &str, status: &str) -> ServiceInfo {
        ServiceInfo { name: name.into(), status: status.into(), can_restart: true, ..ServiceInfo::default() }
    }

    fn assess_all(services: &[ServiceInfo]) -> Finding {
        assess(services, &LastLines::new())
    }

    #[test]
    fn how_a_unit_failed_and_its_last_lines_are_told() {
        let failing = ServiceInfo {
            failure: Some("its process ended with exit code 3".into()),
            restart_count: Some(9),
            ..service("b.service", "failed")
        };
        let lines = [("b.service".to_owned(), last_lines("no configuration\nbye \u{1b}[2J\n"))].into();
        let finding = assess(&[failing], &lines);
        assert_eq!(finding.message, "The service b.service has failed: its process ended with exit code 3.");
        let unit = &finding.details["units"][0];
        assert_eq!((&unit["restart_count"], &unit["last_lines"][0]), (&json!(9), &json!("no configuration")));
        assert!(!unit["last_lines"].to_string().contains('\u{1b}'));
        let mount = assess_all(&[service("srv.mount", "failed")]);
        assert_eq!(mount.message, "The unit srv.mount has failed.");
    }

    fn restarted(finding: &Finding) -> Option<String> {
        match finding.remediation.as_ref()?.command.as_ref()? {
            Action::ServiceControl { service, operation: ServiceOperation::Restart } => Some(service.clone()),
            _ => None,
        }
    }

    #[test]
    fn a_failed_service_is_named_with_a_command_that_restarts_it() {
        let finding = assess_all(&[service("a.service", "running"), service("b.service", "failed")]);
        assert_eq!(finding.status, CheckStatus::Warning);
        assert_eq!(finding.message, "The service b.service has failed.");
        assert_eq!(restarted(&finding).unwrap(), "b.service");
        assert_eq!(finding.details["units"][0]["name"], "b.service");
    }

    #[test]
    fn stopped_services_have_not_failed() {
        let finding = assess_all(&[service("a.service", "stopped"), service("b.service", "exited")]);
        assert_eq!((finding.status, finding.remediation), (CheckStatus::Passed, None));
    }

    #[test]
    fn many_are_a_failure_and_the_first_that_can_be_restarted_is_offered() {
        let mut services: Vec<_> = (0..7).map(|n| service(&format!("s{n}.service"), "failed")).collect();
        services[0].can_restart = false;
        let finding = assess_all(&services);
        assert_eq!(finding.status, CheckStatus::Failed);
        assert_eq!(finding.message, "7 services have failed: s0.service, s1.service, s2.service and 4 more.");
        assert_eq!(restarted(&finding).unwrap(), "s1.service");
        services.truncate(1);
        assert_eq!(restarted(&assess_all(&services)), None);
    }
}
