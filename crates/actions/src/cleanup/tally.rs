//! What a target came to: counts, bytes, what was left in doubt, and a bounded list of what failed.

use infiniservice_platform::sanitize::blanked;
use infiniservice_protocol::data::{CleanedTarget, LeftFiles};
use std::collections::{BTreeMap, HashMap};

/// As the contract has it.
const MAX_ERRORS: usize = 20;
/// A name chosen by anybody must not fill the answer.
const MAX_ERROR_CHARS: usize = 300;
/// Files with several names that are followed; space of further ones is not counted.
const MAX_LINKED: usize = 65_536;

/// An inode: device and number.
pub(super) type Inode = (u64, u64);

/// Why something that looked as if it might go was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(dead_code, reason = "some are of one platform only")]
pub(super) enum Left {
    /// It is named like a rotated log, and nothing shows that it is one.
    NoBase,
    /// In its directory lies an index or a database.
    Indexed,
    /// A directory whose owner keeps it by rules of its own.
    OwnRules,
    /// Its directory has too many files.
    TooMany,
    /// Somebody has it open or locked.
    InUse,
    /// It was replaced or used between the look and the removal.
    Changed,
}

impl Left {
    const fn reason(self) -> &'static str {
        match self {
            Self::NoBase => "no_base",
            Self::Indexed => "indexed",
            Self::OwnRules => "own_rules",
            Self::TooMany => "too_many",
            Self::InUse => "in_use",
            Self::Changed => "changed",
        }
    }
}

/// Figures of one target.
#[derive(Debug, Default)]
pub(super) struct Tally {
    files: u64,
    bytes: u64,
    errors: Vec<String>,
    failures: u64,
    /// How many for each reason, and the first of them.
    left: BTreeMap<Left, (u64, String)>,
    /// Of files with several names: how many they had at first, and how many of these went.
    linked: HashMap<Inode, (u64, u64)>,
}

impl Tally {
    /// A file or link is gone, or would be. Its space is free only once its last name has gone.
    pub(super) fn removed(&mut self, inode: Inode, links: u64, bytes: u64) {
        self.files += 1;
        if links <= 1 && !self.linked.contains_key(&inode) || self.was_last_name(inode, links) {
            self.bytes += bytes;
        }
    }

    /// Counted against the names that it had when first seen, so that a dry run, after which all are still there, agrees.
    fn was_last_name(&mut self, inode: Inode, links: u64) -> bool {
        if self.linked.len() >= MAX_LINKED && !self.linked.contains_key(&inode) {
            return false;
        }
        let (all, gone) = self.linked.entry(inode).or_insert((links, 0));
        *gone += 1;
        gone == all
    }

    /// Something could not be removed.
    pub(super) fn failed(&mut self, what: &str) {
        self.failures += 1;
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(blanked(what).chars().take(MAX_ERROR_CHARS).collect());
        }
    }

    /// Something was left as it is; `what` it was.
    pub(super) fn left(&mut self, why: Left, what: &str) {
        let short = || blanked(what).chars().take(MAX_ERROR_CHARS).collect();
        self.left.entry(why).or_insert_with(|| (0, short())).0 += 1;
    }

    /// Adds files that something else removed.
    #[allow(dead_code, reason = "of Linux, where journalctl removes its own")]
    pub(super) fn add(&mut self, files: u64, bytes: u64) {
        self.files += files;
        self.bytes += bytes;
    }

    /// For the answer; the last error counts those that have no place.
    pub(super) fn finish(mut self, name: &str) -> CleanedTarget {
        if self.failures > MAX_ERRORS as u64 {
            self.errors.truncate(MAX_ERRORS - 1);
            let rest = self.failures - self.errors.len() as u64;
            self.errors.push(format!("and {rest} more"));
        }
        let space_cleared_mb = self.bytes as f64 / 1e6;
        let told = |(why, (count, example)): (Left, (u64, String))| LeftFiles {
            reason: why.reason().into(),
            count,
            example,
        };
        let left = self.left.into_iter().map(told).collect();
        CleanedTarget {
            name: name.into(),
            files_deleted: self.files,
            space_cleared_mb,
            errors: self.errors,
            left,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn space_of_a_file_with_several_names_counts_once_the_last_is_gone_in_truth_and_in_a_dry_run() {
        for links in [[3, 3, 3], [3, 2, 1]] {
            let mut tally = Tally::default();
            let mut bytes = vec![];
            for count in links {
                tally.removed((1, 7), count, 1000);
                bytes.push(tally.bytes);
            }
            assert_eq!((tally.files, bytes), (3, vec![0, 0, 1000]), "{links:?}");
        }
    }

    #[test]
    fn a_file_that_has_a_name_elsewhere_frees_nothing() {
        let mut tally = Tally::default();
        tally.removed((1, 7), 2, 1000);
        tally.removed((1, 8), 1, 10);
        assert_eq!(tally.bytes, 10);
    }

    #[test]
    fn errors_are_bounded_in_number_and_length_and_the_last_counts_the_rest() {
        let mut tally = Tally::default();
        for _ in 0..100 {
            tally.failed(&"x".repeat(10_000));
        }
        let target = tally.finish("temp");
        assert_eq!((target.errors.len(), target.errors[0].len()), (20, 300));
        assert_eq!(target.errors[19], "and 81 more");
        let mut few = Tally::default();
        (0..20).for_each(|_| few.failed("y"));
        assert_eq!(few.finish("temp").errors, vec!["y"; 20]);
    }
}
