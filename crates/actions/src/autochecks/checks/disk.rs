//! How full the file systems are, the facts of two checks, and `disk_inodes`: how many of each file system's
//! inodes are used, where their number is fixed.

use crate::autochecks::finding::{Assessed, Finding, Skip};
use crate::autochecks::thresholds::{Thresholds, percent, worse};
use crate::autochecks::{self, Machine, machine};
use infiniservice_collector::disk::Space;
use infiniservice_platform::blocking::Coming;
use infiniservice_platform::linux::mounts::{self, Mount};
use infiniservice_protocol::data::CheckStatus;
use serde_json::{Value, json};
use std::fs::File;
use std::io::{self, BufReader};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// Of a share that warns or fails without more being asked.
pub(crate) const LEVELS: Thresholds = Thresholds::new(85.0, 95.0);
/// How long a mount may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// So many are looked at, and told.
const MAX: usize = 64;

/// One file system.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileSystem {
    /// Where it is mounted.
    pub mount_point: String,
    /// What from.
    pub device: String,
    /// `ext4`.
    pub kind: String,
    /// As statvfs(3) tells.
    pub space: Space,
}

/// All of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileSystems {
    /// By mount point.
    pub list: Vec<FileSystem>,
    /// Mount points that gave no answer in time.
    pub silent: Vec<String>,
    /// How many more there are, or may be, that were not looked at.
    pub cut: usize,
}

impl FileSystem {
    /// As df(1) has it: of what ordinary users may fill.
    pub fn used_percent(&self) -> f64 {
        let used = self.space.blocks.saturating_sub(self.space.free);
        percent(used, used.saturating_add(self.space.available))
    }

    /// `None` where the file system makes inodes as they are needed.
    pub fn inodes_used_percent(&self) -> Option<f64> {
        self.space.inodes().map(|(total, used)| percent(used, total))
    }

    /// In 10^9 bytes, to two decimals.
    pub fn gigabytes(&self, blocks: u64) -> f64 {
        (blocks as f64 * self.space.block_bytes as f64 / 1e7).round() / 100.0
    }
}

type Answer = io::Result<Option<Space>>;

/// Asks those that may hang by a thread each and the others by one; all wait together.
pub(crate) async fn gather(machine: &Machine) -> Result<FileSystems, Skip> {
    let table = mount_table(machine).await?;
    let all = mounts::file_systems(table.mounts);
    let cut = all.len().saturating_sub(MAX).saturating_add(table.left_out);
    let mounts = mounts::most_important(all, MAX);
    let until = Instant::now() + PATIENCE.min(machine.cancellation.remaining() / 2);
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

impl FileSystems {
    /// A file system that cannot be asked, such as a user's own FUSE mount, is left out, as df(1) does. So is one that was
    /// made full.
    fn take(&mut self, mount: &Mount, answer: Option<&Answer>) {
        match answer {
            None => self.silent.push(mount.mount_point_text()),
            Some(Ok(Some(space))) if mount.is_full_by_design(space.available) => {}
            Some(Ok(Some(space))) if space.blocks > 0 => self.list.push(FileSystem {
                mount_point: mount.mount_point_text(),
                device: mount.source_text(),
                kind: mount.kind.clone(),
                space: *space,
            }),
            Some(_) => {}
        }
    }

    /// The verdict over all, with the fullest first in the sentence. A mount that hangs wants attention by itself.
    pub fn assess(
        &self,
        what: &str,
        levels: Thresholds,
        share: impl Fn(&FileSystem) -> Option<f64>,
    ) -> Result<(Finding, Option<&FileSystem>), Skip> {
        let mut shares: Vec<(f64, &FileSystem)> =
            self.list.iter().filter_map(|system| Some((share(system)?, system))).collect();
        shares.sort_by(|a, b| b.0.total_cmp(&a.0));
        let fullest = shares.first().copied();
        if fullest.is_none() && self.silent.is_empty() {
            return Err(Skip(format!("no file system here reports {what}")));
        }
        let mut status = fullest.map_or(CheckStatus::Warning, |(share, _)| levels.judge(share));
        let mut sentences = vec![sentence(what, levels, &shares)];
        if let Some(first) = self.silent.first() {
            status = worse(status, CheckStatus::Warning);
            sentences.push(format!("{first} does not answer."));
        }
        if self.cut > 0 {
            status = worse(status, CheckStatus::Warning);
            sentences.push(format!("{} more file systems were not examined.", self.cut));
        }
        sentences.retain(|sentence| !sentence.is_empty());
        let message = sentences.join(" ");
        Ok((Finding::new(status, message), fullest.map(|(_, system)| system)))
    }
}

fn sentence(what: &str, levels: Thresholds, shares: &[(f64, &FileSystem)]) -> String {
    let full: Vec<String> = shares
        .iter()
        .filter(|(share, _)| levels.judge(*share) != CheckStatus::Passed)
        .map(|(share, system)| format!("{} has {share} % of its {what} used", system.mount_point))
        .collect();
    match (full.as_slice(), shares.first()) {
        ([], Some((share, system))) => {
            format!("The fullest file system, {}, has {share} % of its {what} used.", system.mount_point)
        }
        ([], None) => String::new(),
        (few, _) if few.len() <= 3 => format!("{}.", few.join("; ")),
        (many, _) => format!("{}; and {} more.", many.get(..3).unwrap_or(many).join("; "), many.len() - 3),
    }
}

/// For `details`: the bounds, the silent ones, and what `figures` tells of each.
pub(crate) fn details(
    systems: &FileSystems,
    levels: Thresholds,
    figures: impl Fn(&FileSystem) -> Option<Value>,
) -> Value {
    serde_json::json!({
        "warning_percent": levels.warning,
        "critical_percent": levels.critical,
        "file_systems": systems.list.iter().filter_map(figures).collect::<Vec<_>>(),
        "not_answering": systems.silent,
        "not_looked_at": systems.cut,
    })
}

/// For tests: a file system of a thousand blocks of a megabyte and a thousand inodes.
#[cfg(test)]
pub(super) fn simulated(mount_point: &str, used: u64, inodes_used: u64) -> FileSystem {
    let space = Space {
        block_bytes: 1_000_000,
        blocks: 1000,
        free: 1000 - used,
        available: 1000 - used,
        inodes: 1000,
        free_inodes: 1000 - inodes_used,
    };
    FileSystem { mount_point: mount_point.into(), device: "/dev/vda1".into(), kind: "ext4".into(), space }
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
    use super::{simulated, *};
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
