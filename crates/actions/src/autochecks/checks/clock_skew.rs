//! `clock_skew`: how far the system's clock is from the hardware clock, which a hypervisor keeps by its own.

use crate::autochecks::Machine;
use crate::autochecks::finding::{Assessed, Finding, Skip};
use crate::autochecks::levels::Levels;
use serde_json::json;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// In seconds. From the second on signed commands are refused as too old or too new.
const LEVELS: Levels = Levels::new(5.0, 300.0);
/// The kernel's file of the first hardware clock: seconds since 1970 (Documentation/ABI/testing/sysfs-class-rtc).
const RTC: &str = "sys/class/rtc/rtc0/since_epoch";

/// Gathers and assesses.
pub async fn run(machine: Arc<Machine>) -> Assessed {
    let adjtime = machine.read_if_there("etc/adjtime").await?.unwrap_or_default();
    if is_local(&adjtime) {
        return Err(Skip::because("the hardware clock keeps local time, whose offset is unknown"));
    }
    let read = machine.read_if_there(RTC).await?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let rtc = read.ok_or_else(|| Skip::because("the machine has no hardware clock"))?;
    let rtc = parse(&rtc).ok_or_else(|| Skip(format!("/{RTC} cannot be parsed")))?;
    Ok(assess(now, rtc))
}

/// Reads a number of seconds.
pub fn parse(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.trim().parse().ok()
}

/// The third line of `/etc/adjtime` (`adjtime_config(5)`).
pub fn is_local(adjtime: &[u8]) -> bool {
    String::from_utf8_lossy(adjtime).lines().nth(2).is_some_and(|line| line.trim() == "LOCAL")
}

/// Both in seconds since 1970. The hardware clock has whole seconds, so that one of them means nothing.
pub fn assess(system_secs: u64, hardware_secs: u64) -> Finding {
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

    #[test]
    fn the_distance_decides_in_either_direction() {
        let of = |system| assess(system, 1_000_000).status;
        assert_eq!([of(1_000_001), of(999_999)], [CheckStatus::Passed; 2]);
        assert_eq!([of(1_000_005), of(999_995)], [CheckStatus::Warning; 2]);
        assert_eq!([of(1_000_300), of(0)], [CheckStatus::Failed; 2]);
        assert_eq!(assess(100, 90).message, "The clock is 10 s ahead of the hardware clock.");
        assert_eq!(assess(90, 100).message, "The clock is 10 s behind the hardware clock.");
    }

    #[test]
    fn a_hardware_clock_in_local_time_is_known() {
        assert!(is_local(b"0.0 0 0.0\n0\nLOCAL\n"));
        assert!(!is_local(b"0.0 0 0.0\n0\nUTC\n") && !is_local(b""));
    }

    proptest! {
        #[test]
        fn any_bytes_and_any_clocks_are_read_without_a_panic(bytes: Vec<u8>, a: u64, b: u64) {
            let _ = (parse(&bytes), is_local(&bytes), assess(a, b));
        }
    }
}
