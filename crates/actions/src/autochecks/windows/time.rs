//! `time_sync`: whether the Windows Time service may keep the clock.

use crate::autochecks::finding::{Assessed, Finding, Skip};
use infiniservice_protocol::data::{CheckStatus, ServiceInfo};
use infiniservice_protocol::{Action, ServiceOperation};
use serde_json::json;

/// The Windows Time service.
const SERVICE: &str = "W32Time";

/// Outside of a domain it is started by a trigger and stops again: only a disabled one never sets the clock.
pub fn assess(services: &[ServiceInfo]) -> Assessed {
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

    #[test]
    fn only_a_disabled_time_service_is_a_fault() {
        let of = |startup_type: &str| {
            let service = ServiceInfo {
                name: "w32time".into(),
                status: "stopped".into(),
                startup_type: startup_type.into(),
                ..ServiceInfo::default()
            };
            assess(&[service]).unwrap().status
        };
        assert_eq!([of("manual"), of("disabled")], [CheckStatus::Passed, CheckStatus::Warning]);
        assert!(assess(&[]).is_err());
    }
}
