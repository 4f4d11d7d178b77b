//! `time_sync`: whether something keeps the clock right, as `timedatectl(1)` tells it: the kernel's own word
//! (`adjtimex(2)`), whichever daemon steers it.

use crate::autochecks::Machine;
use crate::autochecks::finding::{Assessed, Finding, Skip, is_ready};
use infiniservice_exec::Request;
use infiniservice_protocol::data::{CheckStatus, ServiceInfo};
use infiniservice_protocol::{Action, ServiceOperation};
use serde_json::json;
use std::sync::Arc;

/// Daemons that keep the time; one of them is enough.
const DAEMONS: [&str; 7] = [
    "systemd-timesyncd.service",
    "chrony.service",
    "chronyd.service",
    "ntpsec.service",
    "ntp.service",
    "ntpd.service",
    "openntpd.service",
];

/// What `timedatectl show` tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// `NTPSynchronized`.
    pub synchronised: bool,
    /// `NTP`: whether a daemon that systemd knows is on.
    pub enabled: Option<bool>,
}

/// Gathers and assesses.
pub async fn run(machine: Arc<Machine>) -> Assessed {
    let text = machine.output(Request::new("timedatectl", ["show", "--no-pager"])).await?;
    let told = parse(&text).ok_or_else(|| Skip::because("timedatectl does not report NTPSynchronized"))?;
    // The daemons only help to say what to do.
    let services = machine.services.list().await.unwrap_or_default();
    Ok(assess(told, &services))
}

/// Reads lines of `Name=value`.
pub fn parse(text: &str) -> Option<Told> {
    let flag = |name: &str| {
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='))?;
        match value.trim() {
            "yes" => Some(true),
            "no" => Some(false),
            _ => None,
        }
    };
    Some(Told { synchronised: flag("NTPSynchronized")?, enabled: flag("NTP") })
}

/// A clock that nothing steers drifts: that wants attention.
pub fn assess(told: Told, services: &[ServiceInfo]) -> Finding {
    let daemons: Vec<&ServiceInfo> =
        services.iter().filter(|service| DAEMONS.contains(&service.name.as_str())).collect();
    let running: Vec<&str> =
        daemons.iter().filter(|service| service.status == "running").map(|s| s.name.as_str()).collect();
    let details = json!({
        "synchronised": told.synchronised,
        "ntp_enabled": told.enabled,
        "running_daemons": running,
    });
    if told.synchronised {
        return Finding::passed("The clock is synchronised.").with_details(details);
    }
    let message = match running.first() {
        Some(daemon) => {
            format!("The clock is not synchronised, although {daemon} runs; it may not reach its servers.")
        }
        None => "The clock is not synchronised, and no time synchronisation daemon is running.".to_owned(),
    };
    remedied(Finding::new(CheckStatus::Warning, message).with_details(details), &daemons)
}

/// Restarting helps a daemon that runs, starting one that is there; otherwise one has to be installed.
fn remedied(finding: Finding, daemons: &[&ServiceInfo]) -> Finding {
    let running = daemons.iter().find(|service| service.status == "running");
    let (daemon, operation, verb) = match (running, daemons.iter().find(|service| service.can_start)) {
        (Some(daemon), _) => (daemon, ServiceOperation::Restart, "Restart"),
        (None, Some(daemon)) => (daemon, ServiceOperation::Start, "Start"),
        (None, None) => return finding.advise("Install and start systemd-timesyncd or chrony."),
    };
    let action = Action::ServiceControl { service: daemon.name.clone(), operation };
    let command = is_ready(&action).then_some(action);
    finding.remedy(
        format!("{verb} {}, and make sure that the machine can reach a time server.", daemon.name),
        command,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RECORDED: &str = "Timezone=Etc/UTC\nLocalRTC=no\nCanNTP=yes\nNTP=yes\nNTPSynchronized=no\n\
                            TimeUSec=Mon 2026-11-23 07:42:35 UTC\nRTCTimeUSec=Mon 2026-11-23 07:42:35 UTC\n";

    fn service(name: &str, status: &str) -> ServiceInfo {
        let can_start = status == "stopped";
        ServiceInfo { name: name.into(), status: status.into(), can_start, ..ServiceInfo::default() }
    }

    fn operation(finding: &Finding) -> Option<(String, ServiceOperation)> {
        match finding.remediation.as_ref()?.command.as_ref()? {
            Action::ServiceControl { service, operation } => Some((service.clone(), *operation)),
            _ => None,
        }
    }

    #[test]
    fn recorded_lines_are_read_and_missing_ones_are_no_answer() {
        assert_eq!(parse(RECORDED), Some(Told { synchronised: false, enabled: Some(true) }));
        assert_eq!(parse("NTP=yes\n"), None);
        assert_eq!(parse("NTPSynchronized=yes\n").unwrap().enabled, None);
    }

    #[test]
    fn whoever_steers_the_clock_a_synchronised_one_passes() {
        let finding = assess(Told { synchronised: true, enabled: Some(false) }, &[]);
        assert_eq!((finding.status, finding.remediation), (CheckStatus::Passed, None));
    }

    #[test]
    fn a_daemon_that_runs_is_restarted_one_that_is_there_is_started() {
        let adrift = |services: &[ServiceInfo]| assess(Told::default(), services);
        let chrony = service("chrony.service", "running");
        let timesyncd = service("systemd-timesyncd.service", "stopped");
        let both = adrift(&[timesyncd.clone(), chrony]);
        assert_eq!(operation(&both), Some(("chrony.service".into(), ServiceOperation::Restart)));
        assert_eq!(
            operation(&adrift(&[timesyncd])),
            Some(("systemd-timesyncd.service".into(), ServiceOperation::Start))
        );
        let none = adrift(&[service("ssh.service", "running")]);
        assert_eq!((none.status, operation(&none)), (CheckStatus::Warning, None));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "\\PC*") {
            let _ = parse(&text);
        }
    }
}
