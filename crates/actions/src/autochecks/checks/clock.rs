//! `time_sync` and `clock_skew`: whether something keeps the clock right, as `timedatectl(1)` tells it by the
//! kernel's own word (`adjtimex(2)`), whichever daemon steers it, and how far the system's clock is from the
//! hardware clock, which a hypervisor keeps by its own.

use crate::autochecks::Machine;
use crate::autochecks::finding::{Assessed, Finding, Skip, is_ready};
use crate::autochecks::thresholds::Thresholds;
use infiniservice_exec::Request;
use infiniservice_protocol::data::{CheckStatus, ServiceInfo};
use infiniservice_protocol::{Action, ServiceOperation};
use serde_json::json;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

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
pub async fn sync(machine: Arc<Machine>) -> Assessed {
    let text = machine.output(Request::new("timedatectl", ["show", "--no-pager"])).await?;
    let told =
        parse_status(&text).ok_or_else(|| Skip::because("timedatectl does not report NTPSynchronized"))?;
    // The daemons only help to say what to do.
    let services = machine.services.list().await.unwrap_or_default();
    Ok(assess_sync(told, &services))
}

/// Reads lines of `Name=value`.
pub fn parse_status(text: &str) -> Option<Told> {
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
pub fn assess_sync(told: Told, services: &[ServiceInfo]) -> Finding {
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

/// In seconds. From the second on signed commands are refused as too old or too new.
const LEVELS: Thresholds = Thresholds::new(5.0, 300.0);
/// The kernel's file of the first hardware clock: seconds since 1970 (Documentation/ABI/testing/sysfs-class-rtc).
const RTC: &str = "sys/class/rtc/rtc0/since_epoch";

/// Gathers and assesses.
pub async fn skew(machine: Arc<Machine>) -> Assessed {
    let adjtime = machine.read_if_there("etc/adjtime").await?.unwrap_or_default();
    if is_local(&adjtime) {
        return Err(Skip::because("the hardware clock keeps local time, whose offset is unknown"));
    }
    let read = machine.read_if_there(RTC).await?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let rtc = read.ok_or_else(|| Skip::because("the machine has no hardware clock"))?;
    let rtc = parse_rtc(&rtc).ok_or_else(|| Skip(format!("/{RTC} cannot be parsed")))?;
    Ok(assess_skew(now, rtc))
}

/// Reads a number of seconds.
pub fn parse_rtc(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.trim().parse().ok()
}

/// The third line of `/etc/adjtime` (`adjtime_config(5)`).
pub fn is_local(adjtime: &[u8]) -> bool {
    String::from_utf8_lossy(adjtime).lines().nth(2).is_some_and(|line| line.trim() == "LOCAL")
}

/// Both in seconds since 1970. The hardware clock has whole seconds, so that one of them means nothing.
pub fn assess_skew(system_secs: u64, hardware_secs: u64) -> Finding {
    let skew = system_secs.abs_diff(hardware_secs);
    let direction = if system_secs > hardware_secs { "ahead of" } else { "behind" };
    let message = match skew {
        0 | 1 => "The clock agrees with the hardware clock.".to_owned(),
        n => format!("The clock is {n} s {direction} the hardware clock."),
    };
    let details = json!({
        "skew_secs": skew,
        "system_unix_secs": system_secs,
        "hardware_unix_secs": hardware_secs,
        "warning_secs": LEVELS.warning,
        "critical_secs": LEVELS.critical,
    });
    Finding::new(LEVELS.judge(skew as f64), message)
        .with_details(details)
        .advise("Find out which of the two is right, and set up time synchronisation.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use infiniservice_protocol::data::CheckStatus;
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
        assert_eq!(parse_status(RECORDED), Some(Told { synchronised: false, enabled: Some(true) }));
        assert_eq!(parse_status("NTP=yes\n"), None);
        assert_eq!(parse_status("NTPSynchronized=yes\n").unwrap().enabled, None);
    }

    #[test]
    fn whoever_steers_the_clock_a_synchronised_one_passes() {
        let finding = assess_sync(Told { synchronised: true, enabled: Some(false) }, &[]);
        assert_eq!((finding.status, finding.remediation), (CheckStatus::Passed, None));
    }

    #[test]
    fn a_daemon_that_runs_is_restarted_one_that_is_there_is_started() {
        let adrift = |services: &[ServiceInfo]| assess_sync(Told::default(), services);
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
            let _ = parse_status(&text);
        }
    }

    #[test]
    fn the_distance_decides_in_either_direction() {
        let of = |system| assess_skew(system, 1_000_000).status;
        assert_eq!([of(1_000_001), of(999_999)], [CheckStatus::Passed; 2]);
        assert_eq!([of(1_000_005), of(999_995)], [CheckStatus::Warning; 2]);
        assert_eq!([of(1_000_300), of(0)], [CheckStatus::Failed; 2]);
        assert_eq!(assess_skew(100, 90).message, "The clock is 10 s ahead of the hardware clock.");
        assert_eq!(assess_skew(90, 100).message, "The clock is 10 s behind the hardware clock.");
    }

    #[test]
    fn a_hardware_clock_in_local_time_is_known() {
        assert!(is_local(b"0.0 0 0.0\n0\nLOCAL\n"));
        assert!(!is_local(b"0.0 0 0.0\n0\nUTC\n") && !is_local(b""));
    }

    proptest! {
        #[test]
        fn any_bytes_and_any_clocks_are_read_without_a_panic(bytes: Vec<u8>, a: u64, b: u64) {
            let _ = (parse_rtc(&bytes), is_local(&bytes), assess_skew(a, b));
        }
    }
}
