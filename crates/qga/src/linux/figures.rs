//! Processors: which are online, and how they spent their time; memory blocks; what each disk read and wrote.

use super::{Tree, failed, needed, numbered, word};
use crate::error::Error;
use crate::reply::{CpuStats, DiskCounters, DiskStats, LinuxCpu, MemoryBlock, MemoryBlockInfo, Vcpu};
use infiniservice_platform::linux::system::{Counters, DiskRow, StatRow, Ticks, diskstats, stat};
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
    let cpus = stat(text.as_bytes()).filter_map(|row| match row {
        Ok(StatRow::Processor(number, ticks)) => Some(cpu(number, &ticks, ticks_per_second.max(1))),
        _ => None,
    });
    Ok(cpus.map(CpuStats::Linux).collect())
}

/// Older kernels have fewer columns.
fn cpu(number: u32, ticks: &Ticks, ticks_per_second: u64) -> LinuxCpu {
    let milliseconds =
        |ticks: u64| u64::try_from(u128::from(ticks) * 1000 / u128::from(ticks_per_second)).ok();
    let at = |at: usize| ticks.get(at).and_then(milliseconds);
    LinuxCpu {
        cpu: number.into(),
        user: at(0).unwrap_or_default(),
        nice: at(1).unwrap_or_default(),
        system: at(2).unwrap_or_default(),
        idle: at(3).unwrap_or_default(),
        iowait: at(4),
        irq: at(5),
        softirq: at(6),
        steal: at(7),
        guest: at(8),
        guestnice: at(9),
    }
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

/// Counters of a line with discards, and with flushes too. Between them no kernel has any.
const WITH_DISCARDS: usize = 15;
const WITH_FLUSHES: usize = 17;

/// Each line of `/proc/diskstats`.
pub fn disk_stats(tree: &dyn Tree) -> Result<Vec<DiskStats>, Error> {
    let text = needed(tree, "proc/diskstats")?;
    Ok(diskstats(text.as_bytes()).filter_map(Result::ok).map(|row| disk(&row)).collect())
}

fn disk(row: &DiskRow<'_>) -> DiskStats {
    let (major, minor) = row.device;
    let name = String::from_utf8_lossy(row.name).into_owned();
    DiskStats { major, minor, name, stats: disk_counters(&row.counters) }
}

fn disk_counters(counters: &Counters<17>) -> DiskCounters {
    let at = |at: usize| counters.get(at);
    let discard = |counter: usize| at(counter).filter(|_| counters.count() >= WITH_DISCARDS);
    let flush = |counter: usize| at(counter).filter(|_| counters.count() >= WITH_FLUSHES);
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
