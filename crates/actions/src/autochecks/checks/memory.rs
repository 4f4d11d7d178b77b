//! `memory`, `swap` and `memory_pressure`: how much memory is left to programs (`MemAvailable`,
//! `proc_meminfo(5)`), how full the swap space is, and how long programs had to wait for memory
//! (`/proc/pressure/memory`, Documentation/accounting/psi.rst).

use crate::autochecks::Machine;
use crate::autochecks::finding::{Assessed, Finding, Skip};
use crate::autochecks::thresholds::{Thresholds, percent, worse};
use infiniservice_collector::memory::parse;
use infiniservice_collector::pressure::parse as parse_stalls;
use infiniservice_protocol::metrics::{Memory, Stall};
use serde_json::json;
use std::sync::Arc;

/// Of the share that is not available.
pub(crate) const MEMORY: Thresholds = Thresholds::new(90.0, 97.0);

/// Gathers and assesses.
pub(crate) async fn memory(machine: Arc<Machine>) -> Assessed {
    let memory = read(&machine).await?;
    Ok(assess_memory(&memory, MEMORY.or_asked(machine.asked)))
}

/// `/proc/meminfo`.
pub(crate) async fn read(machine: &Machine) -> Result<Memory, Skip> {
    let text = machine.read("proc/meminfo").await?;
    parse(&text).map_err(|error| Skip(format!("/proc/meminfo: {error}")))
}

/// Memory that caches hold counts as available, as the kernel gives it back.
pub(crate) fn assess_memory(memory: &Memory, levels: Thresholds) -> Finding {
    let used_percent = percent(memory.used_kb, memory.total_kb);
    let left_mb = memory.available_kb / 1000;
    let message = format!("{used_percent} % of the memory is used; {left_mb} MB are available to programs.");
    let details = json!({
        "total_kb": memory.total_kb,
        "available_kb": memory.available_kb,
        "used_percent": used_percent,
        "warning_percent": levels.warning,
        "critical_percent": levels.critical,
    });
    Finding::new(levels.judge(used_percent), message).with_details(details).advise(
        "Find out which processes use the most memory, and end or restart them, or give the \
            machine more memory.",
    )
}

/// Of the share used. Half of it means nothing: the kernel moves there what nobody touches.
pub(crate) const SWAP: Thresholds = Thresholds::new(80.0, 95.0);

/// Gathers and assesses.
pub(crate) async fn swap(machine: Arc<Machine>) -> Assessed {
    let memory = read(&machine).await?;
    Ok(assess_swap(&memory, SWAP.or_asked(machine.asked)))
}

/// A machine without swap is not ill.
pub(crate) fn assess_swap(memory: &Memory, levels: Thresholds) -> Finding {
    if memory.swap_total_kb == 0 {
        return Finding::passed("The machine has no swap space.").with_details(json!({"swap_total_kb": 0}));
    }
    let used_percent = percent(memory.swap_used_kb, memory.swap_total_kb);
    let details = json!({
        "swap_total_kb": memory.swap_total_kb,
        "swap_used_kb": memory.swap_used_kb,
        "used_percent": used_percent,
        "warning_percent": levels.warning,
        "critical_percent": levels.critical,
    });
    Finding::new(levels.judge(used_percent), format!("{used_percent} % of the swap space is used."))
        .with_details(details)
        .advise(
            "Give the machine more memory, or end the programs that use it; more swap space only \
            delays the problem.",
        )
}

/// Of the last minute, in percent: in which at least one program waited.
const SOME: Thresholds = Thresholds::new(10.0, 40.0);
/// Of the last minute, in percent: in which all of them waited.
const FULL: Thresholds = Thresholds::new(5.0, 20.0);

/// Gathers and assesses.
pub(crate) async fn pressure(machine: Arc<Machine>) -> Assessed {
    let text = machine.read("proc/pressure/memory").await.map_err(|Skip(why)| {
        Skip(format!("the kernel does not measure pressure ({why}); it may need psi=1 at boot"))
    })?;
    let stalls =
        parse_stalls(&text).ok().and_then(|stalls| Some(assess_pressure(&stalls.some, &stalls.full?)));
    stalls.ok_or_else(|| Skip::because("/proc/pressure/memory cannot be parsed"))
}

/// The last minute decides.
pub(crate) fn assess_pressure(some: &Stall, full: &Stall) -> Finding {
    let status = worse(SOME.judge(some.avg60), FULL.judge(full.avg60));
    let message = format!(
        "In the last minute, some programs waited for memory {} % of the time, and all of them {} %.",
        some.avg60, full.avg60
    );
    let details = json!({
        "some_60s_percent": some.avg60,
        "some_300s_percent": some.avg300,
        "full_60s_percent": full.avg60,
        "full_300s_percent": full.avg300,
    });
    Finding::new(status, message)
        .with_details(details)
        .advise("Give the machine more memory, or end the programs that use most of it.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use infiniservice_protocol::data::CheckStatus;

    #[test]
    fn what_is_left_decides() {
        let of = |available_kb| {
            let total_kb = 1_000_000;
            let memory =
                Memory { total_kb, available_kb, used_kb: total_kb - available_kb, ..Memory::default() };
            assess_memory(&memory, MEMORY)
        };
        let verdicts = [500_000, 100_000, 30_000].map(|kb| of(kb).status);
        assert_eq!(verdicts, [CheckStatus::Passed, CheckStatus::Warning, CheckStatus::Failed]);
        assert_eq!(of(100_000).message, "90 % of the memory is used; 100 MB are available to programs.");
    }

    fn of(swap_total_kb: u64, swap_used_kb: u64) -> Finding {
        assess_swap(&Memory { swap_total_kb, swap_used_kb, ..Memory::default() }, SWAP)
    }

    #[test]
    fn nearly_full_swap_wants_attention_and_none_at_all_does_not() {
        assert_eq!(of(0, 0).status, CheckStatus::Passed);
        let verdicts = [500, 800, 950].map(|used| of(1000, used).status);
        assert_eq!(verdicts, [CheckStatus::Passed, CheckStatus::Warning, CheckStatus::Failed]);
        assert_eq!(of(1000, 800).message, "80 % of the swap space is used.");
    }

    const IDLE: &[u8] = include_bytes!("../../../tests/fixtures/autochecks/pressure-memory-6.18-idle");
    const THRASHING: &[u8] = b"some avg10=72.10 avg60=55.02 avg300=18.77 total=93105528\n\
                             full avg10=60.30 avg60=44.90 avg300=15.01 total=80012345\n";

    fn of_file(text: &[u8]) -> Finding {
        let stalls = parse_stalls(text).unwrap();
        assess_pressure(&stalls.some, &stalls.full.unwrap())
    }

    #[test]
    fn a_recorded_idle_machine_passes_and_a_thrashing_one_fails() {
        assert_eq!(of_file(IDLE).status, CheckStatus::Passed);
        let finding = of_file(THRASHING);
        assert_eq!(finding.status, CheckStatus::Failed);
        assert_eq!(finding.details["full_60s_percent"], 44.9);
    }

    #[test]
    fn waiting_of_all_programs_weighs_more_than_of_some() {
        let minute = |avg60| Stall { avg60, ..Stall::default() };
        let of = |some, full| assess_pressure(&minute(some), &minute(full)).status;
        assert_eq!(of(9.9, 4.9), CheckStatus::Passed);
        assert_eq!(of(10.0, 0.0), CheckStatus::Warning);
        assert_eq!(of(6.0, 5.0), CheckStatus::Warning);
        assert_eq!(of(25.0, 20.0), CheckStatus::Failed);
    }
}
