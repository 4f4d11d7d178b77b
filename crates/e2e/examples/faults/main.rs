//! Faults and floods that take too long for the tests, on the real agent: `cargo xtask soak connects|flood|slow|day|live`. The agent is that
//! of `INFINISERVICE_AGENT`, or of the release build.

mod connects;
mod day;
mod flood;
mod growth;
mod live;
mod slow;
mod target;

use anyhow::Result;
use clap::Parser;

/// What is done to the agent.
#[derive(Parser)]
enum Fault {
    Connects(connects::Connects),
    Day(day::Day),
    Flood(flood::Flood),
    Live(live::Live),
    Slow(slow::Slow),
}

fn main() -> Result<()> {
    match Fault::parse() {
        Fault::Connects(connects) => connects.run(),
        Fault::Day(day) => day.run(),
        Fault::Flood(flood) => flood.run(),
        Fault::Live(live) => live.run(),
        Fault::Slow(slow) => slow.run(),
    }
}
