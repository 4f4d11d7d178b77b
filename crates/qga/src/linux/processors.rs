//! Processors: which are online, and how they spent their time.

use super::{Tree, failed, needed, numbered, word};
use crate::error::Error;
use crate::reply::{CpuStats, LinuxCpu, Vcpu};

const DIRECTORY: &str = "sys/devices/system/cpu";

/// Each processor. One without the file `online` is, and stays so.
pub fn vcpus(tree: &dyn Tree) -> Result<Vec<Vcpu>, Error> {
    let numbers = numbered(tree, DIRECTORY, "cpu").map_err(|error| failed(DIRECTORY, &error))?;
    let vcpu = |number: &u32| {
        let online = word(tree, &format!("{DIRECTORY}/cpu{number}/online"));
        let (can_offline, online) = (Some(online.is_some()), online.is_none_or(|word| word == "1"));
        Vcpu { logical_id: i64::from(*number), online, can_offline }
    };
    Ok(numbers.iter().map(vcpu).collect())
}

/// Time of each processor since it was started.
pub fn stats(tree: &dyn Tree, ticks_per_second: u64) -> Result<Vec<CpuStats>, Error> {
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
