//! Processors, memory, clock and names of the machine, each by one call.
#![allow(unsafe_code)]

use crate::cpu::{Sample, Times};
use crate::error::CollectError;
use crate::numbers::counter;
use crate::process::windows::{Listed, parse};
use infiniservice_protocol::metrics::Memory;
use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use windows::Wdk::System::SystemInformation::{NtQuerySystemInformation, SYSTEM_INFORMATION_CLASS};
use windows::Win32::Foundation::{NTSTATUS, STATUS_INFO_LENGTH_MISMATCH};
use windows::Win32::System::SystemInformation::{
    ComputerNameDnsHostname, GetComputerNameExW, GetTickCount64, GlobalMemoryStatusEx, MEMORYSTATUSEX,
};
use windows::core::PWSTR;

const PROCESSES: SYSTEM_INFORMATION_CLASS = SYSTEM_INFORMATION_CLASS(5);
const PROCESSORS: SYSTEM_INFORMATION_CLASS = SYSTEM_INFORMATION_CLASS(8);
/// Bytes of `SYSTEM_PROCESSOR_PERFORMANCE_INFORMATION`.
const PROCESSOR_BYTES: usize = 48;
/// Answers larger than this are not believed.
const MAX_BYTES: usize = 256 << 20;
/// From 1601 to 1970, in units of 100 ns.
const EPOCH: u64 = 116_444_736_000_000_000;

/// A buffer that keeps its size from one question to the next.
#[derive(Debug, Default)]
pub struct Buffer(Vec<u64>);

impl Buffer {
    /// Asks until the answer fits.
    fn ask(&mut self, class: SYSTEM_INFORMATION_CLASS) -> Result<&[u8], CollectError> {
        if self.0.is_empty() {
            self.0.resize(8 << 10, 0);
        }
        loop {
            let (bytes, mut needed) = (self.0.len() * 8, 0u32);
            // SAFETY: the buffer is as long as it is said to be.
            let status = unsafe {
                NtQuerySystemInformation(class, self.0.as_mut_ptr().cast(), bytes as u32, &raw mut needed)
            };
            if status.is_ok() {
                // SAFETY: the buffer has this many bytes, and any bytes are valid as bytes.
                let all = unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast::<u8>(), bytes) };
                return Ok(all.get(..needed as usize).unwrap_or(all));
            }
            let wanted = bytes.max(needed as usize).saturating_mul(2);
            if status != STATUS_INFO_LENGTH_MISMATCH || wanted > MAX_BYTES {
                return Err(failed("NtQuerySystemInformation", status));
            }
            self.0.resize(wanted / 8, 0);
        }
    }

    /// Every process but the idle one.
    pub fn processes(&mut self, boot: u64) -> Result<Vec<Listed>, CollectError> {
        let bytes = self.ask(PROCESSES)?;
        Ok(parse(bytes, bytes.as_ptr() as u64, boot))
    }

    /// Processor time in units of 100 ns; those of kernel hold the idle ones.
    pub fn cpu(&mut self) -> Result<Sample, CollectError> {
        let mut sample = Sample { boot_time: boot() / 10_000_000 - EPOCH / 10_000_000, ..Sample::default() };
        for (number, row) in self.ask(PROCESSORS)?.chunks_exact(PROCESSOR_BYTES).enumerate() {
            let time = |at: usize| {
                let bytes = row.get(at..at + 8).and_then(|bytes| bytes.try_into().ok());
                bytes.map(u64::from_le_bytes).unwrap_or_default()
            };
            let (idle, total) = (time(0), time(8).saturating_add(time(16)));
            let times = Times::of(total.saturating_sub(idle), idle);
            sample.all.add(times);
            sample.cores.push((number as u32, times));
        }
        Ok(sample)
    }
}

/// When the machine booted, in units of 100 ns since 1601.
pub fn boot() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let since = now.saturating_sub(Duration::from_millis(uptime_ms()));
    EPOCH + u64::try_from(since.as_nanos() / 100).unwrap_or_default()
}

/// Milliseconds since boot.
pub fn uptime_ms() -> u64 {
    // SAFETY: the call has no conditions.
    unsafe { GetTickCount64() }
}

/// Memory, and of the page file what commits beyond the memory.
pub fn memory() -> Result<Memory, CollectError> {
    let mut status =
        MEMORYSTATUSEX { dwLength: size_of::<MEMORYSTATUSEX>() as u32, ..MEMORYSTATUSEX::default() };
    // SAFETY: the record says its own size.
    unsafe { GlobalMemoryStatusEx(&raw mut status) }
        .map_err(|error| CollectError::io("GlobalMemoryStatusEx", error))?;
    let kb = |bytes: u64| counter(bytes / 1024);
    let (total, available) = (status.ullTotalPhys, status.ullAvailPhys.min(status.ullTotalPhys));
    let committed = status.ullTotalPageFile.saturating_sub(status.ullAvailPageFile);
    let swap_total = status.ullTotalPageFile.saturating_sub(total);
    Ok(Memory {
        total_kb: kb(total),
        used_kb: kb(total - available),
        available_kb: kb(available),
        swap_total_kb: kb(swap_total),
        swap_used_kb: kb(committed.saturating_sub(total - available).min(swap_total)),
    })
}

/// The name of the machine in DNS, without its domain.
pub fn hostname() -> Result<String, CollectError> {
    let mut buffer = [0u16; 256];
    let mut length = buffer.len() as u32;
    // SAFETY: the buffer is as long as it is said to be.
    unsafe { GetComputerNameExW(ComputerNameDnsHostname, Some(PWSTR(buffer.as_mut_ptr())), &raw mut length) }
        .map_err(|error| CollectError::io("GetComputerNameEx", error))?;
    Ok(infiniservice_platform::win32::wide::narrow(&buffer))
}

fn failed(call: &str, status: NTSTATUS) -> CollectError {
    CollectError::io(call, io::Error::other(format!("NTSTATUS 0x{:08X}", status.0)))
}
