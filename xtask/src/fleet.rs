//! The host's daemon with thousands of simulated guests: a minute in the test run, longer with `cargo xtask soak fleet`.

use crate::dist::linux::FAST;
use crate::dist::site::Site;
use crate::steps::{built, cargo, run};
use crate::test_programs;
use anyhow::Result;
use clap::Args;
use std::path::Path;
use std::process::Command;

/// Guests and seconds of the test run.
const TESTED: [&str; 4] = ["--guests", "2000", "--seconds", "60"];

/// How many, and for how long.
#[derive(Args, Debug)]
pub struct Fleet {
    /// Simulated guests; each wants two descriptors of this process.
    #[arg(long, default_value_t = 10_000)]
    guests: usize,
    /// For how long.
    #[arg(long, default_value_t = 10)]
    minutes: u64,
}

impl Fleet {
    /// Builds the daemon and its guests as they are released, and runs them.
    pub fn run(&self) -> Result<()> {
        let build = ["build", "--release", "-p", "infinihub", "--bins", "--example", "crowd"];
        run(cargo(&build).args(FAST))?;
        let (guests, seconds) = (self.guests.to_string(), (self.minutes * 60).to_string());
        let options = ["--guests", &guests, "--seconds", &seconds];
        run(&mut crowd(&built("release/examples/crowd"), &built("release/infinihub"), &options))
    }
}

/// The step of the test run, with the daemon of the release for tests: the one built for unit tests would take ten times the processor.
pub fn tested() -> Result<()> {
    let hub = Site::of_tests()?.documents().join("hub/infinihub");
    run(&mut crowd(&test_programs::example("crowd")?, &hub, &TESTED))
}

fn crowd(program: &Path, hub: &Path, options: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.arg("--hub").arg(hub).args(options);
    command
}
