//! The local time zone out of `/etc/localtime`, tzfile(5): its abbreviation and offset now.

use super::Tree;
use super::rule::Rule;
use crate::reply::Timezone;
use std::time::{SystemTime, UNIX_EPOCH};

/// A header, and what stands in it before the counts.
const HEADER_BYTES: usize = 44;
const COUNTS_AT: usize = 20;

/// The zone now. A guest without the file, or with one that cannot be read, keeps UTC.
pub fn local(tree: &dyn Tree, now: SystemTime) -> Timezone {
    let bytes = tree.read("etc/localtime").unwrap_or_default();
    let seconds = match now.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_secs()).map_or(i64::MIN, |seconds| -seconds),
    };
    at(&bytes, seconds).unwrap_or_else(|| Timezone { zone: Some("UTC".to_owned()), offset: 0 })
}

/// One part of the file: all of it in version 1, the second part, with wider times, in later ones.
struct Part<'a> {
    times: &'a [u8],
    indices: &'a [u8],
    types: &'a [u8],
    names: &'a [u8],
    time_bytes: usize,
}

fn at(bytes: &[u8], seconds: i64) -> Option<Timezone> {
    let (first, rest) = part(bytes, 4)?;
    let version = bytes.get(4)?;
    if *version == 0 {
        return first.at(seconds);
    }
    let (second, footer) = part(rest, 8)?;
    let rule = footer.strip_prefix(b"\n").and_then(|text| text.split(|byte| *byte == b'\n').next());
    let rule = rule.and_then(|text| Rule::parse(std::str::from_utf8(text).ok()?));
    match rule {
        Some(rule) if second.last().is_none_or(|last| seconds >= last) => Some(rule.at(seconds)),
        _ => second.at(seconds),
    }
}

/// A part and what stands behind it.
fn part(bytes: &[u8], time_bytes: usize) -> Option<(Part<'_>, &[u8])> {
    let header = bytes.get(..HEADER_BYTES).filter(|header| header.starts_with(b"TZif"))?;
    let mut counts =
        header.get(COUNTS_AT..)?.as_chunks::<4>().0.iter().map(|count| u32::from_be_bytes(*count));
    let mut count = || usize::try_from(counts.next()?).ok();
    let (utc, standard, leaps) = (count()?, count()?, count()?);
    let (times, types, names) = (count()?, count()?, count()?);
    let mut rest = bytes.get(HEADER_BYTES..)?;
    let mut take = |length: Option<usize>| {
        let (taken, left) = rest.split_at_checked(length?)?;
        rest = left;
        Some(taken)
    };
    let part = Part {
        times: take(times.checked_mul(time_bytes))?,
        indices: take(Some(times))?,
        types: take(types.checked_mul(6))?,
        names: take(Some(names))?,
        time_bytes,
    };
    take(leaps.checked_mul(time_bytes + 4))?;
    take(standard.checked_add(utc))?;
    Some((part, rest))
}

impl Part<'_> {
    fn moments(&self) -> impl DoubleEndedIterator<Item = i64> {
        self.times.chunks_exact(self.time_bytes).map(|bytes| {
            let negative = bytes.first().is_some_and(|byte| *byte >= 0x80);
            bytes.iter().fold(if negative { -1 } else { 0 }, |sum, byte| (sum << 8) | i64::from(*byte))
        })
    }

    fn last(&self) -> Option<i64> {
        self.moments().next_back()
    }

    /// The type that the last change before began; before all changes the first type.
    fn at(&self, seconds: i64) -> Option<Timezone> {
        let changes = self.moments().take_while(|moment| *moment <= seconds).count();
        let of_change = changes.checked_sub(1).and_then(|at| self.indices.get(at));
        let index = usize::from(of_change.copied().unwrap_or(0));
        let kind: &[u8; 6] = self.types.as_chunks().0.get(index)?;
        let [a, b, c, d, _, name] = *kind;
        let name = self.names.get(usize::from(name)..)?.split(|byte| *byte == 0).next()?;
        let zone = Some(String::from_utf8_lossy(name).into_owned()).filter(|zone| !zone.is_empty());
        Some(Timezone { zone, offset: i64::from(i32::from_be_bytes([a, b, c, d])) })
    }
}
