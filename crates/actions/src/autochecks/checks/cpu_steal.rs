//! `cpu_steal`: how much processor time the hypervisor gave to others (`proc_stat(5)`), from two samples.

use crate::autochecks::Machine;
use crate::autochecks::finding::{Assessed, Finding, Skip};
use crate::autochecks::levels::{Levels, percent};
use infiniservice_collector::cpu;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// Of the time between the samples. The host's parameters are about what is full, and do not apply.
const LEVELS: Levels = Levels::new(10.0, 30.0);
/// Between the samples.
const INTERVAL: Duration = Duration::from_secs(2);

/// All processors' ticks since boot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ticks {
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
pub async fn run(machine: Arc<Machine>) -> Assessed {
    let before = sample(&machine).await?;
    tokio::time::sleep(INTERVAL.min(machine.control.remaining() / 2)).await;
    let after = sample(&machine).await?;
    assess(before, after)
}

async fn sample(machine: &Machine) -> Result<Ticks, Skip> {
    let text = machine.read("proc/stat").await?;
    parse(&text).ok_or_else(|| Skip::because("/proc/stat cannot be parsed"))
}

/// Of all processors in `/proc/stat`.
pub fn parse(text: &[u8]) -> Option<Ticks> {
    let [user, nice, system, idle, io_wait, irq, softirq, stolen] = cpu::parse(text).ok()?.all.ticks();
    let sum = |ticks: &[u64]| ticks.iter().fold(0u64, |sum, tick| sum.saturating_add(*tick));
    let busy = sum(&[user, nice, system, irq, softirq]);
    Some(Ticks { total: sum(&[busy, idle, io_wait, stolen]), busy, io_wait, stolen })
}

/// Between two samples; without a tick between them nothing is known.
pub fn assess(before: Ticks, after: Ticks) -> Assessed {
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
        "warning_percent": LEVELS.warning,
        "critical_percent": LEVELS.critical,
    });
    let message =
        format!("The hypervisor gave {stolen_percent} % of this machine's processor time to others.");
    let finding = Finding::new(LEVELS.judge(stolen_percent), message).with_details(details);
    Ok(finding.advise(
        "The hypervisor's host is overcommitted: move this machine or another one to a different host.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use infiniservice_protocol::data::CheckStatus;
    use proptest::prelude::*;

    const STAT: &[u8] = include_bytes!("../../../../collector/tests/fixtures/proc-debian12-6.18/stat");

    fn stolen_of_1000(stolen: u64) -> CheckStatus {
        let before = parse(STAT).unwrap();
        let after = Ticks { total: before.total + 1000, stolen: before.stolen + stolen, ..before };
        assess(before, after).unwrap().status
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
        let details = assess(before, after).unwrap().details;
        assert_eq!(
            (details["busy_percent"].as_f64(), details["io_wait_percent"].as_f64()),
            (Some(25.0), Some(10.0))
        );
        assert_eq!(details["stolen_percent"].as_f64(), Some(5.0));
    }

    #[test]
    fn counters_that_stand_still_tell_nothing() {
        let sample = parse(STAT).unwrap();
        assert!(assess(sample, sample).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_and_counters_that_go_back_are_read_without_a_panic(bytes: Vec<u8>, a: [u64; 8], b: [u64; 8]) {
            let _ = parse(&bytes);
            let line = |n: [u64; 8]| format!("cpu {}\n", n.map(|v| v.to_string()).join(" "));
            let _ = assess(parse(line(a).as_bytes()).unwrap(), parse(line(b).as_bytes()).unwrap());
        }
    }
}
