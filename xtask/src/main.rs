//! What a person types: `cargo xtask <command>`. A command is one module and one arm below.
#![forbid(unsafe_code)]

mod bench;
mod beside;
mod demo;
mod dist;
mod fleet;
mod fuzz;
mod lab;
mod soak;
mod steps;
mod target;
mod test;
mod test_programs;
mod windows;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

/// Tasks of this workspace.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Command {
    Bench(bench::Bench),
    Demo(demo::Demo),
    #[command(subcommand)]
    Dist(dist::Dist),
    Fuzz(fuzz::Fuzz),
    #[command(subcommand)]
    Lab(lab::Lab),
    Soak(soak::Soak),
    Test(test::Test),
}

impl Command {
    fn run(self) -> Result<()> {
        match self {
            Self::Bench(command) => command.run(),
            Self::Demo(command) => command.run(),
            Self::Dist(command) => command.run(),
            Self::Fuzz(command) => command.run(),
            Self::Lab(command) => command.run(),
            Self::Soak(command) => command.run(),
            Self::Test(command) => command.run(),
        }
    }
}

fn main() -> ExitCode {
    match steps::own_program().and_then(|_| Command::parse().run()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
