//! Uptime, load, boot time and names, from `/proc/uptime` and `/proc/loadavg` (`proc_uptime(5)`, `proc_loadavg(5)`).

use super::error::CollectError;
use super::metric::{Metric, Round};
use super::numbers::{figure, rfc3339};
use infiniservice_platform::linux::text::ParseError;
use infiniservice_platform::linux::text::{decimal, words};
use infiniservice_platform::os_detection::OsInfo;
use infiniservice_protocol::metrics::{Host, LoadAverage};

/// Windows has none.
pub(crate) fn collect_load_average(round: &mut Round<'_>) -> Result<(), CollectError> {
    round.data.system.load_average = round.machine.proc("loadavg", load_average)?;
    Ok(())
}

/// The start times of processes are reckoned from it.
pub(crate) fn collect_uptime(round: &mut Round<'_>) -> Result<(), CollectError> {
    round.moment.uptime = 0;
    round.moment.uptime = round.machine.uptime()?;
    round.data.system.uptime_seconds = round.moment.uptime;
    Ok(())
}

/// Names and versions: only the host's name may change while the machine runs.
pub(crate) struct Names {
    known: Host,
}

impl Names {
    /// What the operating system said at the start.
    pub fn new(os: OsInfo) -> Self {
        let virtualization = Some(os.virtualization.name()).filter(|name| *name != "none");
        let known = Host {
            hostname: os.hostname,
            os_name: os.release.name,
            os_version: os.release.version_id,
            kernel_version: os.kernel_version,
            architecture: os.architecture,
            boot_time: String::new(),
            machine_id: os.machine_id,
            virtualization: virtualization.map(str::to_owned),
        };
        Self { known }
    }
}

impl Metric for Names {
    fn collect(&mut self, round: &mut Round<'_>) -> Result<(), CollectError> {
        let boot_time = round.moment.boot_time.map(rfc3339).unwrap_or_default();
        round.data.system.host = Host { boot_time, ..self.known.clone() };
        round.data.system.host.hostname = round.machine.hostname()?;
        Ok(())
    }
}

/// Whole seconds since boot, from `/proc/uptime`.
pub fn uptime(text: &[u8]) -> Result<u64, ParseError> {
    words(text).next().and_then(decimal).map(|seconds| seconds as u64).ok_or(ParseError::new(1, "uptime"))
}

/// `/proc/loadavg`.
pub fn load_average(text: &[u8]) -> Result<LoadAverage, ParseError> {
    let text = text.split(|b| *b == b'\n').next().unwrap_or_default();
    let mut words = words(text);
    let mut next = || words.next().and_then(decimal).map(figure).ok_or(ParseError::new(1, "load average"));
    Ok(LoadAverage { load_1min: next()?, load_5min: next()?, load_15min: next()? })
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
