//! Which files of a log directory are logs that were set aside, and which only look so.
//!
//! A number at the end of a name is no proof: binary logs of databases, archives of performance data and records of
//! accounting are named so too. A file is taken for a rotation only beside its base or by logrotate's own word; everything
//! else that looks like one is left and counted.

mod logrotate;
#[cfg(test)]
mod tests;

pub(super) use logrotate::Logrotate;

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
pub(super) fn keeps_its_own(name: &[u8]) -> bool {
    KEEPS_ITS_OWN.iter().any(|kept| kept.eq_ignore_ascii_case(name))
}

/// What is to become of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// A log that was set aside.
    Rotated,
    /// It looks like one, and stays.
    Left(Left),
    /// It does not look like one.
    NoRotation,
}

/// The names of a directory.
#[derive(Debug, Default)]
pub(super) struct LogDirectory {
    files: HashSet<Vec<u8>>,
    /// By base: which numbers there are, and whether compressed.
    numbered: HashMap<Vec<u8>, Vec<(u16, bool)>>,
    marked: bool,
    cut: bool,
}

impl LogDirectory {
    /// More files than this, and nothing is judged there.
    pub(super) const MAX_FILES: usize = 100_000;

    /// Takes a file's name in.
    pub(super) fn add(&mut self, name: &[u8]) {
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
    pub(super) fn is_marked(&self) -> bool {
        self.marked
    }

    /// Judges one of its files; `at` is the directory's path.
    pub(super) fn judge(&self, at: &Path, name: &[u8], logrotate: &Logrotate) -> Verdict {
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

const COMPRESSED: &[&[u8]] = &[b".gz", b".xz", b".bz2", b".zst", b".lz4", b".Z"];
/// Longest number that logrotate(8) gives without `dateext`: it keeps hundreds at most.
const MAX_NUMBER_DIGITS: usize = 3;
/// From so many digits at its end on, a name is itself a date, a sequence number or an identifier.
const MIN_SERIAL_DIGITS: usize = 4;
/// Of a day, as `dateext` writes it.
const DAY_DIGITS: usize = 8;
/// `192.0.2.7`, with or without something before it.
const PARTS_OF_AN_ADDRESS: usize = 4;

/// A name that looks like a rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form<'a> {
    /// `syslog.1`, `syslog.2.gz`.
    Numbered { base: &'a [u8], number: u16, compressed: bool },
    /// `Xorg.0.log.old`.
    Old { base: &'a [u8] },
    /// Only logrotate can say: `dnf.log-20261123`, `x.gz`, and numbers that it does not give as a rule.
    Odd,
    /// No rotation at all.
    Plain,
}

/// Without the ending of a compressed file, and whether it had one.
fn uncompressed(name: &[u8]) -> (&[u8], bool) {
    let plain = COMPRESSED.iter().find_map(|ending| name.strip_suffix(*ending));
    plain.filter(|plain| !plain.is_empty()).map_or((name, false), |plain| (plain, true))
}

fn form(name: &[u8]) -> Form<'_> {
    let (plain, compressed) = uncompressed(name);
    if let Some(base) = plain.strip_suffix(b".old").filter(|base| !base.is_empty()) {
        return if is_serial(base) { Form::Odd } else { Form::Old { base } };
    }
    let Some((head, digits)) = ending_number(plain) else {
        return if compressed { Form::Odd } else { Form::Plain };
    };
    match (head.split_last(), number(digits)) {
        (Some((b'.', base)), Some(number)) if is_log_name(base) => {
            Form::Numbered { base, number, compressed }
        }
        (Some((b'.', base)), _) if !base.is_empty() => Form::Odd,
        (Some((b'-', base)), _) if !base.is_empty() && digits.len() >= DAY_DIGITS => Form::Odd,
        _ if compressed => Form::Odd,
        _ => Form::Plain,
    }
}

/// What stands before the digits at the end, and these.
fn ending_number(name: &[u8]) -> Option<(&[u8], &[u8])> {
    let digits = name.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    (digits > 0).then(|| name.split_at(name.len() - digits))
}

/// A number that logrotate gives: from 1, without zeros in front, of three digits at most.
fn number(digits: &[u8]) -> Option<u16> {
    let plausible = digits.len() <= MAX_NUMBER_DIGITS && digits.first() != Some(&b'0');
    plausible.then(|| std::str::from_utf8(digits).ok()?.parse().ok())?
}

/// Whether a rotation of this may exist: no date, no serial number, no address or version.
fn is_log_name(base: &[u8]) -> bool {
    !base.is_empty() && !is_serial(base) && parts_of_numbers(base) + 1 < PARTS_OF_AN_ADDRESS
}

fn is_serial(base: &[u8]) -> bool {
    let digits = ending_number(base).map_or(0, |(_, digits)| digits.len());
    digits == base.len() || digits >= MIN_SERIAL_DIGITS
}

/// `3` for `net-192.0.2`.
fn parts_of_numbers(base: &[u8]) -> usize {
    let mut parts = base.rsplit(|byte| *byte == b'.');
    let whole = parts.by_ref().take_while(|part| is_number(part)).count();
    // The first part may have a word before its digits: `net-192`.
    let first = base.rsplit(|byte| *byte == b'.').nth(whole).and_then(ending_number);
    whole + usize::from(whole > 0 && first.is_some())
}

fn is_number(part: &[u8]) -> bool {
    !part.is_empty() && part.iter().all(u8::is_ascii_digit)
}
