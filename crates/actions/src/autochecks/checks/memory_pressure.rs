//! `memory_pressure`: how long programs had to wait for memory (`/proc/pressure/memory`, Documentation/accounting/psi.rst).

use crate::autochecks::Machine;
use crate::autochecks::finding::{Assessed, Finding, Skip};
use crate::autochecks::levels::{Levels, worse};
use infiniservice_collector::pressure::parse;
use infiniservice_protocol::metrics::Stall;
use serde_json::json;
use std::sync::Arc;

/// Of the last minute, in percent: in which at least one program waited.
const SOME: Levels = Levels::new(10.0, 40.0);
/// Of the last minute, in percent: in which all of them waited.
const FULL: Levels = Levels::new(5.0, 20.0);

/// Gathers and assesses.
pub async fn run(machine: Arc<Machine>) -> Assessed {
    let text = machine.read("proc/pressure/memory").await.map_err(|Skip(why)| {
        Skip(format!("the kernel does not measure pressure ({why}); it may need psi=1 at boot"))
    })?;
    let stalls = parse(&text).ok().and_then(|stalls| Some(assess(&stalls.some, &stalls.full?)));
    stalls.ok_or_else(|| Skip::because("/proc/pressure/memory cannot be parsed"))
}

/// The last minute decides.
pub fn assess(some: &Stall, full: &Stall) -> Finding {
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

    const IDLE: &[u8] = include_bytes!("../../../tests/fixtures/autochecks/pressure-memory-6.18-idle");
    const THRASHING: &[u8] = b"some avg10=72.10 avg60=55.02 avg300=18.77 total=93105528\n\
                             full avg10=60.30 avg60=44.90 avg300=15.01 total=80012345\n";

    fn of_file(text: &[u8]) -> Finding {
        let stalls = parse(text).unwrap();
        assess(&stalls.some, &stalls.full.unwrap())
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
        let of = |some, full| assess(&minute(some), &minute(full)).status;
        assert_eq!(of(9.9, 4.9), CheckStatus::Passed);
        assert_eq!(of(10.0, 0.0), CheckStatus::Warning);
        assert_eq!(of(6.0, 5.0), CheckStatus::Warning);
        assert_eq!(of(25.0, 20.0), CheckStatus::Failed);
    }
}
