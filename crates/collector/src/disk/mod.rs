//! File systems and block devices; here, how full a file system is, from statvfs(3).

pub(crate) mod probe;
pub(crate) mod traffic;

use crate::error::CollectError;
use crate::numbers::{counter, gigabytes};
use infiniservice_platform::linux::mounts::Mount;
use infiniservice_protocol::metrics::DiskUsage;
use std::io;

/// What statvfs(3) tells, without its platform's types.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Space {
    /// `f_frsize`: bytes in a block.
    pub block_bytes: u64,
    /// `f_blocks`.
    pub blocks: u64,
    /// `f_bfree`, the reserve of the superuser included.
    pub free: u64,
    /// `f_bavail`, for ordinary users.
    pub available: u64,
    /// `f_files`.
    pub inodes: u64,
    /// `f_ffree`.
    pub free_inodes: u64,
}

/// A file system that makes inodes as they are needed tells a number without meaning (0, or one near 2^64).
const MAX_INODES: u64 = 1 << 62;

impl Space {
    /// How many inodes there are, and how many are used; `None` where their number is not fixed.
    pub fn inodes(self) -> Option<(u64, u64)> {
        let known = (1..MAX_INODES).contains(&self.inodes);
        known.then(|| (self.inodes, self.inodes.saturating_sub(self.free_inodes)))
    }
}

/// Figures for the wire; `None` for a file system without blocks, which is a pseudo file system, and for one that is
/// full by design.
pub fn figures(mount: &Mount, space: Space) -> Option<DiskUsage> {
    let bytes = |blocks: u64| gigabytes(u128::from(blocks) * u128::from(space.block_bytes));
    let inodes = space.inodes();
    let counts = space.blocks > 0 && space.block_bytes > 0 && !mount.is_full_by_design(space.available);
    counts.then(|| DiskUsage {
        mount_point: mount.mount_point_text(),
        device: mount.source_text(),
        filesystem: mount.kind.clone(),
        total_gb: bytes(space.blocks),
        used_gb: bytes(space.blocks.saturating_sub(space.free)),
        available_gb: bytes(space.available.min(space.blocks)),
        inodes_total: inodes.map(|(total, _)| counter(total)),
        inodes_used: inodes.map(|(_, used)| counter(used)),
    })
}

/// File systems, those that failed, and how many there are in all.
#[derive(Debug, Default)]
pub struct Usages {
    /// By mount point.
    pub list: Vec<DiskUsage>,
    /// One for each file system that could not be asked.
    pub failed: Vec<CollectError>,
    /// How many were asked. Some are not told: no file system of their own, or full by design.
    pub asked: usize,
    /// How many there are, before the list was cut.
    pub total: usize,
}

impl Usages {
    /// Takes what one file system answered.
    pub fn take(&mut self, mount: &Mount, asked: Result<Space, CollectError>) {
        match asked {
            Ok(space) => self.list.extend(figures(mount, space)),
            // A user's own FUSE mount that root may not see, or one that went away meanwhile: as df does.
            Err(CollectError::Io { source, .. }) if is_none_of_ours(&source) => {}
            Err(error) => self.failed.push(error),
        }
    }
}

fn is_none_of_ours(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::NotFound)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mount() -> Mount {
        Mount {
            device_id: (8, 1),
            root: b"/".to_vec(),
            place: b"/data".to_vec(),
            kind: "ext4".into(),
            source: b"/dev/sda1".to_vec(),
            ..Mount::default()
        }
    }

    #[test]
    fn the_superusers_reserve_is_neither_used_nor_available() {
        let space = Space {
            block_bytes: 4096,
            blocks: 1_000_000,
            free: 500_000,
            available: 450_000,
            ..Space::default()
        };
        let usage = figures(&mount(), space).unwrap();
        assert_eq!((usage.total_gb, usage.used_gb, usage.available_gb), (4.096, 2.048, 1.8432));
        assert_eq!((usage.inodes_total, usage.device.as_str()), (None, "/dev/sda1"));
    }

    #[test]
    fn a_file_system_without_blocks_is_left_out() {
        assert_eq!(figures(&mount(), Space::default()), None);
    }

    #[test]
    fn a_number_of_inodes_without_meaning_is_unknown() {
        for (inodes, free_inodes) in [(0, 0), (u64::MAX, u64::MAX - 3), (u64::MAX - 1, 0), (1 << 63, 5)] {
            assert_eq!(Space { inodes, free_inodes, ..Space::default() }.inodes(), None, "{inodes}");
        }
        assert_eq!(Space { inodes: 10, free_inodes: 4, ..Space::default() }.inodes(), Some((10, 6)));
    }

    #[test]
    fn what_is_full_by_design_is_left_out() {
        let full = Space { block_bytes: 4096, blocks: 100, ..Space::default() };
        assert!(figures(&mount(), full).is_some(), "a full disk");
        assert_eq!(figures(&Mount { kind: "erofs".into(), ..mount() }, full), None);
        assert_eq!(figures(&Mount { read_only: true, ..mount() }, full), None);
    }

    #[test]
    fn nonsense_from_a_server_stays_in_range() {
        let space = Space {
            block_bytes: u64::MAX,
            blocks: u64::MAX,
            free: 0,
            available: u64::MAX,
            inodes: 1,
            free_inodes: 9,
        };
        let usage = figures(&mount(), space).unwrap();
        assert!(usage.total_gb.is_finite() && usage.inodes_used == Some(0));
    }
}
