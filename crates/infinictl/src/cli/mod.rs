//! The command line: one file a command family.

mod apps;
mod autochecks;
mod bugreport;
mod change;
mod cleanup;
mod columns;
mod confirm;
mod error;
mod exec;
mod global;
mod hello;
#[cfg(test)]
mod hostile;
mod metrics;
mod output;
mod package;
mod ping;
mod power;
mod process;
mod progress;
mod send;
mod service;
mod service_logs;
mod session;
mod shell;
mod table;
mod update;
mod watch;

pub use global::Global;

use clap::{Parser, Subcommand};
use error::CliError;
use session::Session;
use std::process::ExitCode;

const EXIT_CODES: &str =
    "Exit codes: 0 done, 1 the command failed, 2 invalid usage, 3 no connection, 4 timed out, 130 Ctrl-C.
autochecks --nagios and --exit-code: 0 healthy, 1 warning, 2 critical, 3 unknown.

Examples:
  infinictl --socket /run/vm/agent.sock metrics
  infinictl --local service list --state failed
  infinictl --local service logs nginx --since 2h --priority warning
  infinictl --socket /run/vm/agent.sock autochecks --fix
  infinictl --socket /run/vm/agent.sock package install nginx
  INFINICTL_SOCKET=/run/vm/agent.sock infinictl --json process list --limit 5";

/// Reads from and controls a guest through its InfiniService agent.
#[derive(Debug, Parser)]
#[command(name = "infinictl", version, after_help = EXIT_CODES, max_term_width = 100)]
pub struct Cli {
    /// What holds for every subcommand.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show the guest's current figures
    Metrics,
    /// Watch the guest live: load, disks, network, processes and the link
    Watch(watch::Args),
    /// Measure the round trip to the agent
    Ping(ping::Args),
    /// Show who the agent is and what it can do
    Hello,
    /// Shut down or reboot the guest
    #[command(subcommand)]
    Power(power::Command),
    /// List and control services, and read their logs
    #[command(subcommand)]
    Service(service::Command),
    /// List and end processes
    #[command(subcommand)]
    Process(process::Command),
    /// List, install, update and remove packages
    #[command(subcommand)]
    Package(package::Command),
    /// Check for updates and install them
    #[command(subcommand)]
    Update(update::Command),
    /// List the installed applications, whatever installed them
    Apps(apps::Args),
    /// Check the guest's health, and repair problems
    Autochecks(autochecks::Args),
    /// Remove temporary files, old logs and caches
    Cleanup(cleanup::Args),
    /// Run a shell command, if the guest's configuration allows it
    Exec(exec::Args),
    /// Send a line unchanged, and print the guest's answer
    Send(send::Args),
    /// Collect the data for a bug report in one archive, without secrets
    Bugreport(bugreport::Args),
    /// Print the completions for a shell
    Completions(shell::CompletionArgs),
    /// Print the manual page
    Man(shell::ManArgs),
}

/// The command, with this process's arguments.
pub fn main() -> ExitCode {
    run(Cli::parse())
}

/// Runs a parsed command line to its exit code. Errors go to standard error, in one sentence.
pub fn run(cli: Cli) -> ExitCode {
    let for_nagios = matches!(&cli.command, Command::Autochecks(args) if args.nagios);
    let result = match &cli.command {
        Command::Completions(args) => shell::completions(args),
        Command::Man(args) => shell::man(args),
        _ => run_async(cli),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if for_nagios => autochecks::nagios::unknown(&error).report(),
        Err(error) => error.report(),
    }
}

fn run_async(cli: Cli) -> Result<(), CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|e| CliError::Failed(format!("cannot start: {e}")))?;
    let result = runtime.block_on(async {
        let session = Session::open(&cli.global).await?;
        if let Command::Watch(args) = &cli.command {
            return watch::run(session, &cli.global, args).await;
        }
        let result = tokio::select! {
            result = dispatch(&session, cli.command) => result,
            _ = tokio::signal::ctrl_c() => Err(session.interrupted()),
        };
        session.close().await;
        result
    });
    // A question that nobody answered would be waited for.
    runtime.shutdown_background();
    result
}

async fn dispatch(session: &Session, command: Command) -> Result<(), CliError> {
    match command {
        Command::Metrics => metrics::run(session).await,
        Command::Ping(args) => ping::run(session, &args).await,
        Command::Hello => hello::run(session).await,
        Command::Power(command) => power::run(session, command).await,
        Command::Service(command) => service::run(session, command).await,
        Command::Process(command) => process::run(session, command).await,
        Command::Package(command) => package::run(session, command).await,
        Command::Update(command) => update::run(session, command).await,
        Command::Apps(args) => apps::run(session, args).await,
        Command::Autochecks(args) => autochecks::run(session, args).await,
        Command::Cleanup(args) => cleanup::run(session, args).await,
        Command::Exec(args) => exec::run(session, args).await,
        Command::Send(args) => send::run(session, &args).await,
        Command::Bugreport(args) => bugreport::run(session, &args).await,
        Command::Watch(_) | Command::Completions(_) | Command::Man(_) => Ok(()),
    }
}
