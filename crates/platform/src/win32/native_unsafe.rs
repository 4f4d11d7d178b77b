//! Processors, memory, clock and names of the machine, each by one call.
#![allow(unsafe_code)]

use super::wide::narrow;
use std::io;
use windows::Wdk::System::SystemInformation::{NtQuerySystemInformation, SYSTEM_INFORMATION_CLASS};
use windows::Win32::Foundation::STATUS_INFO_LENGTH_MISMATCH;
use windows::Win32::System::ProcessStatus::{K32GetPerformanceInfo, PERFORMANCE_INFORMATION};
use windows::Win32::System::SystemInformation::{
    ComputerNameDnsHostname, GetComputerNameExW, GetTickCount64, GlobalMemoryStatusEx, MEMORYSTATUSEX,
};
use windows::Win32::System::Threading::{ALL_PROCESSOR_GROUPS, GetActiveProcessorCount};
use windows::core::PWSTR;

const PROCESSES: SYSTEM_INFORMATION_CLASS = SYSTEM_INFORMATION_CLASS(5);
const PROCESSORS: SYSTEM_INFORMATION_CLASS = SYSTEM_INFORMATION_CLASS(8);
/// Answers larger than this are not believed.
const MAX_BYTES: usize = 256 << 20;
/// A buffer that keeps its size from one question to the next.
#[derive(Debug, Default)]
pub struct Buffer(Vec<u64>);

impl Buffer {
    /// Asks until the answer fits.
    fn ask(&mut self, class: SYSTEM_INFORMATION_CLASS) -> io::Result<&[u8]> {
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
                return Err(io::Error::other(format!("NTSTATUS 0x{:08X}", status.0)));
            }
            self.0.resize(wanted / 8, 0);
        }
    }

    /// `SYSTEM_PROCESS_INFORMATION` of every process. Names in it are pointers into these very bytes.
    pub fn processes(&mut self) -> io::Result<&[u8]> {
        self.ask(PROCESSES)
    }

    /// `SYSTEM_PROCESSOR_PERFORMANCE_INFORMATION` of every processor.
    pub fn processors(&mut self) -> io::Result<&[u8]> {
        self.ask(PROCESSORS)
    }
}

/// Processors that run, of all groups.
pub fn processor_count() -> u32 {
    // SAFETY: the call has no conditions.
    unsafe { GetActiveProcessorCount(ALL_PROCESSOR_GROUPS) }
}

/// Milliseconds since boot.
pub fn uptime_ms() -> u64 {
    // SAFETY: the call has no conditions.
    unsafe { GetTickCount64() }
}

/// The machine's memory, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Of the machine.
    pub total: u64,
    /// Of it what is free at once.
    pub available: u64,
    /// What may be committed: memory and page file together.
    pub page_file_total: u64,
    /// Of it what may still be committed.
    pub page_file_available: u64,
}

/// As it is now.
pub fn memory() -> io::Result<Memory> {
    let mut status =
        MEMORYSTATUSEX { dwLength: size_of::<MEMORYSTATUSEX>() as u32, ..MEMORYSTATUSEX::default() };
    // SAFETY: the record says its own size.
    unsafe { GlobalMemoryStatusEx(&raw mut status) }?;
    Ok(Memory {
        total: status.ullTotalPhys,
        available: status.ullAvailPhys,
        page_file_total: status.ullTotalPageFile,
        page_file_available: status.ullAvailPageFile,
    })
}

/// Bytes of the file cache, the standby pages of files included.
pub fn file_cache() -> io::Result<u64> {
    let bytes = size_of::<PERFORMANCE_INFORMATION>() as u32;
    let mut told = PERFORMANCE_INFORMATION { cb: bytes, ..PERFORMANCE_INFORMATION::default() };
    // SAFETY: the record is as long as it is said to be.
    unsafe { K32GetPerformanceInfo(&raw mut told, bytes) }.ok()?;
    Ok((told.SystemCache as u64).saturating_mul(told.PageSize as u64))
}

/// The name of the machine in DNS, without its domain.
pub fn hostname() -> io::Result<String> {
    let mut buffer = [0u16; 256];
    let mut length = buffer.len() as u32;
    // SAFETY: the buffer is as long as it is said to be.
    unsafe {
        GetComputerNameExW(ComputerNameDnsHostname, Some(PWSTR(buffer.as_mut_ptr())), &raw mut length)
    }?;
    Ok(narrow(&buffer))
}
