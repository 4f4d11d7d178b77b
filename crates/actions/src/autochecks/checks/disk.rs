//! How full the file systems are, the facts of two checks, and `disk_inodes`: how many of each file system's
//! inodes are used, where their number is fixed.

use crate::autochecks::file_systems::{Answer, FileSystem, FileSystems, LEVELS, details};
use crate::autochecks::finding::{Assessed, Skip};
use crate::autochecks::thresholds::Thresholds;
use crate::autochecks::{self, Machine, machine};
use infiniservice_platform::blocking::Coming;
use infiniservice_platform::linux::mounts::{self, Mount};
use serde_json::json;
use std::fs::File;
use std::io::BufReader;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// How long a mount may take to answer.
const TIMEOUT: Duration = Duration::from_secs(5);
/// So many are looked at, and told.
const MAX: usize = 64;

impl Machine {
    /// File systems, asked once.
    pub async fn file_systems(&self) -> Result<Arc<FileSystems>, Skip> {
        let ask = || async { gather(self).await.map(Arc::new) };
        self.once.file_systems.get_or_init(ask).await.clone()
    }
}

/// Asks those that may hang by a thread each and the others by one; all wait together.
pub(crate) async fn gather(machine: &Machine) -> Result<FileSystems, Skip> {
    let table = mount_table(machine).await?;
    let all = mounts::file_systems(table.mounts);
    let cut = all.len().saturating_sub(MAX).saturating_add(table.left_out);
    let mounts = mounts::most_important(all, MAX);
    let until = Instant::now() + TIMEOUT.min(machine.cancellation.remaining() / 2);
    let (remote, local): (Vec<_>, Vec<_>) = mounts.into_iter().partition(Mount::may_hang);
    let remote: Vec<_> = remote.into_iter().map(|mount| (ask(&mount), mount)).collect();
    let mut found = FileSystems { cut, ..FileSystems::default() };
    let together = machine::start_blocking("local file systems", move || answers(local))?;
    let told = timeout_at(until, together).await.map_err(|_| silent("the local file systems"))?;
    for (mount, answer) in told.map_err(|_| silent("the local file systems"))? {
        found.take(&mount, Some(&answer));
    }
    for (asked, mount) in remote {
        found.take(&mount, answer(asked, until).await.as_ref());
    }
    found.list.sort_by(|a, b| a.mount_point.cmp(&b.mount_point));
    Ok(found)
}

/// The mounts, read by lines however many a user has made.
pub(crate) async fn mount_table(machine: &Machine) -> Result<mounts::Table, Skip> {
    let path = machine.root.join("proc/self/mountinfo");
    let read = move || mounts::read(BufReader::new(File::open(path)?));
    machine::run_blocking("mountinfo", read)
        .await?
        .map_err(|error| Skip(format!("/proc/self/mountinfo: {error}")))
}

fn ask(mount: &Mount) -> Result<Coming<Answer>, Skip> {
    let (name, mount) = (mount.mount_point_text(), mount.clone());
    machine::start_blocking(&name, move || autochecks::space(&mount))
}

fn answers(mounts: Vec<Mount>) -> Vec<(Mount, Answer)> {
    mounts.into_iter().map(|mount| (mount.clone(), autochecks::space(&mount))).collect()
}

async fn answer(asked: Result<Coming<Answer>, Skip>, until: Instant) -> Option<Answer> {
    timeout_at(until, asked.ok()?).await.ok()?.ok()
}

fn silent(what: &str) -> Skip {
    Skip(format!("{what} did not answer"))
}

/// Gathers and assesses.
pub(crate) async fn inodes(machine: Arc<Machine>) -> Assessed {
    let systems = machine.file_systems().await?;
    assess_inodes(&systems, LEVELS.or_asked(machine.asked))
}

/// The fullest file system decides.
pub(crate) fn assess_inodes(systems: &FileSystems, levels: Thresholds) -> Assessed {
    let (finding, fullest) = systems.assess("inodes", levels, FileSystem::inodes_used_percent)?;
    let figures = |system: &FileSystem| {
        Some(json!({
            "mount_point": system.mount_point,
            "inodes_total": system.space.inodes()?.0,
            "inodes_used": system.space.inodes()?.1,
            "used_percent": system.inodes_used_percent()?,
        }))
    };
    let finding = finding.with_details(details(systems, levels, figures));
    let place = fullest.map_or("", |system| system.mount_point.as_str());
    Ok(finding.advise(format!("Find and remove the many small files on {place}: du --inodes -xd1 {place}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autochecks::file_systems::simulated;
    use infiniservice_protocol::data::CheckStatus;

    #[test]
    fn a_file_system_may_have_space_and_no_inodes_left() {
        let list = vec![simulated("/", 10, 1000), simulated("/srv", 999, 1)];
        let finding = assess_inodes(&FileSystems { list, ..FileSystems::default() }, LEVELS).unwrap();
        assert_eq!(finding.status, CheckStatus::Failed);
        assert_eq!(finding.message, "/ has 100 % of its inodes used.");
        assert_eq!(finding.details["file_systems"][0]["inodes_used"], 1000);
    }

    #[test]
    fn file_systems_that_make_inodes_as_needed_are_not_assessed() {
        let mut btrfs = simulated("/", 10, 0);
        btrfs.space.inodes = 0;
        let skipped = assess_inodes(&FileSystems { list: vec![btrfs], ..FileSystems::default() }, LEVELS);
        assert!(skipped.unwrap_err().0.contains("inodes"));
    }
}
