//! `disk_errors`: what the kernel said of failing disks and damaged file systems since boot.

use crate::autochecks::Machine;
use crate::autochecks::finding::{Assessed, Finding};
use crate::autochecks::journal::Entry;
use crate::autochecks::kernel_errors::{Kind, kind};
use infiniservice_protocol::data::CheckStatus;
use serde_json::json;
use std::sync::Arc;

/// So many failures are a failing disk.
const MANY: usize = 10;
/// So many lines are told, the last ones.
const MAX_TOLD: usize = 5;
/// Longest line told, in characters.
const MAX_CHARS: usize = 200;

/// Gathers and assesses.
pub(super) async fn run(machine: Arc<Machine>) -> Assessed {
    let log = machine.kernel_log().await?;
    Ok(assess(&log.entries).with_unseen(log.unseen.clone()))
}

/// Damage is a failure at once; single errors of a disk want attention.
pub(super) fn assess(log: &[Entry]) -> Finding {
    let found: Vec<(Kind, &Entry)> = log.iter().filter_map(|entry| Some((kind(entry)?, entry))).collect();
    let damaged = found.iter().filter(|(kind, _)| *kind == Kind::Damage).count();
    let failures = found.len() - damaged;
    let status = match (damaged, failures) {
        (0, 0) => CheckStatus::Passed,
        (0, n) if n < MANY => CheckStatus::Warning,
        _ => CheckStatus::Failed,
    };
    let lines: Vec<String> = found
        .iter()
        .take(MAX_TOLD)
        .map(|(_, entry)| entry.message.chars().take(MAX_CHARS).collect())
        .collect();
    let details = json!({
        "file_system_error_count": damaged,
        "io_error_count": failures,
        "last_error_unix_secs": found.iter().map(|(_, entry)| entry.at_secs).max(),
        "last_messages": lines,
    });
    Finding::new(status, sentence(damaged, failures))
        .with_details(details)
        .advise("Save important data, check the file system, and examine the host's storage.")
}

fn sentence(damaged: usize, failures: usize) -> String {
    match (damaged, failures) {
        (0, 0) => "The kernel has reported no disk or file system errors since boot.".into(),
        (0, n) => format!("The kernel has reported {n} disk error(s) since boot."),
        (n, 0) => format!("The kernel has reported {n} file system error(s) since boot."),
        (n, m) => {
            format!("The kernel has reported {n} file system error(s) and {m} disk error(s) since boot.")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autochecks::journal::parse;

    /// Of a machine with a test disk that has a medium error, and whose ext4 was made to report errors.
    const RECORDED: &str = include_str!("../../../tests/fixtures/autochecks/journalctl-252-linux-6.1.json");
    const HANDMADE: &str = include_str!("../../../tests/fixtures/autochecks/handmade-kernel.json");

    fn of(messages: &[&str]) -> Finding {
        let entry = |message: &&str| Entry { message: (*message).to_owned(), at_secs: 5, ..Entry::default() };
        assess(&messages.iter().map(entry).collect::<Vec<_>>())
    }

    #[test]
    fn a_damaged_file_system_is_a_failure_and_one_bad_read_a_warning() {
        assert_eq!(
            of(&["EXT4-fs error (device vda1): ext4_lookup:1855: inode #2: comm ls"]).status,
            CheckStatus::Failed
        );
        assert_eq!(
            of(&["XFS (vdb): Corruption detected. Unmount and run xfs_repair"]).status,
            CheckStatus::Failed
        );
        let read = "I/O error, dev vdb, sector 2048 op 0x0:(READ) flags 0x80700 phys_seg 1 prio class 2";
        assert_eq!(of(&[read]).status, CheckStatus::Warning);
        assert_eq!(of(&[read; 10]).status, CheckStatus::Failed);
        assert_eq!(of(&[read]).details["io_error_count"], 1);
    }

    #[test]
    fn ordinary_lines_and_empty_drives_are_no_errors() {
        for line in [
            "blk_update_request: I/O error, dev fd0, sector 0 op 0x0:(READ)",
            "Buffer I/O error on dev sr0, logical block 0",
            "EXT4-fs (vda1): mounted filesystem with ordered data mode",
            "XFS (vdb): Ending clean mount",
            "Memory cgroup out of memory: Killed process 7 (x) total-vm:1kB",
        ] {
            assert_eq!(of(&[line]).status, CheckStatus::Passed, "{line}");
        }
    }

    #[test]
    fn a_recorded_log_is_assessed_and_what_is_told_is_bounded() {
        let finding = assess(&parse(RECORDED));
        let counts = ["file_system_error_count", "io_error_count"].map(|name| finding.details[name].clone());
        assert_eq!(counts, [5, 2], "{finding:?}");
        let finding = assess(&parse(HANDMADE));
        assert_eq!(finding.details["io_error_count"], 2, "{finding:?}");
        let long = format!("I/O error, dev vda, sector 1 {}", "x".repeat(5000));
        let told = of(&[long.as_str(); 50]).details["last_messages"].as_array().unwrap().clone();
        assert!(told.len() == MAX_TOLD && told[0].as_str().unwrap().len() <= MAX_CHARS);
    }
}
