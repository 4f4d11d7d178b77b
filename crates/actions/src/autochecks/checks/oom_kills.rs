//! `oom_kills`: processes that the kernel ended since boot because memory was short.

use crate::autochecks::Machine;
use crate::autochecks::finding::{Assessed, Finding, Skip};
use crate::autochecks::journal::{Entry, Log};
use crate::autochecks::thresholds::Thresholds;
use serde_json::json;
use std::sync::Arc;

/// Processes ended since boot.
const LEVELS: Thresholds = Thresholds::new(1.0, 10.0);
/// So many victims are told, the last ones.
const MAX_TOLD: usize = 10;

/// Gathers and assesses.
pub(super) async fn run(machine: Arc<Machine>) -> Assessed {
    let counted = machine.read("proc/vmstat").await.ok().and_then(|text| count(&text));
    // Without a kill there is nothing to look up.
    let log = if counted == Some(0) { Ok(Arc::default()) } else { machine.kernel_log().await };
    match (counted, log) {
        (None, Err(why)) => Err(why),
        (counted, log) => {
            // The kernel's own count is whole whatever the log is.
            let unseen = log.as_ref().ok().filter(|_| counted.is_none()).and_then(|log| log.unseen.clone());
            let log = log.as_deref().map(|log: &Log| log.entries.as_slice());
            Ok(assess(counted, log).with_unseen(unseen))
        }
    }
}

/// `oom_kill` of `/proc/vmstat`, which kernels since 4.13 have.
pub(crate) fn count(vmstat: &[u8]) -> Option<u64> {
    let text = String::from_utf8_lossy(vmstat);
    text.lines().find_map(|line| line.strip_prefix("oom_kill ")).and_then(|number| number.trim().parse().ok())
}

/// The process in `… Killed process 1234 (name) total-vm:…`, which may be of one control group or of the machine.
fn victim(entry: &Entry) -> Option<String> {
    if entry.facility.is_some_and(|facility| facility != 0) {
        return None;
    }
    let (_, rest) = entry.message.split_once("Killed process ")?;
    let (pid, rest) = rest.split_once(" (")?;
    pid.parse::<u32>().ok()?;
    let name = rest.rsplit_once(") total-vm").or_else(|| rest.split_once(')')).map(|(name, _)| name)?;
    Some(name.chars().take(64).collect())
}

/// The kernel's count decides; the log tells whom it met.
pub(super) fn assess(counted: Option<u64>, log: Result<&[Entry], &Skip>) -> Finding {
    let entries = log.unwrap_or_default();
    let victims: Vec<(String, u64)> =
        entries.iter().filter_map(|entry| Some((victim(entry)?, entry.at_secs))).collect();
    let count = counted.unwrap_or(victims.len() as u64);
    let mut names: Vec<&str> = victims.iter().map(|(name, _)| name.as_str()).take(MAX_TOLD).collect();
    let last_at_secs = victims.iter().map(|(_, at)| *at).max();
    let details = json!({
        "kill_count": count,
        "victims": names,
        "last_kill_unix_secs": last_at_secs,
        "log_error": log.err().map(|Skip(why)| why),
    });
    names.sort_unstable();
    names.dedup();
    Finding::new(LEVELS.judge(count as f64), sentence(count, &names))
        .with_details(details)
        .advise("Give the machine or the service more memory, or find out why it needs so much.")
}

fn sentence(count: u64, names: &[&str]) -> String {
    let whom = if names.is_empty() { String::new() } else { format!(": {}", names.join(", ")) };
    match count {
        0 => "The OOM killer has ended no process since boot.".into(),
        1 => format!("The OOM killer has ended 1 process since boot{whom}."),
        n => format!("The OOM killer has ended {n} processes since boot{whom}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autochecks::journal::parse;
    use infiniservice_protocol::data::CheckStatus::{Failed, Passed, Warning};
    use proptest::prelude::*;

    const VMSTAT: &[u8] = include_bytes!("../../../tests/fixtures/autochecks/vmstat-6.18");
    const RECORDED: &str = include_str!("../../../tests/fixtures/autochecks/journalctl-252-linux-6.1.json");
    /// Made by hand: a victim whose name looks like the kernel's own words.
    const HANDMADE: &str = include_str!("../../../tests/fixtures/autochecks/handmade-kernel.json");

    #[test]
    fn the_kernel_counts_and_its_log_names_the_victims() {
        assert_eq!(count(VMSTAT), Some(0));
        let finding = assess(Some(1), Ok(&parse(RECORDED)));
        assert_eq!(finding.message, "The OOM killer has ended 1 process since boot: tail.");
        let finding = assess(Some(2), Ok(&parse(HANDMADE)));
        assert_eq!(finding.status, Warning);
        assert!(finding.details["victims"].as_array().unwrap().contains(&json!("hog (a) b")), "{finding:?}");
        assert!(finding.message.contains("2 processes"), "{}", finding.message);
    }

    #[test]
    fn no_kill_passes_and_many_fail() {
        let verdicts = [0, 1, 9, 10].map(|n| assess(Some(n), Ok(&[])).status);
        assert_eq!(verdicts, [Passed, Warning, Warning, Failed]);
    }

    #[test]
    fn the_count_is_enough_where_the_log_cannot_be_read() {
        let finding = assess(Some(1), Err(&Skip::because("no journal")));
        assert_eq!((finding.status, &finding.details["log_error"]), (Warning, &json!("no journal")));
    }

    proptest! {
        #[test]
        fn any_log_and_any_counters_are_read_without_a_panic(message in "\\PC*", bytes: Vec<u8>) {
            let _ = count(&bytes);
            let messages = [message.clone(), format!("Killed process 1 ({message}")];
            let entries = messages.map(|message| Entry { message, ..Entry::default() });
            let _ = assess(None, Ok(&entries));
        }
    }
}
