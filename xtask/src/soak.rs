//! `cargo xtask soak`: the link's simulator for a million hours, or as many as are asked for; with a word more, the real agent
//! under floods, slow hosts, a day's traffic, or for half an hour, or the host's daemon with ten thousand guests.

use anyhow::{Context, Result, ensure};
use clap::{Args, Subcommand};
use std::ffi::OsString;
use std::process::Command;

use crate::dist::released_agent;
use crate::fleet::Fleet;
use crate::steps::{cargo, run};

/// Simulate the link with faults, from a seed; or run the real agent for longer than the tests do
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Soak {
    #[command(subcommand)]
    real: Option<Real>,
    #[command(flatten)]
    simulator: Simulator,
}

/// What is done to the real agent; `--help` behind each tells its options.
#[derive(Subcommand, Debug)]
enum Real {
    /// A thousand connects and disconnects of the host, on the port of the virtual machine.
    #[command(disable_help_flag = true)]
    Connects(Rest),
    /// A hundred thousand commands at full speed, every response accounted for.
    #[command(disable_help_flag = true)]
    Flood(Rest),
    /// A host that reads one byte per second, and then the rest.
    #[command(disable_help_flag = true)]
    Slow(Rest),
    /// A day's traffic in a hundredth of its time.
    #[command(disable_help_flag = true)]
    Day(Rest),
    /// Half an hour of mixed load; fails if the agent's memory, descriptors or threads grow.
    #[command(disable_help_flag = true)]
    Live(Rest),
    /// Many simulated guests, well and ill, and the real infinihub; fails if a line is lost or a bound is passed.
    Fleet(Fleet),
}

/// Options of the program that does it.
#[derive(Args, Debug)]
struct Rest {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    options: Vec<OsString>,
}

/// The link alone, with simulated time.
#[derive(Args, Debug)]
struct Simulator {
    /// Simulated hours in total.
    #[arg(long, default_value_t = 1_000_000)]
    hours: u64,
    /// Seed of the first life of fifty hours; a failing seed is printed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Concurrent lives; by default as many as there are processors.
    #[arg(long)]
    threads: Option<usize>,
}

impl Soak {
    /// Builds what is needed and runs it; its exit code decides.
    pub fn run(&self) -> Result<()> {
        match &self.real {
            None => self.simulator.run(),
            Some(Real::Connects(rest)) => rest.run("connects"),
            Some(Real::Flood(rest)) => rest.run("flood"),
            Some(Real::Slow(rest)) => rest.run("slow"),
            Some(Real::Day(rest)) => rest.run("day"),
            Some(Real::Live(rest)) => rest.run("live"),
            Some(Real::Fleet(fleet)) => fleet.run(),
        }
    }
}

impl Rest {
    /// The agent is built as it is released, unless `INFINISERVICE_AGENT` names another.
    fn run(&self, what: &str) -> Result<()> {
        let mut program =
            cargo(&["run", "--quiet", "-p", "infiniservice-e2e", "--example", "faults", "--", what]);
        if std::env::var_os("INFINISERVICE_AGENT").is_none() {
            program.env("INFINISERVICE_AGENT", released_agent()?);
        }
        run(program.args(&self.options))
    }
}

impl Simulator {
    /// Built in a profile of its own.
    fn run(&self) -> Result<()> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.args(["run", "--quiet", "--profile", "soak", "--package", "infiniservice-link"]);
        command.args(["--features", "sim", "--example", "soak", "--"]);
        command.args(["--hours", &self.hours.to_string(), "--seed", &self.seed.to_string()]);
        if let Some(threads) = self.threads {
            command.args(["--threads", &threads.to_string()]);
        }
        let status = command.status().context("cargo did not start")?;
        ensure!(status.success(), "the soak found a broken invariant; the command above reproduces it");
        Ok(())
    }
}
