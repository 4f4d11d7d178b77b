//! `cpu_load` and `cpu_steal`: how many tasks want to run for each processor (`proc_loadavg(5)`), and how
//! much processor time the hypervisor gave to others (`proc_stat(5)`), from two samples.

use crate::autochecks::Machine;
use crate::autochecks::finding::{Assessed, Finding, Skip};
use crate::autochecks::thresholds::{Thresholds, percent};
use infiniservice_collector::cpu;
use infiniservice_collector::host::load_average;
use infiniservice_protocol::metrics::LoadAverage;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// Of the five minutes' average, for each processor. Not percent: the host's parameters do not apply.
pub(crate) const LOAD: Thresholds = Thresholds::new(2.0, 6.0);

/// Gathers and assesses.
pub(super) async fn load(machine: Arc<Machine>) -> Assessed {
    let load = machine.read("proc/loadavg").await?;
    let load = load_average(&load).map_err(|_| Skip::because("/proc/loadavg cannot be parsed"))?;
    let processors = processors(&machine.read("proc/stat").await?);
    Ok(assess_load(&load, processors))
}

/// The processors that are online; at least one.
fn processors(stat: &[u8]) -> usize {
    cpu::parse(stat).map_or(1, |sample| sample.cores.len().max(1))
}

/// The five minutes decide: a minute's burst is what processors are for.
pub(super) fn assess_load(load: &LoadAverage, processors: usize) -> Finding {
    let each = load.load_5min / processors as f64;
    let message =
        format!("The five-minute load average is {:.2} on {processors} processor(s).", load.load_5min);
    let details = json!({
        "load_1m": load.load_1min,
        "load_5m": load.load_5min,
        "load_15m": load.load_15min,
        "processor_count": processors,
        "load_5m_per_processor": (each * 100.0).round() / 100.0,
        "warning_load_per_processor": LOAD.warning,
        "critical_load_per_processor": LOAD.critical,
    });
    Finding::new(LOAD.judge(each), message).with_details(details).advise(
        "Find out which processes are busy or wait for a disk; if this is expected, give the \
            machine more processors.",
    )
}

/// Of the time between the samples. The host's parameters are about what is full, and do not apply.
const STEAL: Thresholds = Thresholds::new(10.0, 30.0);
/// Between the samples.
const INTERVAL: Duration = Duration::from_secs(2);

/// All processors' ticks since boot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ticks {
    /// All of them.
    pub total: u64,
    /// Neither idle nor waiting for a disk, stolen ones left out.
    pub busy: u64,
    /// Waiting for a disk.
    pub io_wait: u64,
    /// Wanted, and given to others.
    pub stolen: u64,
}

/// Gathers and assesses.
pub(super) async fn steal(machine: Arc<Machine>) -> Assessed {
    let before = sample(&machine).await?;
    tokio::time::sleep(INTERVAL.min(machine.cancellation.remaining() / 2)).await;
    let after = sample(&machine).await?;
    assess_steal(before, after)
}

async fn sample(machine: &Machine) -> Result<Ticks, Skip> {
    let text = machine.read("proc/stat").await?;
    parse(&text).ok_or_else(|| Skip::because("/proc/stat cannot be parsed"))
}

/// Of all processors in `/proc/stat`.
pub(crate) fn parse(text: &[u8]) -> Option<Ticks> {
    let [user, nice, system, idle, io_wait, irq, softirq, stolen] = cpu::parse(text).ok()?.all.ticks();
    let sum = |ticks: &[u64]| ticks.iter().fold(0u64, |sum, tick| sum.saturating_add(*tick));
    let busy = sum(&[user, nice, system, irq, softirq]);
    Some(Ticks { total: sum(&[busy, idle, io_wait, stolen]), busy, io_wait, stolen })
}

/// Between two samples; without a tick between them nothing is known.
pub(super) fn assess_steal(before: Ticks, after: Ticks) -> Assessed {
    let total = after.total.saturating_sub(before.total);
    if total == 0 {
        return Err(Skip::because("the processors' counters did not change between two samples"));
    }
    let share = |of: fn(Ticks) -> u64| percent(of(after).saturating_sub(of(before)), total);
    let stolen_percent = share(|ticks| ticks.stolen);
    let details = json!({
        "stolen_percent": stolen_percent,
        "busy_percent": share(|ticks| ticks.busy),
        "io_wait_percent": share(|ticks| ticks.io_wait),
        "warning_percent": STEAL.warning,
        "critical_percent": STEAL.critical,
    });
    let message =
        format!("The hypervisor gave {stolen_percent} % of this machine's processor time to others.");
    let finding = Finding::new(STEAL.judge(stolen_percent), message).with_details(details);
    Ok(finding.advise(
        "The hypervisor's host is overcommitted: move this machine or another one to a different host.",
    ))
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
        let of = |five, processors| assess_load(&load(five), processors).status;
        assert_eq!(of(7.9, 4), CheckStatus::Passed);
        assert_eq!(of(8.0, 4), CheckStatus::Warning);
        assert_eq!(of(24.0, 4), CheckStatus::Failed);
    }
}

#[cfg(test)]
mod cpu_steal_tests {
    use super::*;
    use infiniservice_protocol::data::CheckStatus;
    use proptest::prelude::*;

    const STAT: &[u8] = include_bytes!("../../../../collector/tests/fixtures/proc-debian12-6.18/stat");

    fn stolen_of_1000(stolen: u64) -> CheckStatus {
        let before = parse(STAT).unwrap();
        let after = Ticks { total: before.total + 1000, stolen: before.stolen + stolen, ..before };
        assess_steal(before, after).unwrap().status
    }

    #[test]
    fn the_stolen_share_between_two_samples_decides() {
        let verdicts = [99, 100, 300].map(stolen_of_1000);
        assert_eq!(verdicts, [CheckStatus::Passed, CheckStatus::Warning, CheckStatus::Failed]);
    }

    #[test]
    fn each_share_is_told() {
        let before = parse(b"cpu  0 0 0 0 0 0 0 0 0 0\n").unwrap();
        let after = parse(b"cpu  10 5 5 60 10 3 2 5 99 99\ncpu0 1 1 1 1\n").unwrap();
        let details = assess_steal(before, after).unwrap().details;
        assert_eq!(
            (details["busy_percent"].as_f64(), details["io_wait_percent"].as_f64()),
            (Some(25.0), Some(10.0))
        );
        assert_eq!(details["stolen_percent"].as_f64(), Some(5.0));
    }

    #[test]
    fn counters_that_stand_still_tell_nothing() {
        let sample = parse(STAT).unwrap();
        assert!(assess_steal(sample, sample).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_and_counters_that_go_back_are_read_without_a_panic(bytes: Vec<u8>, a: [u64; 8], b: [u64; 8]) {
            let _ = parse(&bytes);
            let line = |n: [u64; 8]| format!("cpu {}\n", n.map(|v| v.to_string()).join(" "));
            let _ = assess_steal(parse(line(a).as_bytes()).unwrap(), parse(line(b).as_bytes()).unwrap());
        }
    }
}
