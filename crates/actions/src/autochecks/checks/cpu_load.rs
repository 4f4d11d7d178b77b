//! `cpu_load`: how many tasks want to run for each processor (`proc_loadavg(5)`).

use crate::autochecks::Machine;
use crate::autochecks::finding::{Assessed, Finding, Skip};
use crate::autochecks::levels::Levels;
use serde_json::json;
use std::sync::Arc;

/// Of the five minutes' average, for each processor. Not percent: the host's parameters do not apply.
const LEVELS: Levels = Levels::new(2.0, 6.0);

/// The kernel's averages.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Load {
    /// Over 1 minute.
    pub one: f64,
    /// Over 5 minutes.
    pub five: f64,
    /// Over 15 minutes.
    pub fifteen: f64,
}

/// Gathers and assesses.
pub async fn run(machine: Arc<Machine>) -> Assessed {
    let load = machine.read("proc/loadavg").await?;
    let load = parse(&load).ok_or_else(|| Skip::because("/proc/loadavg cannot be parsed"))?;
    let processors = processors(&machine.read("proc/stat").await?);
    Ok(assess(load, processors))
}

/// Reads `/proc/loadavg`.
pub fn parse(text: &[u8]) -> Option<Load> {
    let text = std::str::from_utf8(text).ok()?;
    let mut figures = text
        .split_whitespace()
        .map(|word| word.parse::<f64>().ok().filter(|figure| figure.is_finite() && *figure >= 0.0));
    Some(Load { one: figures.next()??, five: figures.next()??, fifteen: figures.next()?? })
}

/// The processors that are online: the lines `cpu0`, `cpu1`, … of `/proc/stat`; at least one.
pub fn processors(stat: &[u8]) -> usize {
    let numbered =
        |line: &&[u8]| line.strip_prefix(b"cpu").is_some_and(|r| r.first().is_some_and(u8::is_ascii_digit));
    stat.split(|byte| *byte == b'\n').filter(numbered).count().max(1)
}

/// The five minutes decide: a minute's burst is what processors are for.
pub fn assess(load: Load, processors: usize) -> Finding {
    let each = load.five / processors as f64;
    let message = format!("The five-minute load average is {:.2} on {processors} processor(s).", load.five);
    let details = json!({
        "load_1m": load.one,
        "load_5m": load.five,
        "load_15m": load.fifteen,
        "processor_count": processors,
        "load_5m_per_processor": (each * 100.0).round() / 100.0,
        "warning_load_per_processor": LEVELS.warning,
        "critical_load_per_processor": LEVELS.critical,
    });
    Finding::new(LEVELS.judge(each), message).with_details(details).advise(
        "Find out which processes are busy or wait for a disk; if this is expected, give the \
            machine more processors.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use infiniservice_protocol::data::CheckStatus;
    use proptest::prelude::*;

    const LOADAVG: &[u8] = include_bytes!("../../../../collector/tests/fixtures/proc-debian12-6.18/loadavg");
    const STAT: &[u8] = include_bytes!("../../../../collector/tests/fixtures/proc-debian12-6.18/stat");

    #[test]
    fn a_recorded_machine_is_read() {
        assert_eq!(processors(STAT), 2);
        let load = parse(LOADAVG).unwrap();
        assert!(load.five > 0.0 && load.fifteen > 0.0);
    }

    #[test]
    fn the_load_counts_for_each_processor_and_over_five_minutes() {
        let of = |five, processors| assess(Load { one: 99.0, five, fifteen: 0.0 }, processors).status;
        assert_eq!(of(7.9, 4), CheckStatus::Passed);
        assert_eq!(of(8.0, 4), CheckStatus::Warning);
        assert_eq!(of(24.0, 4), CheckStatus::Failed);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            let _ = parse(&bytes);
            prop_assert!(processors(&bytes) >= 1);
        }
    }
}
