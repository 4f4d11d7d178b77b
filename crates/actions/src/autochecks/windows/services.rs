//! `failed_services` and `time_sync`: services that start by themselves and ended with an error, and whether
//! the Windows Time service may keep the clock.

use crate::autochecks::finding::{Assessed, Finding, Skip, is_ready};
use infiniservice_protocol::data::{CheckStatus, ServiceInfo};
use infiniservice_protocol::{Action, ServiceOperation};
use serde_json::json;

/// From so many on something is badly wrong.
const MANY: usize = 5;
/// So many are told.
const MAX_TOLD: usize = 50;

/// One that stopped without an error, as those do that are started by triggers, has not failed.
pub(super) fn assess_services(services: &[ServiceInfo]) -> Finding {
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

/// The Windows Time service.
const SERVICE: &str = "W32Time";

/// Outside of a domain it is started by a trigger and stops again: only a disabled one never sets the clock.
pub(super) fn assess_time(services: &[ServiceInfo]) -> Assessed {
    let found = services.iter().find(|service| service.name.eq_ignore_ascii_case(SERVICE));
    let service = found.ok_or_else(|| Skip::because("there is no Windows Time service here"))?;
    let details = json!({"service": SERVICE, "status": service.status, "startup_type": service.startup_type});
    if service.startup_type == "disabled" {
        let finding = Finding::new(
            CheckStatus::Warning,
            "The Windows Time service is disabled, so nothing sets the clock.",
        );
        let (service, operation) = (SERVICE.to_owned(), ServiceOperation::Enable);
        let enable = Action::ServiceControl { service, operation };
        return Ok(finding.with_details(details).remedy("Enable it.", Some(enable)));
    }
    Ok(Finding::passed(format!("The Windows Time service is {}.", service.status)).with_details(details))
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
        let finding = assess_services(&[
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
        assert_eq!(assess_services(&many).status, CheckStatus::Failed);
        assert_eq!(assess_services(&[service("a", "auto", "running")]).status, CheckStatus::Passed);
    }

    #[test]
    fn only_a_disabled_time_service_is_a_fault() {
        let of = |startup_type: &str| {
            let service = ServiceInfo {
                name: "w32time".into(),
                status: "stopped".into(),
                startup_type: startup_type.into(),
                ..ServiceInfo::default()
            };
            assess_time(&[service]).unwrap().status
        };
        assert_eq!([of("manual"), of("disabled")], [CheckStatus::Passed, CheckStatus::Warning]);
        assert!(assess_time(&[]).is_err());
    }
}
