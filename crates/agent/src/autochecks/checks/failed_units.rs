//! `failed_units`: services that systemd calls failed.

use crate::autochecks::Machine;
use crate::autochecks::finding::{Assessed, Finding, Skip, is_ready};
use infiniservice_protocol::data::{CheckStatus, ServiceInfo};
use infiniservice_protocol::{Action, ServiceOperation};
use serde_json::json;
use std::sync::Arc;

/// From so many on something is badly wrong.
const MANY: usize = 5;
/// So many are told.
const MAX_TOLD: usize = 50;

/// Gathers and assesses.
pub async fn run(machine: Arc<Machine>) -> Assessed {
    let services = machine.services.list().await.map_err(|error| Skip(error.error))?;
    Ok(assess(&services))
}

/// One failed unit wants attention, several are a failure.
pub fn assess(services: &[ServiceInfo]) -> Finding {
    let failed: Vec<&ServiceInfo> = services.iter().filter(|service| service.status == "failed").collect();
    let names: Vec<&str> = failed.iter().map(|service| service.name.as_str()).collect();
    let status = match failed.len() {
        0 => CheckStatus::Passed,
        n if n < MANY => CheckStatus::Warning,
        _ => CheckStatus::Failed,
    };
    let units: Vec<_> =
        failed.iter().take(MAX_TOLD).map(|s| json!({"name": s.name, "description": s.description})).collect();
    let details = json!({"failed_count": failed.len(), "service_count": services.len(), "units": units});
    remedied(Finding::new(status, sentence(&names)).with_details(details), &failed)
}

fn sentence(names: &[&str]) -> String {
    match names {
        [] => "No service has failed.".into(),
        [one] => format!("The service {one} has failed."),
        few if few.len() <= 3 => format!("{} services have failed: {}.", few.len(), few.join(", ")),
        many => {
            let first = many.get(..3).unwrap_or(many).join(", ");
            format!("{} services have failed: {first} and {} more.", many.len(), many.len() - 3)
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
        None => finding.advise("See why with journalctl -u and the unit's name."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(name: &str, status: &str) -> ServiceInfo {
        ServiceInfo { name: name.into(), status: status.into(), can_restart: true, ..ServiceInfo::default() }
    }

    fn restarted(finding: &Finding) -> Option<String> {
        match finding.remediation.as_ref()?.command.as_ref()? {
            Action::ServiceControl { service, operation: ServiceOperation::Restart } => Some(service.clone()),
            _ => None,
        }
    }

    #[test]
    fn a_failed_service_is_named_with_a_command_that_restarts_it() {
        let finding = assess(&[service("a.service", "running"), service("b.service", "failed")]);
        assert_eq!(finding.status, CheckStatus::Warning);
        assert_eq!(finding.message, "The service b.service has failed.");
        assert_eq!(restarted(&finding).unwrap(), "b.service");
        assert_eq!(finding.details["units"][0]["name"], "b.service");
    }

    #[test]
    fn stopped_services_have_not_failed() {
        let finding = assess(&[service("a.service", "stopped"), service("b.service", "exited")]);
        assert_eq!((finding.status, finding.remediation), (CheckStatus::Passed, None));
    }

    #[test]
    fn many_are_a_failure_and_the_first_that_can_be_restarted_is_offered() {
        let mut services: Vec<_> = (0..7).map(|n| service(&format!("s{n}.service"), "failed")).collect();
        services[0].can_restart = false;
        let finding = assess(&services);
        assert_eq!(finding.status, CheckStatus::Failed);
        assert_eq!(finding.message, "7 services have failed: s0.service, s1.service, s2.service and 4 more.");
        assert_eq!(restarted(&finding).unwrap(), "s1.service");
        services.truncate(1);
        assert_eq!(restarted(&assess(&services)), None);
    }
}
