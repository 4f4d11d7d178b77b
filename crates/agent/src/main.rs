//! Entry point: parse arguments, choose who runs the program.

use clap::Parser as _;
use infiniservice::cli::{Cli, Command, Mode};
use infiniservice::program;
use infiniservice::service::manager;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Some(Command::Service(request)) = &cli.command {
        return program::said(manager::carry_out(request)).into();
    }
    if cli.mode() == Mode::Run && !cli.console {
        let own = cli.clone();
        if let Some(code) = manager::run_as_service(move || program::run_service(&own)) {
            return code.into();
        }
    }
    program::start(&cli).into()
}
