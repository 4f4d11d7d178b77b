//! Processes, processors, memory, clock and network interfaces of the machine, out of what Windows' native calls give; and how
//! busy the processors are, for whoever asks outside of a collection.

use crate::cpu::{Sample, Times};
use crate::error::CollectError;
use crate::network::route::{Address, Counters, Link};
use crate::numbers::counter;
use crate::process::windows::{Listed, parse};
pub use infiniservice_platform::win32::interfaces_unsafe::default_route;
use infiniservice_platform::win32::interfaces_unsafe::{self, Interface};
use infiniservice_platform::win32::native_unsafe;
pub use infiniservice_platform::win32::native_unsafe::{Buffer, uptime_ms};
use infiniservice_protocol::metrics::Memory;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Bytes of `SYSTEM_PROCESSOR_PERFORMANCE_INFORMATION`.
const PROCESSOR_BYTES: usize = 48;
/// From 1601 to 1970, in units of 100 ns.
const EPOCH: u64 = 116_444_736_000_000_000;
/// What gives both lists.
const QUERY: &str = "NtQuerySystemInformation";

/// Every process but the idle one.
pub fn processes(buffer: &mut Buffer, boot: u64) -> Result<Vec<Listed>, CollectError> {
    let bytes = buffer.processes().map_err(|error| CollectError::io(QUERY, error))?;
    Ok(parse(bytes, bytes.as_ptr() as u64, boot))
}

/// Processor time in units of 100 ns; that of the kernel holds the idle time, and that of interrupts and their deferred calls.
pub fn cpu(buffer: &mut Buffer) -> Result<Sample, CollectError> {
    let bytes = buffer.processors().map_err(|error| CollectError::io(QUERY, error))?;
    let mut sample = Sample { boot_time: boot() / 10_000_000 - EPOCH / 10_000_000, ..Sample::default() };
    for (number, row) in bytes.chunks_exact(PROCESSOR_BYTES).enumerate() {
        let time = |at: usize| {
            let bytes = row.get(at..at + 8).and_then(|bytes| bytes.try_into().ok());
            bytes.map(u64::from_le_bytes).unwrap_or_default()
        };
        let times = Times::of_windows([time(0), time(8), time(16), time(24), time(32)]);
        sample.all.add(times);
        sample.cores.push((number as u32, times));
    }
    Ok(sample)
}

/// When the machine booted, in units of 100 ns since 1601.
pub fn boot() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let since = now.saturating_sub(Duration::from_millis(uptime_ms()));
    EPOCH + u64::try_from(since.as_nanos() / 100).unwrap_or_default()
}

/// Memory, and of the page file what commits beyond the memory.
pub fn memory() -> Result<Memory, CollectError> {
    let now = native_unsafe::memory().map_err(|error| CollectError::io("GlobalMemoryStatusEx", error))?;
    let kb = |bytes: u64| counter(bytes / 1024);
    let (total, available) = (now.total, now.available.min(now.total));
    let committed = now.page_file_total.saturating_sub(now.page_file_available);
    let swap_total = now.page_file_total.saturating_sub(total);
    let cached = native_unsafe::file_cache().ok();
    Ok(Memory {
        total_kb: kb(total),
        used_kb: kb(total - available),
        available_kb: kb(available),
        cached_kb: cached.map(|bytes| kb(bytes.min(total))),
        swap_total_kb: kb(swap_total),
        swap_used_kb: kb(committed.saturating_sub(total - available).min(swap_total)),
        ..Memory::default()
    })
}

/// The name of the machine in DNS, without its domain.
pub fn hostname() -> Result<String, CollectError> {
    native_unsafe::hostname().map_err(|error| CollectError::io("GetComputerNameEx", error))
}

/// Keeps the last sample.
#[derive(Debug, Default)]
pub struct CpuMeter {
    buffer: Buffer,
    before: Option<Sample>,
}

impl CpuMeter {
    /// Percent since the last sample; 0 at first.
    pub fn sample(&mut self) -> Result<f64, CollectError> {
        let now = cpu(&mut self.buffer)?;
        let used = self.before.as_ref().map_or(0.0, |before| now.usage_since(before).all);
        self.before = Some(now);
        Ok(used)
    }
}

/// `IF_TYPE_SOFTWARE_LOOPBACK` and `IF_TYPE_TUNNEL` (`ipifcons.h`).
const LOOPBACK: u32 = 24;
const TUNNEL: u32 = 131;

/// An interface with its speed in bits a second, 0 where it has none.
pub type Row = (Link, u64);

/// All but the layers of drivers.
pub fn links() -> Result<Vec<Row>, CollectError> {
    let all = interfaces_unsafe::interfaces().map_err(|error| CollectError::io("GetIfTable2", error))?;
    Ok(all.into_iter().map(link).collect())
}

fn link(from: Interface) -> Row {
    let link = Link {
        index: from.index,
        name: from.alias.into_bytes(),
        address: from.address,
        mtu: from.mtu,
        is_up: from.is_up,
        is_loopback: from.kind == LOOPBACK,
        kind: if from.kind == TUNNEL { b"tun".to_vec() } else { Vec::new() },
        counters: Counters {
            packets: from.packets,
            bytes: from.bytes,
            errors: from.errors,
            drops: from.drops,
        },
    };
    (link, from.speed)
}

/// Interfaces that people know, and addresses in use: what has neither hardware nor an address is a part of the system.
pub fn links_and_addresses() -> Result<(Vec<Link>, Vec<Address>), CollectError> {
    let all = interfaces_unsafe::interfaces().map_err(|error| CollectError::io("GetIfTable2", error))?;
    let addresses = addresses()?;
    let is_known =
        |one: &Interface| one.is_hardware || addresses.iter().any(|address| address.link == one.index);
    Ok((all.into_iter().filter(is_known).map(|one| link(one).0).collect(), addresses))
}

/// Addresses that are in use.
pub fn addresses() -> Result<Vec<Address>, CollectError> {
    let all =
        interfaces_unsafe::addresses().map_err(|error| CollectError::io("GetAdaptersAddresses", error))?;
    let address = |one: interfaces_unsafe::Address| Address {
        link: one.link,
        ip: one.ip,
        prefix: one.prefix,
        is_deprecated: one.is_deprecated,
    };
    Ok(all.into_iter().map(address).collect())
}
