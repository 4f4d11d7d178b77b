//! Memory and swap of the machine, from `/proc/meminfo` (`proc_meminfo(5)`).
//!
//! A cgroup's limit never enters: the figures are those of the machine, whatever confines the agent.

use super::error::ParseError;
use super::numbers::counter;
use super::text::{lines, unsigned, words};
use infiniservice_protocol::metrics::Memory;

/// Reads `/proc/meminfo`.
pub fn parse(text: &[u8]) -> Result<Memory, ParseError> {
    let mut fields = Fields::default();
    for (_, line) in lines(text) {
        fields.take(line);
    }
    fields.figures()
}

#[derive(Default)]
struct Fields {
    total: Option<u64>,
    available: Option<u64>,
    free: u64,
    buffers: u64,
    cached: u64,
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
            b"Buffers:" => self.buffers = value,
            b"Cached:" => self.cached = value,
            b"SwapTotal:" => self.swap_total = value,
            b"SwapFree:" => self.swap_free = value,
            _ => {}
        }
    }

    fn figures(self) -> Result<Memory, ParseError> {
        let total = counter(self.total.ok_or(ParseError::new(0, "MemTotal"))?);
        // Kernels before 3.14 have no MemAvailable; this was what `free` took for it.
        let guess = self.free.saturating_add(self.buffers).saturating_add(self.cached);
        let available = self.available.unwrap_or(guess).min(total);
        Ok(Memory {
            total_kb: total,
            used_kb: total - available,
            available_kb: available,
            swap_total_kb: counter(self.swap_total),
            swap_used_kb: counter(self.swap_total.saturating_sub(self.swap_free)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DEBIAN_12: &[u8] = include_bytes!("../../tests/fixtures/proc-debian12-6.18/meminfo");

    #[test]
    fn used_is_what_is_not_available() {
        let memory = parse(DEBIAN_12).unwrap();
        assert_eq!(memory.total_kb, 24_684_084);
        assert_eq!(memory.used_kb + memory.available_kb, memory.total_kb);
        assert!(memory.available_kb > 1_000_000);
    }

    #[test]
    fn swap_used_is_total_less_free() {
        let memory =
            parse(b"MemTotal: 100 kB\nMemAvailable: 40 kB\nSwapTotal: 9 kB\nSwapFree: 2 kB\n").unwrap();
        assert_eq!((memory.used_kb, memory.swap_total_kb, memory.swap_used_kb), (60, 9, 7));
    }

    #[test]
    fn an_old_kernel_without_available_is_estimated() {
        let memory = parse(b"MemTotal: 100 kB\nMemFree: 10 kB\nBuffers: 5 kB\nCached: 20 kB\n").unwrap();
        assert_eq!(memory.available_kb, 35);
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
            let memory = parse(&text).unwrap();
            prop_assert_eq!(memory.used_kb + memory.available_kb, memory.total_kb);
        }
    }
}
