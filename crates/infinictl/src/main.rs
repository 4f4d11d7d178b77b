//! `infinictl`: the host end of the wire, as a command.

use clap::Parser;
use infinictl::cli::{Cli, run};
use std::process::ExitCode;

fn main() -> ExitCode {
    run(Cli::parse())
}
