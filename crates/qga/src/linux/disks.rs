//! What each disk read and wrote.

use super::{Tree, needed};
use crate::error::Error;
use crate::reply::{DiskCounters, DiskStats};

/// Columns of a line with discards, and with flushes too. Between them no kernel has any.
const WITH_DISCARDS: usize = 18;
const WITH_FLUSHES: usize = 20;
/// Columns before the counters.
const NAMES: usize = 3;

/// Each line of `/proc/diskstats`.
pub fn stats(tree: &dyn Tree) -> Result<Vec<DiskStats>, Error> {
    Ok(needed(tree, "proc/diskstats")?.lines().filter_map(disk).collect())
}

fn disk(line: &str) -> Option<DiskStats> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let number = |at: usize| words.get(at)?.parse::<u64>().ok();
    let name = (*words.get(2)?).to_owned();
    Some(DiskStats { major: number(0)?, minor: number(1)?, name, stats: counters(number, words.len()) })
}

fn counters(number: impl Fn(usize) -> Option<u64>, columns: usize) -> DiskCounters {
    let at = |at: usize| number(NAMES + at);
    let discard = |counter: usize| at(counter).filter(|_| columns >= WITH_DISCARDS);
    let flush = |counter: usize| at(counter).filter(|_| columns >= WITH_FLUSHES);
    DiskCounters {
        read_ios: at(0),
        read_merges: at(1),
        read_sectors: at(2),
        read_ticks: at(3),
        write_ios: at(4),
        write_merges: at(5),
        write_sectors: at(6),
        write_ticks: at(7),
        ios_pgr: at(8),
        total_ticks: at(9),
        weight_ticks: at(10),
        discard_ios: discard(11),
        discard_merges: discard(12),
        discard_sectors: discard(13),
        discard_ticks: discard(14),
        flush_ios: flush(15),
        flush_ticks: flush(16),
    }
}
