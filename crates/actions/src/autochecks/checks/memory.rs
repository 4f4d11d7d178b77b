//! `memory`: how much memory is left to programs (`MemAvailable`, `proc_meminfo(5)`).

use crate::autochecks::Machine;
use crate::autochecks::finding::{Assessed, Finding, Skip};
use crate::autochecks::levels::{Levels, percent};
use infiniservice_collector::memory::parse;
use infiniservice_protocol::metrics::Memory;
use serde_json::json;
use std::sync::Arc;

/// Of the share that is not available.
pub const LEVELS: Levels = Levels::new(90.0, 97.0);

/// Gathers and assesses.
pub async fn run(machine: Arc<Machine>) -> Assessed {
    let memory = read(&machine).await?;
    Ok(assess(&memory, LEVELS.or_asked(machine.asked)))
}

/// `/proc/meminfo`.
pub async fn read(machine: &Machine) -> Result<Memory, Skip> {
    let text = machine.read("proc/meminfo").await?;
    parse(&text).map_err(|error| Skip(format!("/proc/meminfo: {error}")))
}

/// Memory that caches hold counts as available, as the kernel gives it back.
pub fn assess(memory: &Memory, levels: Levels) -> Finding {
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
            assess(&memory, LEVELS)
        };
        let verdicts = [500_000, 100_000, 30_000].map(|kb| of(kb).status);
        assert_eq!(verdicts, [CheckStatus::Passed, CheckStatus::Warning, CheckStatus::Failed]);
        assert_eq!(of(100_000).message, "90 % of the memory is used; 100 MB are available to programs.");
    }
}
