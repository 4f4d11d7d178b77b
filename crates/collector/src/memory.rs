//! Memory and swap of the machine, from `/proc/meminfo` (`proc_meminfo(5)`).
//!
//! A cgroup's limit never enters: the figures are those of the machine, whatever confines the agent.

use super::numbers::counter;
use infiniservice_platform::linux::text::ParseError;
use infiniservice_platform::linux::text::{lines, unsigned, words};
use infiniservice_protocol::metrics::Memory;

/// Reads `/proc/meminfo`.
pub fn parse(text: &[u8]) -> Result<Memory, ParseError> {
    let mut fields = Fields::default();
    for (_, line) in lines(text) {
        fields.take(line);
    }
    fields.figures()
}

/// `oom_kill` of `/proc/vmstat`: processes killed for want of memory, by any OOM killer (`mm/oom_kill.c`). `None` before Linux 4.13.
///
/// # Errors
/// When its figure is torn.
pub fn oom_kills(text: &[u8]) -> Result<Option<u64>, ParseError> {
    for (number, line) in lines(text) {
        let mut words = words(line);
        if words.next() == Some(b"oom_kill") {
            let kills = words.next().and_then(unsigned).ok_or(ParseError::new(number, "oom_kill"))?;
            return Ok(Some(counter(kills)));
        }
    }
    Ok(None)
}

/// Counts as available what ZFS's cache (ARC) can give back: the kernel counts none of it (`arc_summary(1)`, and
/// `arc_os.c` of `OpenZFS`). `arcstats` is `/proc/spl/kstat/zfs/arcstats`.
pub(crate) fn with_arc(memory: Memory, arcstats: &[u8]) -> Memory {
    let figure = |name: &[u8]| {
        let mut rows = lines(arcstats).map(|(_, line)| words(line));
        rows.find_map(|mut row| (row.next()? == name).then_some(row.nth(1))?.and_then(unsigned))
    };
    let (Some(size), Some(least)) = (figure(b"size"), figure(b"c_min")) else { return memory };
    let available =
        memory.available_kb.saturating_add(size.saturating_sub(least) / 1024).min(memory.total_kb);
    Memory { available_kb: available, used_kb: memory.total_kb - available, ..memory }
}

#[derive(Default)]
struct Fields {
    total: Option<u64>,
    available: Option<u64>,
    free: u64,
    buffers: Option<u64>,
    cached: Option<u64>,
    shmem: u64,
    swap_total: u64,
    swap_free: u64,
}

impl Fields {
    fn take(&mut self, line: &[u8]) {
        let mut words = words(line);
        let (Some(key), Some(value)) = (words.next(), words.next().and_then(unsigned)) else { return };
        match key {
            b"MemTotal:" => self.total = Some(value),
            b"MemAvailable:" => self.available = Some(value),
            b"MemFree:" => self.free = value,
            b"Buffers:" => self.buffers = Some(value),
            b"Cached:" => self.cached = Some(value),
            b"Shmem:" => self.shmem = value,
            b"SwapTotal:" => self.swap_total = value,
            b"SwapFree:" => self.swap_free = value,
            _ => {}
        }
    }

    fn figures(self) -> Result<Memory, ParseError> {
        let total = counter(self.total.ok_or(ParseError::new(0, "MemTotal"))?);
        // Kernels before 3.14 have no MemAvailable. Shared memory is part of Cached and can only be swapped out.
        let cached = self.cached.unwrap_or_default().saturating_sub(self.shmem);
        let cache = self.buffers.unwrap_or_default().saturating_add(cached);
        let guess = self.free.saturating_add(cache);
        let available = self.available.unwrap_or(guess).min(total);
        Ok(Memory {
            total_kb: total,
            used_kb: total - available,
            available_kb: available,
            cached_kb: self.cached.map(counter),
            buffers_kb: self.buffers.map(counter),
            oom_kills: None,
            swap_total_kb: counter(self.swap_total),
            swap_used_kb: counter(self.swap_total.saturating_sub(self.swap_free)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DEBIAN_12: &[u8] = include_bytes!("../tests/fixtures/proc-debian12-6.18/meminfo");
    const VMSTAT: &[u8] = include_bytes!("../tests/fixtures/proc-debian12-6.18/vmstat");

    #[test]
    fn used_is_what_is_not_available() {
        let memory = parse(DEBIAN_12).unwrap();
        assert_eq!(memory.total_kb, 24_684_084);
        assert_eq!(memory.used_kb + memory.available_kb, memory.total_kb);
        assert!(memory.available_kb > 1_000_000);
        assert!(memory.cached_kb > Some(1_000_000) && memory.buffers_kb > Some(1000));
    }

    #[test]
    fn swap_used_is_total_less_free() {
        let memory =
            parse(b"MemTotal: 100 kB\nMemAvailable: 40 kB\nSwapTotal: 9 kB\nSwapFree: 2 kB\n").unwrap();
        assert_eq!((memory.used_kb, memory.swap_total_kb, memory.swap_used_kb), (60, 9, 7));
    }

    #[test]
    fn processes_killed_for_want_of_memory_are_counted_where_the_kernel_does() {
        assert_eq!(oom_kills(VMSTAT), Ok(Some(0)));
        assert_eq!(oom_kills(b"nr_free_pages 7\noom_kill 3\noom_kill_other 9\n"), Ok(Some(3)));
        assert_eq!(oom_kills(b"nr_free_pages 7\n"), Ok(None));
        assert_eq!(oom_kills(b"oom_kill\n").unwrap_err().item, "oom_kill");
    }

    #[test]
    fn an_old_kernel_without_available_is_estimated() {
        let memory = parse(b"MemTotal: 100 kB\nMemFree: 10 kB\nBuffers: 5 kB\nCached: 20 kB\n").unwrap();
        assert_eq!(memory.available_kb, 35);
    }

    #[test]
    fn shared_memory_is_not_available_where_the_kernel_does_not_say_what_is() {
        let memory =
            parse(b"MemTotal: 100 kB\nMemFree: 10 kB\nBuffers: 5 kB\nCached: 60 kB\nShmem: 50 kB\n").unwrap();
        assert_eq!((memory.available_kb, memory.used_kb), (25, 75));
    }

    #[test]
    fn the_cache_of_zfs_is_available_down_to_its_least_size() {
        let memory = parse(b"MemTotal: 1000 kB\nMemAvailable: 100 kB\n").unwrap();
        let stats = b"13 1 0x01 123 33456 8123 99\nname type data\nhits 4 1\nc_min 4 204800\nsize 4 819200\n";
        let with = with_arc(memory.clone(), stats);
        assert_eq!((with.available_kb, with.used_kb), (700, 300));
        let small = with_arc(memory.clone(), b"c_min 4 900\nsize 4 800\n");
        assert_eq!(small, memory);
        assert_eq!(with_arc(memory.clone(), b"size 4 18446744073709551615\nc_min 4 0\n").used_kb, 0);
        assert_eq!(with_arc(memory.clone(), b"no such file"), memory);
    }

    #[test]
    fn a_file_without_a_total_is_an_error_that_says_so() {
        assert_eq!(parse(b"nonsense").unwrap_err().item, "MemTotal");
    }

    proptest! {
        #[test]
        fn no_input_breaks_the_sum(total: u64, available: u64, noise: Vec<u8>) {
            let mut text = format!("MemTotal: {total} kB\nMemAvailable: {available} kB\n").into_bytes();
            text.extend(noise);
            let memory = with_arc(parse(&text).unwrap(), &text);
            prop_assert_eq!(memory.used_kb + memory.available_kb, memory.total_kb);
        }
    }
}
