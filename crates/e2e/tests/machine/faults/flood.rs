//! A host that asks as fast as it can. A hundred thousand commands: `cargo xtask soak flood --vm`.

use super::{host, told};
use crate::support::in_unit;
use anyhow::{Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;
use infiniservice_e2e::messages::TIMEOUT;
use std::time::{Duration, Instant};

pub const SCENARIOS: &[Scenario] = &[("faults::commands_at_full_speed_are_answered_each_and_once", flood)];

const COMMANDS: u32 = 5000;
const BETWEEN_READS: Duration = Duration::from_millis(300);
/// Room for some hundred refusals: unless the agent stops reading when they wait for a host that does not read, most get lost.
const LITTLE: &str =
    "Environment=INFINISERVICE_OUTBOX_MAX_BYTES=1048576 INFINISERVICE_MAX_OUTGOING_LINE_BYTES=1048576";

fn flood(guest: &Guest) -> Result<()> {
    let _usual = in_unit(guest, LITTLE)?;
    let mut host = host(guest)?;
    let begin = Instant::now();
    for number in 0..COMMANDS {
        host.ask(&format!(r#""action":"ProcessList","limit":1,"filter":"no-such-{number}""#));
    }
    while !host.has_asked_all() {
        ensure!(host.turn_slowly(BETWEEN_READS)?, "the connection ended: {}", host.ledger);
    }
    host.settle(TIMEOUT)?;
    println!("  {COMMANDS} commands in {:.1} s", begin.elapsed().as_secs_f64());
    let back = super::back(&mut host)?;
    told("flood", &host, back)
}
