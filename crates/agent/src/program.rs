//! What the program does in each mode; each returns the exit code.

use crate::bugreport;
use crate::cli::{Cli, Command, Mode, print};
use crate::config::{Loaded, Sources, own_files, render};
use crate::logging;
use crate::service::manager;
use crate::service::{self, Ended};
use crate::status;
use infiniservice_actions::autochecks::configuration;
use infiniservice_actions::event_log;
use infiniservice_channel::diagnose::DiagnoseOptions;
use std::ffi::OsString;
use std::path::Path;

/// Names and values, as [`super::config::environment::of_process`] gives them.
pub type Environment = Vec<(OsString, OsString)>;

/// Wrong arguments or settings.
const USAGE: u8 = 2;
/// No device, and one is required.
const NO_DEVICE: u8 = 3;

/// What the service manager's call does.
pub fn run_service(cli: &Cli, environment: Environment) -> u8 {
    let protected = manager::protect_files();
    // What others may write is no log, and could lead anywhere.
    if let Some(path) = own_files::service_log().filter(|_| protected.is_ok()) {
        logging::write_to_file(path);
    }
    event_log::open();
    protected.unwrap_or_else(|problem| vec![problem]).iter().for_each(|told| logging::before_settings(told));
    let code = start(cli, environment);
    logging::flush();
    code
}

/// Reads the settings, and does what the arguments ask for.
pub fn start(cli: &Cli, environment: Environment) -> u8 {
    match load(cli, environment) {
        Ok(loaded) => run(cli, &loaded),
        Err(problems) => {
            logging::before_settings(&problems);
            USAGE
        }
    }
}

fn load(cli: &Cli, environment: Environment) -> Result<Loaded, String> {
    let flags = cli.flag_values()?;
    let sources = Sources::of_process(cli.config.clone(), environment, flags);
    let strict = cli.require_config || cli.mode() != Mode::Run;
    let loaded = if strict { sources.load() } else { sources.load_or_last_good() };
    loaded.map_err(|errors| errors.to_string())
}

fn run(cli: &Cli, loaded: &Loaded) -> u8 {
    if let Err(e) = logging::init(loaded.settings.log_level, cli.console) {
        logging::say(&e.to_string());
    }
    let code = match cli.mode() {
        Mode::PrintConfig => print(&print_config(cli.json, loaded)),
        Mode::Diagnose => diagnose(cli, loaded),
        Mode::Run => serve(loaded.clone()),
    };
    logging::flush();
    code
}

fn print_config(json: bool, loaded: &Loaded) -> String {
    if json { render::print_json(loaded) } else { render::print_text(loaded) }
}

/// What is asked of the running agent, or about it; `None`: nothing, the program is to run.
pub fn ask(cli: &Cli, environment: &Environment) -> Option<u8> {
    match cli.command.as_ref()? {
        Command::Service(_) => None,
        Command::Status { json } => Some(status(*json)),
        Command::Bugreport { output } => {
            let loaded = load(cli, environment.clone());
            Some(said(bugreport::write(output, loaded.as_ref())))
        }
    }
}

fn status(json: bool) -> u8 {
    let shown = status::shown(json);
    if shown.answered {
        print(&(shown.text + "\n"));
    } else {
        logging::say(&shown.text);
        logging::flush();
    }
    shown.exit_code
}

/// Shows a result; an error goes to standard error.
pub fn said(outcome: Result<String, String>) -> u8 {
    match outcome {
        Ok(text) => print(&format!("{text}\n")),
        Err(problem) => {
            logging::say(&problem);
            logging::flush();
            1
        }
    }
}

fn diagnose(cli: &Cli, loaded: &Loaded) -> u8 {
    let settings = &loaded.settings;
    let mut options = DiagnoseOptions::new(settings.device_path.clone());
    options.device = options.device.searching(settings.qga.search());
    options.guest_agent = service::for_diagnosis(settings);
    let report = manager::diagnose(&options);
    print(&if cli.json { report.to_json() } else { report.to_text() });
    u8::from(!report.usable())
}

/// What is wrong with it comes first in the log.
fn tell_of_configuration(loaded: &Loaded) {
    let Some(problem) = loaded.problem.as_ref().map(ToString::to_string) else {
        if let Err(error) = loaded.keep() {
            log::debug!(
                "cannot keep a copy of the valid configuration for a start with an invalid one: {error}"
            );
        }
        return;
    };
    problem.lines().for_each(|line| log::error!("{line}"));
    let file = loaded.file.as_deref().unwrap_or(Path::new("")).display();
    log::error!("the configuration is invalid: started with the last valid one, {file}");
    configuration::report_problem(Some(&problem));
}

fn serve(loaded: Loaded) -> u8 {
    infiniservice_qga_commands::close_gate_if_frozen();
    tell_of_configuration(&loaded);
    if let Err(problem) = service::descriptors::ensure_enough() {
        log::error!("cannot start: {problem}");
        return 1;
    }
    log::info!("infiniservice {} starts", infiniservice_platform::AGENT_VERSION);
    if let Some(origin) = loaded.merged.set_by("read_timeout_ms") {
        log::warn!(
            "read_timeout_ms is set ({origin}) and has no effect: every port reports data by an event"
        );
    }
    match service::run_process(loaded) {
        Ok(Ended::Stopped(_)) => 0,
        Ok(Ended::NoDevice) => NO_DEVICE,
        Err(e) => {
            log::error!("cannot start: {e}");
            1
        }
    }
}
