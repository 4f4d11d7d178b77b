//! `disk_inodes`: how many of each file system's inodes are used, where their number is fixed.

use super::disk::{self, FileSystem, FileSystems};
use crate::autochecks::Machine;
use crate::autochecks::finding::Assessed;
use crate::autochecks::levels::Levels;
use serde_json::json;
use std::sync::Arc;

/// Gathers and assesses.
pub async fn run(machine: Arc<Machine>) -> Assessed {
    let systems = machine.file_systems().await?;
    assess(&systems, disk::LEVELS.or_asked(machine.asked))
}

/// The fullest file system decides.
pub fn assess(systems: &FileSystems, levels: Levels) -> Assessed {
    let (finding, fullest) = systems.assess("inodes", levels, FileSystem::inodes_used_percent)?;
    let figures = |system: &FileSystem| {
        Some(json!({
            "mount_point": system.mount_point,
            "inodes_total": system.space.inodes()?.0,
            "inodes_used": system.space.inodes()?.1,
            "used_percent": system.inodes_used_percent()?,
        }))
    };
    let finding = finding.with_details(disk::details(systems, levels, figures));
    let place = fullest.map_or("", |system| system.mount_point.as_str());
    Ok(finding.advise(format!("Find and remove the many small files on {place}: du --inodes -xd1 {place}")))
}

#[cfg(test)]
mod tests {
    use super::super::disk::simulated;
    use super::*;
    use infiniservice_protocol::data::CheckStatus;

    #[test]
    fn a_file_system_may_have_space_and_no_inodes_left() {
        let list = vec![simulated("/", 10, 1000), simulated("/srv", 999, 1)];
        let finding = assess(&FileSystems { list, ..FileSystems::default() }, disk::LEVELS).unwrap();
        assert_eq!(finding.status, CheckStatus::Failed);
        assert_eq!(finding.message, "/ has 100 % of its inodes used.");
        assert_eq!(finding.details["file_systems"][0]["inodes_used"], 1000);
    }

    #[test]
    fn file_systems_that_make_inodes_as_needed_are_not_assessed() {
        let mut btrfs = simulated("/", 10, 0);
        btrfs.space.inodes = 0;
        let skipped = assess(&FileSystems { list: vec![btrfs], ..FileSystems::default() }, disk::LEVELS);
        assert!(skipped.unwrap_err().0.contains("inodes"));
    }
}
