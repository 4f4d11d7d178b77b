//! `memory_pressure`: how long programs had to wait for memory (`/proc/pressure/memory`, Documentation/accounting/psi.rst).

use crate::autochecks::Machine;
use crate::autochecks::finding::{Assessed, Finding, Skip};
use crate::autochecks::levels::{Levels, worse};
use serde_json::json;
use std::sync::Arc;

/// Of the last minute, in percent: in which at least one program waited.
const SOME: Levels = Levels::new(10.0, 40.0);
/// Of the last minute, in percent: in which all of them waited.
const FULL: Levels = Levels::new(5.0, 20.0);

/// Shares of the last minute in percent, and of the last five.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pressure {
    /// At least one program waited.
    pub some_60: f64,
    /// The same over 300 seconds.
    pub some_300: f64,
    /// All of them did.
    pub full_60: f64,
    /// The same over 300 seconds.
    pub full_300: f64,
}

/// Gathers and assesses.
pub async fn run(machine: Arc<Machine>) -> Assessed {
    let text = machine.read("proc/pressure/memory").await.map_err(|Skip(why)| {
        Skip(format!("the kernel does not measure pressure ({why}); it may need psi=1 at boot"))
    })?;
    let pressure = parse(&String::from_utf8_lossy(&text));
    pressure.map(assess).ok_or_else(|| Skip::because("/proc/pressure/memory cannot be parsed"))
}

/// Reads `some avg10=0.00 avg60=0.00 avg300=0.00 total=0`, and the same line with `full`.
pub fn parse(text: &str) -> Option<Pressure> {
    let line = |kind: &str| text.lines().find_map(|line| line.strip_prefix(kind));
    let figure = |line: &str, key: &str| {
        let word = line.split_whitespace().find_map(|word| word.strip_prefix(key))?;
        word.parse::<f64>().ok().filter(|figure| figure.is_finite() && *figure >= 0.0)
    };
    let (some, full) = (line("some ")?, line("full ")?);
    Some(Pressure {
        some_60: figure(some, "avg60=")?,
        some_300: figure(some, "avg300=")?,
        full_60: figure(full, "avg60=")?,
        full_300: figure(full, "avg300=")?,
    })
}

/// The last minute decides.
pub fn assess(pressure: Pressure) -> Finding {
    let status = worse(SOME.judge(pressure.some_60), FULL.judge(pressure.full_60));
    let message = format!(
        "In the last minute, some programs waited for memory {} % of the time, and all of them {} %.",
        pressure.some_60, pressure.full_60
    );
    let details = json!({
        "some_60s_percent": pressure.some_60,
        "some_300s_percent": pressure.some_300,
        "full_60s_percent": pressure.full_60,
        "full_300s_percent": pressure.full_300,
    });
    Finding::new(status, message)
        .with_details(details)
        .advise("Give the machine more memory, or end the programs that use most of it.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use infiniservice_protocol::data::CheckStatus;
    use proptest::prelude::*;

    const IDLE: &str = include_str!("../../../tests/fixtures/autochecks/pressure-memory-6.18-idle");
    const THRASHING: &str = "some avg10=72.10 avg60=55.02 avg300=18.77 total=93105528\n\
                             full avg10=60.30 avg60=44.90 avg300=15.01 total=80012345\n";

    #[test]
    fn a_recorded_idle_machine_passes_and_a_thrashing_one_fails() {
        assert_eq!(assess(parse(IDLE).unwrap()).status, CheckStatus::Passed);
        let finding = assess(parse(THRASHING).unwrap());
        assert_eq!(finding.status, CheckStatus::Failed);
        assert_eq!(finding.details["full_60s_percent"], 44.9);
    }

    #[test]
    fn waiting_of_all_programs_weighs_more_than_of_some() {
        let of = |some_60, full_60| assess(Pressure { some_60, full_60, ..Pressure::default() }).status;
        assert_eq!(of(9.9, 4.9), CheckStatus::Passed);
        assert_eq!(of(10.0, 0.0), CheckStatus::Warning);
        assert_eq!(of(6.0, 5.0), CheckStatus::Warning);
        assert_eq!(of(25.0, 20.0), CheckStatus::Failed);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "\\PC*", figure in "[0-9a-zN.+-]{0,9}") {
            let _ = parse(&text);
            let _ = parse(&format!("some avg60={figure} avg300=0\nfull avg60=0 avg300=0"));
        }
    }
}
