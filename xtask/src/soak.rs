//! `cargo xtask soak`: the link's simulator for a million hours, or as many as are asked for.

use anyhow::{Context, ensure};
use clap::Args;
use std::process::Command;

/// Simulate the link's life under faults, from a seed; prints hours per second
#[derive(Args, Debug)]
pub struct Soak {
    /// Simulated hours in all.
    #[arg(long, default_value_t = 1_000_000)]
    hours: u64,
    /// Seed of the first life of fifty hours; a failing seed is printed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Lives beside each other; as many as there are processors when absent.
    #[arg(long)]
    threads: Option<usize>,
}

impl Soak {
    /// Builds the simulator in its own profile and runs it; its exit code decides.
    pub fn run(&self) -> anyhow::Result<()> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.args(["run", "--quiet", "--profile", "soak", "--package", "infiniservice-link"]);
        command.args(["--features", "sim", "--example", "soak", "--"]);
        command.args(["--hours", &self.hours.to_string(), "--seed", &self.seed.to_string()]);
        if let Some(threads) = self.threads {
            command.args(["--threads", &threads.to_string()]);
        }
        let status = command.status().context("cargo did not start")?;
        ensure!(status.success(), "the soak found a broken invariant; the command above repeats it");
        Ok(())
    }
}
