//! `infinihub`: the daemon of a host that owns every guest's socket, and serves all who want to read or command.
//!
//! What it decides is in `infiniservice-hub-core`, without I/O; here are the sockets, the files and the HTTP.
#![forbid(unsafe_code)]

pub mod cli;
pub mod config;
mod daemon;
pub mod pattern;

use clap::Parser as _;
use std::process::ExitCode;

/// Parses the command line and does what it says.
pub fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let config = match config::load(cli.config.as_deref()) {
        Ok(config) => config,
        Err(error) if cli.diagnose => {
            println!("wrong: {error}");
            println!("a hub that runs keeps the settings that it has");
            return ExitCode::FAILURE;
        }
        Err(error) => {
            eprintln!("infinihub: {error}");
            return ExitCode::from(2);
        }
    };
    if cli.print_config {
        print!("{}", config.to_toml());
        return ExitCode::SUCCESS;
    }
    let done = if cli.diagnose { daemon::diagnose(&config) } else { daemon::run(config, cli.config) };
    done.unwrap_or_else(|error| {
        eprintln!("infinihub: {error:#}");
        ExitCode::FAILURE
    })
}
