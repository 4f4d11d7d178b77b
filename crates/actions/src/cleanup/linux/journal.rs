//! Archived journals: which `journalctl --vacuum-time` would remove, and what it did.
//!
//! journald's own files are left to its own tool. It removes an archive when the earliest of its times is older than the limit
//! (systemd's src/libsystemd/sd-journal/journal-vacuum.c), and never the one that is written.

use crate::cleanup::tally::Tally;
use crate::cleanup::{Job, total};
use infiniservice_protocol::data::DiskCleanupData;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Age from which archives go when none is asked for, in days.
pub(crate) const DEFAULT_DAYS: u32 = 30;
/// Where journald keeps them, below each a directory named by the machine id.
const DIRECTORIES: [&str; 2] = ["var/log/journal", "run/log/journal"];

/// Archives by their paths.
#[derive(Clone, Debug, Default)]
pub(crate) struct Archives(BTreeMap<PathBuf, Archive>);

#[derive(Clone, Copy, Debug)]
struct Archive {
    earliest: SystemTime,
    bytes: u64,
}

impl Archives {
    /// Those of this machine now.
    pub(crate) fn look(root: &Path) -> Self {
        let id = fs::read_to_string(root.join("etc/machine-id")).unwrap_or_default();
        let id = id.trim();
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Self::default();
        }
        let directories = DIRECTORIES.iter().filter_map(|path| fs::read_dir(root.join(path).join(id)).ok());
        Self(directories.flatten().flatten().filter_map(|entry| archive(&entry)).collect())
    }

    /// Those that are older than `age`.
    #[must_use]
    pub(crate) fn older_than(&self, age: Duration, now: SystemTime) -> Self {
        let old = |archive: &Archive| now.duration_since(archive.earliest).is_ok_and(|passed| passed > age);
        Self(
            self.0
                .iter()
                .filter(|(_, archive)| old(archive))
                .map(|(path, found)| (path.clone(), *found))
                .collect(),
        )
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those that are not in `later`.
    #[must_use]
    pub(crate) fn without(&self, later: &Self) -> Self {
        let gone = self.0.iter().filter(|(path, _)| !later.0.contains_key(*path));
        Self(gone.map(|(path, archive)| (path.clone(), *archive)).collect())
    }

    /// Counts them to the target `logs`.
    pub(crate) fn count_into(&self, data: &mut DiskCleanupData) {
        let mut tally = Tally::default();
        tally.add(self.0.len() as u64, self.0.values().map(|archive| archive.bytes).sum());
        let counted = tally.finish("logs");
        if let Some(logs) = data.targets.iter_mut().find(|target| target.name == counted.name) {
            logs.files_deleted += counted.files_deleted;
            logs.space_cleared_mb += counted.space_cleared_mb;
        }
        total(data);
    }
}

/// The age that a job means, as journalctl takes it: at least a second, since 0 means no limit there.
pub(crate) fn age(job: &Job) -> Duration {
    job.older_than.unwrap_or(crate::cleanup::days(DEFAULT_DAYS)).max(Duration::from_secs(1))
}

fn archive(entry: &fs::DirEntry) -> Option<(PathBuf, Archive)> {
    let name = entry.file_name();
    let named = named_time(name.to_str()?)?;
    let meta = entry.metadata().ok().filter(fs::Metadata::is_file)?;
    let times = [meta.modified(), meta.accessed(), meta.created()];
    let earliest = times.into_iter().flatten().chain([named]).min()?;
    let earliest = earliest.min(SystemTime::UNIX_EPOCH + Duration::from_secs(meta.ctime().try_into().ok()?));
    Some((entry.path(), Archive { earliest, bytes: meta.blocks().saturating_mul(512) }))
}

/// When an archive begins, in its name: `system@SEQNUMID-SEQNUM-REALTIME.journal`, or `system@REALTIME-RANDOM.journal~` for one
/// that was not closed in order; the time is in hexadecimal microseconds. `None` for any other file.
fn named_time(name: &str) -> Option<SystemTime> {
    let (_, stamp) = name.split_once('@')?;
    let digits = match stamp.strip_suffix(".journal~") {
        Some(stamp) => stamp.split('-').next()?,
        None => stamp.strip_suffix(".journal")?.rsplit('-').next()?,
    };
    let plausible = digits.len() == 16 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let micros = plausible.then(|| u64::from_str_radix(digits, 16).ok())??;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_micros(micros))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_an_archive_stands_in_its_name_and_written_journals_have_none() {
        let at = |micros| Some(SystemTime::UNIX_EPOCH + Duration::from_micros(micros));
        let name = "system@5a0b1c2d3e4f5a6b7c8d9e0f1a2b3c4d-0000000000000001-00064a1b2c3d4e5f.journal";
        assert_eq!(named_time(name), at(0x0006_4a1b_2c3d_4e5f));
        assert_eq!(
            named_time("user-1000@00064a1b2c3d4e5f-0123456789abcdef.journal~"),
            at(0x0006_4a1b_2c3d_4e5f)
        );
        for name in ["system.journal", "user-1000.journal", "system@x-y-zz.journal", "fss", "a@.journal"] {
            assert_eq!(named_time(name), None, "{name}");
        }
    }

    #[test]
    fn only_this_machines_archives_of_the_asked_age_count() {
        let root = tempfile::tempdir().unwrap();
        let id = "0123456789abcdef0123456789abcdef";
        let own = root.path().join("var/log/journal").join(id);
        let other = root.path().join("var/log/journal/ffffffffffffffffffffffffffffffff");
        fs::create_dir_all(root.path().join("etc")).unwrap();
        fs::write(root.path().join("etc/machine-id"), format!("{id}\n")).unwrap();
        let name = "system@5a0b1c2d3e4f5a6b7c8d9e0f1a2b3c4d-0000000000000001-00064a1b2c3d4e5f.journal";
        for directory in [&own, &other] {
            fs::create_dir_all(directory).unwrap();
            fs::write(directory.join(name), vec![1; 5000]).unwrap();
            fs::write(directory.join("system.journal"), "written").unwrap();
        }
        let archives = Archives::look(root.path());
        assert_eq!(archives.0.keys().collect::<Vec<_>>(), [&own.join(name)]);
        let began = named_time(name).unwrap();
        assert!(archives.older_than(Duration::from_secs(10), began + Duration::from_secs(9)).is_empty());
        let old = archives.older_than(Duration::from_secs(10), began + Duration::from_secs(11));
        assert_eq!(old.0.len(), 1);
        fs::remove_file(own.join(name)).unwrap();
        assert_eq!(old.without(&Archives::look(root.path())).0.len(), 1);
    }
}
