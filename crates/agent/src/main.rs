//! Entry point: parse arguments, choose who runs the program.
#![forbid(unsafe_code)]

use clap::Parser as _;
use infiniservice::cli::{Cli, Command, Mode};
use infiniservice::config::environment;
use infiniservice::program;
use infiniservice::service::{manager, signals};

fn main() {
    signals::reset_inherited();
    manager::end(run(&Cli::parse()))
}

/// The exit code, once everything is written.
fn run(cli: &Cli) -> u8 {
    if let Some(Command::Service(request)) = &cli.command {
        return program::said(manager::carry_out(request));
    }
    let environment = environment::of_process();
    if let Some(code) = program::ask(cli, &environment) {
        return code;
    }
    if cli.mode() == Mode::Run && !cli.console {
        let (own, environment) = (cli.clone(), environment.clone());
        if let Some(code) = manager::run_as_service(move || program::run_service(&own, environment)) {
            return code;
        }
    }
    program::start(cli, environment)
}
