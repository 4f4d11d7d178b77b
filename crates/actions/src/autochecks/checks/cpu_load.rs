//! `cpu_load`: how many tasks want to run for each processor (`proc_loadavg(5)`).

use crate::autochecks::Machine;
use crate::autochecks::finding::{Assessed, Finding, Skip};
use crate::autochecks::levels::Levels;
use infiniservice_collector::cpu;
use infiniservice_collector::host::load_average;
use infiniservice_protocol::metrics::LoadAverage;
use serde_json::json;
use std::sync::Arc;

/// Of the five minutes' average, for each processor. Not percent: the host's parameters do not apply.
const LEVELS: Levels = Levels::new(2.0, 6.0);

/// Gathers and assesses.
pub async fn run(machine: Arc<Machine>) -> Assessed {
    let load = machine.read("proc/loadavg").await?;
    let load = load_average(&load).map_err(|_| Skip::because("/proc/loadavg cannot be parsed"))?;
    let processors = processors(&machine.read("proc/stat").await?);
    Ok(assess(&load, processors))
}

/// The processors that are online; at least one.
fn processors(stat: &[u8]) -> usize {
    cpu::parse(stat).map_or(1, |sample| sample.cores.len().max(1))
}

/// The five minutes decide: a minute's burst is what processors are for.
pub fn assess(load: &LoadAverage, processors: usize) -> Finding {
    let each = load.load_5min / processors as f64;
    let message =
        format!("The five-minute load average is {:.2} on {processors} processor(s).", load.load_5min);
    let details = json!({
        "load_1m": load.load_1min,
        "load_5m": load.load_5min,
        "load_15m": load.load_15min,
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

    const LOADAVG: &[u8] = include_bytes!("../../../../collector/tests/fixtures/proc-debian12-6.18/loadavg");
    const STAT: &[u8] = include_bytes!("../../../../collector/tests/fixtures/proc-debian12-6.18/stat");

    #[test]
    fn a_recorded_machine_is_read() {
        assert_eq!(processors(STAT), 2);
        let load = load_average(LOADAVG).unwrap();
        assert!(load.load_5min > 0.0 && load.load_15min > 0.0);
    }

    #[test]
    fn the_load_counts_for_each_processor_and_over_five_minutes() {
        let load = |load_5min| LoadAverage { load_1min: 99.0, load_5min, load_15min: 0.0 };
        let of = |five, processors| assess(&load(five), processors).status;
        assert_eq!(of(7.9, 4), CheckStatus::Passed);
        assert_eq!(of(8.0, 4), CheckStatus::Warning);
        assert_eq!(of(24.0, 4), CheckStatus::Failed);
    }
}
