//! How full the file systems are: what several checks, and both platforms, are told of each, and the verdict over all.

use super::finding::{Finding, Skip};
use super::thresholds::{Thresholds, percent, worse};
use infiniservice_collector::disk::Space;
use infiniservice_platform::linux::mounts::Mount;
use infiniservice_protocol::data::CheckStatus;
use serde_json::Value;
use std::io;

/// Of a share that warns or fails without more being asked.
pub(crate) const LEVELS: Thresholds = Thresholds::new(85.0, 95.0);

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

/// What a mount said: nothing for one that is no file system of its own.
pub(super) type Answer = io::Result<Option<Space>>;

impl FileSystems {
    /// A file system that cannot be asked, such as a user's own FUSE mount, is left out, as df(1) does. So is one that was
    /// made full.
    pub(super) fn take(&mut self, mount: &Mount, answer: Option<&Answer>) {
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
