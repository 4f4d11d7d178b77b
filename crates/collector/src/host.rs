//! Uptime, load, boot time and names, from `/proc/uptime` and `/proc/loadavg` (`proc_uptime(5)`, `proc_loadavg(5)`).

use super::numbers::figure;
use infiniservice_platform::linux::system::load_averages;
use infiniservice_platform::linux::text::ParseError;
use infiniservice_platform::linux::text::{decimal, words};
use infiniservice_protocol::metrics::LoadAverage;

/// Whole seconds since boot, from `/proc/uptime`.
pub fn uptime(text: &[u8]) -> Result<u64, ParseError> {
    words(text).next().and_then(decimal).map(|seconds| seconds as u64).ok_or(ParseError::new(1, "uptime"))
}

/// `/proc/loadavg`.
pub fn load_average(text: &[u8]) -> Result<LoadAverage, ParseError> {
    let [one, five, fifteen] = load_averages(text)?.map(figure);
    Ok(LoadAverage { load_1min: one, load_5min: five, load_15min: fifteen })
}

/// The boot time without its wobble: the kernel reckons it from two clocks anew at each reading, a second more or less.
pub(crate) fn steady_boot_time(known: Option<u64>, read: u64) -> u64 {
    match known {
        Some(known) if known.abs_diff(read) <= 1 => known,
        _ => read,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn recorded_files_are_understood() {
        assert_eq!(uptime(b"204771.53 409123.10\n"), Ok(204_771));
        let load = load_average(b"0.52 1.04 10.00 2/123 4567\n").unwrap();
        assert_eq!((load.load_1min, load.load_5min, load.load_15min), (0.52, 1.04, 10.0));
    }

    #[test]
    fn nonsense_names_the_item() {
        assert_eq!(uptime(b"soon").unwrap_err().item, "uptime");
        assert_eq!(load_average(b"0.1 nan 1").unwrap_err().item, "load average");
    }

    #[test]
    fn the_boot_time_keeps_still_until_the_clock_is_set() {
        assert_eq!(steady_boot_time(Some(1000), 1001), 1000);
        assert_eq!(steady_boot_time(Some(1000), 5000), 5000);
        assert_eq!(steady_boot_time(None, 7), 7);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            let _ = (uptime(&bytes), load_average(&bytes));
        }
    }
}
