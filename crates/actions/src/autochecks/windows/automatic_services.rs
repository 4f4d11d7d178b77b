//! `failed_services`: services that start by themselves, and ended with an error.

use crate::autochecks::finding::{Finding, is_ready};
use infiniservice_protocol::data::{CheckStatus, ServiceInfo};
use infiniservice_protocol::{Action, ServiceOperation};
use serde_json::json;

/// From so many on something is badly wrong.
const MANY: usize = 5;
/// So many are told.
const MAX_TOLD: usize = 50;

/// One that stopped without an error, as those do that are started by triggers, has not failed.
pub fn assess(services: &[ServiceInfo]) -> Finding {
    let failed: Vec<&ServiceInfo> =
        services.iter().filter(|s| s.startup_type == "auto" && s.status == "failed").collect();
    let status = match failed.len() {
        0 => CheckStatus::Passed,
        n if n < MANY => CheckStatus::Warning,
        _ => CheckStatus::Failed,
    };
    let names: Vec<&str> = failed.iter().map(|service| service.name.as_str()).take(3).collect();
    let message = match failed.len() {
        0 => "No automatic service has failed.".to_owned(),
        1 => format!("The automatic service {} has failed.", names.concat()),
        n if n <= 3 => format!("{n} automatic services have failed: {}.", names.join(", ")),
        n => format!("{n} automatic services have failed: {} and {} more.", names.join(", "), n - 3),
    };
    let told = failed.iter().take(MAX_TOLD);
    let told: Vec<_> = told.map(|s| json!({"name": s.name, "display_name": s.display_name})).collect();
    let details = json!({"failed_count": failed.len(), "service_count": services.len(), "services": told});
    let finding = Finding::new(status, message).with_details(details);
    let start = failed.iter().find_map(|service| {
        let (service, operation) = (service.name.clone(), ServiceOperation::Start);
        let action = Action::ServiceControl { service, operation };
        is_ready(&action).then_some(action)
    });
    finding.remedy("Start it; the System event log says why it ended.", start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(name: &str, startup_type: &str, status: &str) -> ServiceInfo {
        ServiceInfo {
            name: name.into(),
            startup_type: startup_type.into(),
            status: status.into(),
            ..ServiceInfo::default()
        }
    }

    #[test]
    fn an_automatic_service_that_ended_with_an_error_is_named_with_a_command_that_starts_it() {
        let finding = assess(&[
            service("Spooler", "auto", "failed"),
            service("BITS", "manual", "failed"),
            service("sppsvc", "auto", "stopped"),
        ]);
        assert_eq!(
            (finding.status, finding.message.as_str()),
            (CheckStatus::Warning, "The automatic service Spooler has failed.")
        );
        let command = finding.remediation.unwrap().command.unwrap();
        assert!(matches!(command, Action::ServiceControl { service, .. } if service == "Spooler"));
    }

    #[test]
    fn several_are_a_failure_and_none_passes() {
        let many: Vec<_> = (0..5).map(|n| service(&format!("s{n}"), "auto", "failed")).collect();
        assert_eq!(assess(&many).status, CheckStatus::Failed);
        assert_eq!(assess(&[service("a", "auto", "running")]).status, CheckStatus::Passed);
    }
}
