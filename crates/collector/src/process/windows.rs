//! The process list of `NtQuerySystemInformation(SystemProcessInformation)`, as bytes of a 64-bit Windows: one call tells all that is
//! kept of every process.

use super::{Name, Record};
use crate::numbers::count;

/// Bytes of a process's record before its threads, and of each thread.
const PROCESS_BYTES: usize = 256;
const THREAD_BYTES: usize = 80;
/// `KTHREAD_STATE`: ready, running, standby, waiting.
const READY: [u32; 3] = [1, 2, 3];
const WAITING: u32 = 5;
/// `KWAIT_REASON`: suspended.
const SUSPENDED: u32 = 5;

/// One process with what else the list tells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Listed {
    /// What is kept of it; `started` is in units of 100 ns since `boot`.
    pub record: Record,
    /// Bytes read and written, files, devices and pipes together.
    pub transferred: (u64, u64),
}

/// All processes but the idle one. `address` is where the bytes lay when Windows filled them, as names are pointers into them; `boot` is
/// in units of 100 ns since 1601.
pub fn parse(bytes: &[u8], address: u64, boot: u64) -> Vec<Listed> {
    let mut found = Vec::new();
    let mut at = 0usize;
    while let Some(rest) = bytes.get(at..).filter(|rest| rest.len() >= PROCESS_BYTES) {
        let entry = Entry { rest, bytes, address };
        if entry.pid() != 0 {
            found.push(entry.listed(boot));
        }
        match entry.u32(0) as usize {
            0 => break,
            next => at = at.saturating_add(next),
        }
    }
    found
}

struct Entry<'a> {
    rest: &'a [u8],
    bytes: &'a [u8],
    address: u64,
}

impl Entry<'_> {
    fn u32(&self, at: usize) -> u32 {
        self.rest.get(at..at + 4).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes).unwrap_or_default()
    }

    fn u64(&self, at: usize) -> u64 {
        self.rest.get(at..at + 8).and_then(|b| b.try_into().ok()).map(u64::from_le_bytes).unwrap_or_default()
    }

    fn pid(&self) -> u32 {
        count(self.u64(80))
    }

    fn listed(&self, boot: u64) -> Listed {
        let record = Record {
            pid: self.pid(),
            ppid: count(self.u64(88)),
            started: self.u64(32).saturating_sub(boot),
            cpu_ticks: self.u64(40).saturating_add(self.u64(48)),
            rss_pages: self.u64(144) / 1024,
            threads: count(self.u32(4).into()),
            cpu_percent: 0.0,
            state: self.state(),
            is_kernel: false,
            name: Name::new(self.name().as_bytes()),
        };
        Listed { record, transferred: (self.u64(232), self.u64(240)) }
    }

    fn name(&self) -> String {
        let length = (self.u32(56) & 0xFFFF) as usize;
        let offset = usize::try_from(self.u64(64).wrapping_sub(self.address)).unwrap_or(usize::MAX);
        let text = self.bytes.get(offset..).and_then(|rest| rest.get(..length)).unwrap_or_default();
        let units: Vec<u16> = text.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
        let name = String::from_utf16_lossy(&units);
        if name.is_empty() { format!("process {}", self.pid()) } else { name }
    }

    /// The letters of Linux: running where a thread is or could be, stopped where all are suspended.
    fn state(&self) -> u8 {
        let threads = self.rest.get(PROCESS_BYTES..).unwrap_or_default().chunks_exact(THREAD_BYTES);
        let states = || threads.clone().take(self.u32(4) as usize).map(thread_state);
        match () {
            () if states().any(|(state, _)| READY.contains(&state)) => b'R',
            () if states().next().is_some() && states().all(|s| s == (WAITING, SUSPENDED)) => b'T',
            () => b'S',
        }
    }
}

fn thread_state(thread: &[u8]) -> (u32, u32) {
    let number = |at: usize| {
        let bytes = thread.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
        bytes.map(u32::from_le_bytes).unwrap_or_default()
    };
    (number(68), number(72))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ADDRESS: u64 = 0x1_0000_0000;

    /// A record as Windows lays it out, with its name behind it.
    fn record(pid: u64, name: &str, thread: (u32, u32), offset: u64, last: bool) -> Vec<u8> {
        let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let mut bytes = vec![0u8; PROCESS_BYTES + THREAD_BYTES];
        let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
        let length = (PROCESS_BYTES + THREAD_BYTES + 64) as u32;
        put(0, &(if last { 0 } else { length }).to_le_bytes());
        put(4, &1u32.to_le_bytes());
        put(32, &5000u64.to_le_bytes());
        put(40, &30u64.to_le_bytes());
        put(48, &12u64.to_le_bytes());
        put(56, &(name.len() as u16).to_le_bytes());
        put(64, &(ADDRESS + offset + (PROCESS_BYTES + THREAD_BYTES) as u64).to_le_bytes());
        put(80, &pid.to_le_bytes());
        put(88, &4u64.to_le_bytes());
        put(144, &(3u64 << 20).to_le_bytes());
        put(232, &7u64.to_le_bytes());
        put(PROCESS_BYTES + 68, &thread.0.to_le_bytes());
        put(PROCESS_BYTES + 72, &thread.1.to_le_bytes());
        bytes.extend(name);
        bytes.resize(length as usize, 0);
        bytes
    }

    #[test]
    fn each_process_is_told_but_the_idle_one() {
        let mut bytes = record(0, "", (2, 0), 0, false);
        bytes.extend(record(400, "svchost.exe", (5, 15), bytes.len() as u64, false));
        bytes.extend(record(404, "paused.exe", (5, 5), bytes.len() as u64, true));
        let found = parse(&bytes, ADDRESS, 1000);
        let told: Vec<_> =
            found.iter().map(|l| (l.record.pid, l.record.name.text(), l.record.state)).collect();
        assert_eq!(told, [(400, "svchost.exe".into(), b'S'), (404, "paused.exe".into(), b'T')]);
        let first = found[0];
        assert_eq!((first.record.started, first.record.cpu_ticks, first.record.rss_pages), (4000, 42, 3072));
        assert_eq!((first.record.ppid, first.record.threads, first.transferred), (4, 1, (7, 0)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_and_end(bytes in prop::collection::vec(any::<u8>(), 0..2000), address: u64) {
            prop_assert!(parse(&bytes, address, 0).len() <= bytes.len());
        }
    }
}
