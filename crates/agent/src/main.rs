//! Entry point: parse arguments, choose a mode, run.

use clap::Parser as _;
use infiniservice::cli::{Cli, Mode};
use infiniservice::communication::diagnose::{self, DiagnoseOptions};
use infiniservice::config::{Loaded, Sources, render};
use infiniservice::logging;
use infiniservice::service::{self, Ended};
use std::io::Write as _;
use std::process::ExitCode;

/// Wrong arguments or settings.
const USAGE: u8 = 2;
/// No device, and one is required.
const NO_DEVICE: u8 = 3;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match load(&cli) {
        Ok(loaded) => run(&cli, &loaded),
        Err(problems) => {
            for line in problems.lines() {
                eprintln!("infiniservice: {line}");
            }
            ExitCode::from(USAGE)
        }
    }
}

fn load(cli: &Cli) -> Result<Loaded, String> {
    let flags = cli.flag_values()?;
    Sources::of_process(cli.config.clone(), flags).load().map_err(|errors| errors.to_string())
}

fn run(cli: &Cli, loaded: &Loaded) -> ExitCode {
    if let Err(e) = logging::init(loaded.settings.log_level, cli.console) {
        eprintln!("infiniservice: {e}");
    }
    match cli.mode() {
        Mode::PrintConfig => print(&print_config(cli.json, loaded)),
        Mode::Diagnose => diagnose(cli, loaded),
        Mode::Run => serve(loaded.clone()),
    }
}

fn print_config(json: bool, loaded: &Loaded) -> String {
    if json { render::print_json(loaded) } else { render::print_text(loaded) }
}

/// A reader that goes away (`| head`) is not a failure worth a message.
fn print(text: &str) -> ExitCode {
    let written = std::io::stdout().write_all(text.as_bytes());
    if written.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn diagnose(cli: &Cli, loaded: &Loaded) -> ExitCode {
    let report = diagnose::run(&DiagnoseOptions::new(loaded.settings.device_path.clone()));
    print(&if cli.json { report.to_json() } else { report.to_text() });
    if report.usable() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn serve(loaded: Loaded) -> ExitCode {
    log::info!("infiniservice {} starts", infiniservice::AGENT_VERSION);
    match service::run_process(loaded) {
        Ok(Ended::Stopped(_)) => ExitCode::SUCCESS,
        Ok(Ended::NoDevice) => ExitCode::from(NO_DEVICE),
        Err(e) => {
            log::error!("cannot start: {e}");
            ExitCode::FAILURE
        }
    }
}
