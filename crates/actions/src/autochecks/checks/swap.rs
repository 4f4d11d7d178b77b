//! `swap`: how full the swap space is.

use super::memory;
use crate::autochecks::Machine;
use crate::autochecks::finding::{Assessed, Finding};
use crate::autochecks::levels::{Levels, percent};
use infiniservice_protocol::metrics::Memory;
use serde_json::json;
use std::sync::Arc;

/// Of the share used. Half of it means nothing: the kernel moves there what nobody touches.
pub const LEVELS: Levels = Levels::new(80.0, 95.0);

/// Gathers and assesses.
pub async fn run(machine: Arc<Machine>) -> Assessed {
    let memory = memory::read(&machine).await?;
    Ok(assess(&memory, LEVELS.or_asked(machine.asked)))
}

/// A machine without swap is not ill.
pub fn assess(memory: &Memory, levels: Levels) -> Finding {
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

#[cfg(test)]
mod tests {
    use super::*;
    use infiniservice_protocol::data::CheckStatus;

    fn of(swap_total_kb: u64, swap_used_kb: u64) -> Finding {
        assess(&Memory { swap_total_kb, swap_used_kb, ..Memory::default() }, LEVELS)
    }

    #[test]
    fn nearly_full_swap_wants_attention_and_none_at_all_does_not() {
        assert_eq!(of(0, 0).status, CheckStatus::Passed);
        let verdicts = [500, 800, 950].map(|used| of(1000, used).status);
        assert_eq!(verdicts, [CheckStatus::Passed, CheckStatus::Warning, CheckStatus::Failed]);
        assert_eq!(of(1000, 800).message, "80 % of the swap space is used.");
    }
}
