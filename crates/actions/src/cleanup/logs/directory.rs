//! One directory of logs: its names as they were before anything went.

use super::logrotate::Logrotate;
use super::name::{Form, form, uncompressed};
use crate::cleanup::tally::Left;
use std::collections::{HashMap, HashSet};
use std::path::Path;

/// Directories, at any depth, whose owners keep and remove what is in them by rules of their own: journals, audit trails,
/// accounting, performance data, and logs from which databases recover.
const KEEPS_ITS_OWN: &[&[u8]] = &[
    b"journal",
    b"audit",
    b"private",
    b"radacct",
    b"account",
    b"pcp",
    b"pmlogger",
    b"pmcd",
    b"sa",
    b"sysstat",
    b"atop",
    b"wal",
    b"pg_wal",
    b"pg_xlog",
    b"pg_xact",
    b"commitlog",
    b"commitlogs",
    b"commit_log",
    b"binlog",
    b"binlogs",
    b"relaylog",
    b"relay-log",
    b"redo",
    b"redolog",
    b"archivelog",
    b"oplog",
    b"translog",
    b"kafka-logs",
    b"version-2",
];
/// Files by which a directory of data is known: indexes of archives and segments, and what databases put beside their logs.
const MARKERS: &[&[u8]] = &[
    b"index",
    b"CURRENT",
    b"MANIFEST",
    b"PG_VERSION",
    b"WiredTiger",
    b"ibdata1",
    b"meta.properties",
    b"swap.state",
    b"DB_CONFIG",
    b"Latest",
];
const MARKED_BEGINNINGS: &[&[u8]] = &[b"MANIFEST-", b"CommitLog-", b"__db."];
const MARKED_ENDINGS: &[&[u8]] = &[
    b".index",
    b".idx",
    b".timeindex",
    b".txnindex",
    b".meta",
    b".ibd",
    b".frm",
    b".wt",
    b".tsm",
    b".checkpoint",
];
/// Logs of the kernel's audit, wherever they lie: auditd numbers them itself and answers for them.
const AUDIT: &[u8] = b"audit.log";

/// Whether a directory of this name is its owner's matter.
pub(in crate::cleanup) fn keeps_its_own(name: &[u8]) -> bool {
    KEEPS_ITS_OWN.iter().any(|kept| kept.eq_ignore_ascii_case(name))
}

/// What is to become of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cleanup) enum Verdict {
    /// A log that was set aside.
    Rotated,
    /// It looks like one, and stays.
    Left(Left),
    /// It does not look like one.
    NoRotation,
}

/// The names of a directory.
#[derive(Debug, Default)]
pub(in crate::cleanup) struct LogDirectory {
    files: HashSet<Vec<u8>>,
    /// By base: which numbers there are, and whether compressed.
    numbered: HashMap<Vec<u8>, Vec<(u16, bool)>>,
    marked: bool,
    cut: bool,
}

impl LogDirectory {
    /// More files than this, and nothing is judged there.
    pub const MAX_FILES: usize = 100_000;

    /// Takes a file's name in.
    pub fn add(&mut self, name: &[u8]) {
        if self.files.len() >= Self::MAX_FILES {
            self.cut = true;
            return;
        }
        self.marked |= is_marker(name);
        if let Form::Numbered { base, number, compressed } = form(name) {
            self.numbered.entry(base.to_vec()).or_default().push((number, compressed));
        }
        self.files.insert(name.to_vec());
    }

    /// Whether an index or a database's files lie there.
    pub fn is_marked(&self) -> bool {
        self.marked
    }

    /// Judges one of its files; `at` is the directory's path.
    pub fn judge(&self, at: &Path, name: &[u8], logrotate: &Logrotate) -> Verdict {
        let form = form(name);
        let dated = logrotate.dated(at, uncompressed(name).0);
        if form == Form::Plain && !dated {
            return Verdict::NoRotation;
        }
        if self.cut {
            return Verdict::Left(Left::TooMany);
        }
        if self.marked {
            return Verdict::Left(Left::Indexed);
        }
        let rotated = dated
            || match form {
                Form::Numbered { base, .. } => {
                    logrotate.rotates(at, base) || base != AUDIT && self.is_beside(base)
                }
                Form::Old { base } => self.files.contains(base),
                Form::Odd | Form::Plain => false,
            };
        if rotated { Verdict::Rotated } else { Verdict::Left(Left::NoBase) }
    }

    /// The log itself is there; or, where it was not made anew yet, a whole row of its rotations that ends compressed.
    fn is_beside(&self, base: &[u8]) -> bool {
        let row = || self.numbered.get(base).is_some_and(|all| is_row(all));
        self.files.contains(base) || row()
    }
}

/// logrotate's numbers begin with 1, and what it compressed is older than what it did not.
fn is_row(all: &[(u16, bool)]) -> bool {
    let plain = all.iter().filter(|(_, compressed)| !compressed).map(|(number, _)| *number).max();
    let first = all.iter().any(|(number, _)| *number == 1);
    let compressed = all.iter().filter(|(_, compressed)| *compressed).map(|(number, _)| *number);
    first && all.len() > 1 && compressed.min().is_some_and(|number| number > plain.unwrap_or(0))
}

fn is_marker(name: &[u8]) -> bool {
    let (plain, _) = uncompressed(name);
    MARKERS.contains(&plain)
        || MARKED_BEGINNINGS.iter().any(|beginning| plain.starts_with(beginning))
        || MARKED_ENDINGS.iter().any(|ending| plain.ends_with(ending))
}
