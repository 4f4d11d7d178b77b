//! One collection beside its floor, under loads of processes and sockets.

use anyhow::{Context, Result};

use crate::Effort;
use crate::programs::Programs;
use crate::table::{Row, Table, millis_number};

/// Processes in the whole machine, and sockets.
const LOADS: [(usize, usize); 4] = [(100, 0), (1000, 0), (5000, 0), (150, 5000)];
/// Until what a young process costs more than an old one is over (`/proc/PID` is read again while it is young).
const SETTLE_SECS: u64 = 31;

/// A row a load.
pub fn measure(programs: &Programs, effort: &Effort, table: &mut Table) -> Result<()> {
    for (processes, sockets) in LOADS {
        let _load = programs.load(processes, sockets)?;
        let report = programs.measure(effort.collections, SETTLE_SECS)?;
        let number = |name: &str| report[name].as_f64().with_context(|| format!("{name} in {report}"));
        let (ours, floor) = (number("collection_cpu_ms")?, number("floor_cpu_ms")?);
        let what = format!(
            "processor time of a collection, {} processes, {} ports, ms",
            report["processes"], report["sockets"]
        );
        table.row(
            Row::new(&what)
                .texts(&millis_number(ours), &format!("{} (floor)", millis_number(floor)))
                .ratio(ours / floor)
                .reached("≤ 1.5 × floor", ours <= 1.5 * floor),
        );
    }
    Ok(())
}
