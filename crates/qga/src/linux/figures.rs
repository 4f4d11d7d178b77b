//! Processors: which are online, and how they spent their time; memory blocks; what each disk read and wrote.

use super::{Tree, failed, needed, numbered, word};
use crate::error::Error;
use crate::reply::{CpuStats, DiskCounters, DiskStats, LinuxCpu, MemoryBlock, MemoryBlockInfo, Vcpu};
use std::io;

const CPU_DIRECTORY: &str = "sys/devices/system/cpu";

/// Each processor. One without the file `online` is, and stays so.
pub fn vcpus(tree: &dyn Tree) -> Result<Vec<Vcpu>, Error> {
    let numbers = numbered(tree, CPU_DIRECTORY, "cpu").map_err(|error| failed(CPU_DIRECTORY, &error))?;
    let vcpu = |number: &u32| {
        let online = word(tree, &format!("{CPU_DIRECTORY}/cpu{number}/online"));
        let (can_offline, online) = (Some(online.is_some()), online.is_none_or(|word| word == "1"));
        Vcpu { logical_id: i64::from(*number), online, can_offline }
    };
    Ok(numbers.iter().map(vcpu).collect())
}

/// Time of each processor since it was started.
pub fn cpu_stats(tree: &dyn Tree, ticks_per_second: u64) -> Result<Vec<CpuStats>, Error> {
    let text = needed(tree, "proc/stat")?;
    let cpus = text.lines().filter_map(|line| cpu(line, ticks_per_second.max(1)));
    Ok(cpus.map(CpuStats::Linux).collect())
}

/// A line of one processor; that of all together has no number. Older kernels have fewer columns.
fn cpu(line: &str, ticks_per_second: u64) -> Option<LinuxCpu> {
    let mut words = line.strip_prefix("cpu")?.split(' ');
    let cpu = words.next()?.parse().ok()?;
    let milliseconds =
        |ticks: u64| u64::try_from(u128::from(ticks) * 1000 / u128::from(ticks_per_second)).ok();
    let mut next = || words.next()?.trim().parse().ok().and_then(milliseconds);
    Some(LinuxCpu {
        cpu,
        user: next()?,
        nice: next()?,
        system: next()?,
        idle: next()?,
        iowait: next(),
        irq: next(),
        softirq: next(),
        steal: next(),
        guest: next(),
        guestnice: next(),
    })
}

const MEMORY_DIRECTORY: &str = "sys/devices/system/memory";

/// Each block; none where the kernel cannot take memory offline.
pub fn blocks(tree: &dyn Tree) -> Result<Vec<MemoryBlock>, Error> {
    let numbers = match numbered(tree, MEMORY_DIRECTORY, "memory") {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(|error| failed(MEMORY_DIRECTORY, &error))?,
    };
    let block = |number: &u32| {
        let tells = |file: &str, wanted: &str| {
            word(tree, &format!("{MEMORY_DIRECTORY}/memory{number}/{file}"))
                .is_some_and(|word| word == wanted)
        };
        let can_offline = Some(tells("removable", "1"));
        MemoryBlock { phys_index: u64::from(*number), online: tells("state", "online"), can_offline }
    };
    Ok(numbers.iter().map(block).collect())
}

/// The size of each, which the kernel tells in hexadecimal.
pub fn block_info(tree: &dyn Tree) -> Result<MemoryBlockInfo, Error> {
    let path = format!("{MEMORY_DIRECTORY}/block_size_bytes");
    let text = needed(tree, &path)?;
    let size = u64::from_str_radix(text.trim().trim_start_matches("0x"), 16);
    size.map(|size| MemoryBlockInfo { size })
        .map_err(|_| Error::generic(format!("failed to read '/{path}': it has no size")))
}

/// Columns of a line with discards, and with flushes too. Between them no kernel has any.
const WITH_DISCARDS: usize = 18;
const WITH_FLUSHES: usize = 20;
/// Columns before the counters.
const NAMES: usize = 3;

/// Each line of `/proc/diskstats`.
pub fn disk_stats(tree: &dyn Tree) -> Result<Vec<DiskStats>, Error> {
    Ok(needed(tree, "proc/diskstats")?.lines().filter_map(disk).collect())
}

fn disk(line: &str) -> Option<DiskStats> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let number = |at: usize| words.get(at)?.parse::<u64>().ok();
    let name = (*words.get(2)?).to_owned();
    Some(DiskStats { major: number(0)?, minor: number(1)?, name, stats: disk_counters(number, words.len()) })
}

fn disk_counters(number: impl Fn(usize) -> Option<u64>, columns: usize) -> DiskCounters {
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
