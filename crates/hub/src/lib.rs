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
    let is_exporter = cli.role == cli::Role::Exporter;
    let load = if is_exporter { config::load_for_exporter } else { config::load };
    let config = match load(cli.config.as_deref()) {
        Ok(config) => config,
        Err(error) if cli.diagnose => {
            println!("wrong: {error}");
            if !is_exporter {
                println!("a hub that runs keeps the settings that it has");
            }
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
    let done = match (cli.role, cli.diagnose) {
        (cli::Role::Hub, false) => daemon::run(config, cli.config),
        (cli::Role::Hub, true) => daemon::diagnose(&config),
        (cli::Role::Exporter, false) => daemon::export(&config),
        (cli::Role::Exporter, true) => daemon::diagnose_exporter(&config),
    };
    done.unwrap_or_else(|error| {
        eprintln!("infinihub: {error:#}");
        ExitCode::FAILURE
    })
}
