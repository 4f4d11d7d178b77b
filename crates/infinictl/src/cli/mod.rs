//! The command line: one file a command family.

mod agent;
mod apps;
mod autochecks;
mod batch;
mod bugreport;
mod change;
mod cleanup;
mod complete;
mod config;
mod domain;
mod error;
mod exec;
mod fleet;
mod fleet_options;
mod follow;
mod global;
mod history;
mod hub;
mod key_files;
mod keys;
mod libvirt;
mod live;
mod metrics;
mod operator_key;
mod output;
mod package;
mod plugins;
mod power;
mod process;
mod qga;
mod script;
mod seal;
mod send;
mod service;
mod service_logs;
mod session;
mod terminal;
#[cfg(test)]
mod test_support;
mod trace;
mod update;
mod users;

use global::Global;

use clap::{Args, CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use error::CliError;
use infiniservice_protocol::Action;
use session::Session;
use std::io::{Write, stdout};
use std::path::PathBuf;
use std::process::ExitCode;

const EXIT_CODES: &str =
    "Exit codes: 0 done, 1 the command failed, 2 invalid usage, 3 no connection, 4 timed out, 130 Ctrl-C.
autochecks --nagios and --exit-code: 0 healthy, 1 warning, 2 critical, 3 unknown.

Examples:
  infinictl --socket /run/vm/agent.sock metrics
  infinictl --socket /run/vm/agent.sock metrics --follow system.cpu,processes --interval 250ms
  infinictl --local service list --state failed
  infinictl --local service logs nginx --since 2h --priority warning
  infinictl --socket /run/vm/agent.sock autochecks --fix
  infinictl --socket /run/vm/agent.sock package install nginx
  infinictl --socket /run/vm/agent.sock batch commands.jsonl --keep-going
  infinictl --socket /run/vm/qga.sock qga fsfreeze status
  infinictl list
  infinictl watch
  infinictl --vm web-017 service restart nginx
  infinictl job run --vms 'web-*' --max-concurrency 20 --max-failures 5% -- service restart nginx
  infinictl --fleet tls://nats.example:4222 fleet list 'os=debian,load5>4'
  infinictl --fleet tls://nats.example:4222 job run --vms 'web-*' --waves canary:1,10%,rest -- update install
  INFINICTL_SOCKET=/run/vm/agent.sock infinictl --json process list --limit 5";

/// Reads from and controls a guest through its InfiniService agent.
#[derive(Debug, Parser)]
#[command(name = "infinictl", version, after_help = EXIT_CODES, max_term_width = 100)]
struct Cli {
    /// What holds for every subcommand.
    #[command(flatten)]
    global: Global,
    /// What to do.
    #[command(subcommand)]
    command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
#[allow(clippy::doc_markdown, reason = "these are help texts, and a terminal shows no markdown")]
enum Command {
    /// List the machines of this host's infinihub: state, address, system, load, memory, fullest disk
    List(hub::ListArgs),
    /// Show events of the machines of this host's infinihub
    Events(hub::EventsArgs),
    /// Run a command on many machines of this host's infinihub, or with --fleet of many hosts
    #[command(subcommand)]
    Job(hub::JobCommand),
    /// List, show and watch the machines and hubs of many hosts, and make users of their NATS server
    #[command(subcommand)]
    Fleet(fleet::Command),
    /// Show the guest's current figures
    Metrics(metrics::Args),
    /// Watch a guest live: load, disks, network, processes and the link. Without a guest: all machines of this host's
    /// infinihub, what hurts most first; Enter opens one
    Watch(metrics::WatchArgs),
    /// Show the latest figures of the guest's plugins and *.prom files
    Plugins(plugins::Args),
    /// Measure the round trip to the agent
    Ping(agent::PingArgs),
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
    /// List the login accounts of people
    Users(users::Args),
    /// List, install, update and remove packages
    #[command(subcommand)]
    Package(package::Command),
    /// Check for updates and install them
    #[command(subcommand)]
    Update(update::Command),
    /// List the installed applications, from all sources
    Apps(apps::Args),
    /// Check the guest's health, and repair problems
    Autochecks(autochecks::Args),
    /// Remove temporary files, old logs and caches
    Cleanup(cleanup::Args),
    /// Make the agent read its configuration again, if the configuration allows it
    #[command(subcommand)]
    Config(config::Command),
    /// Make the guest join a domain, if its configuration allows it
    #[command(subcommand)]
    Domain(domain::Command),
    /// Make a template of the guest, if its configuration allows it
    Seal(seal::Args),
    /// Run a shell command, if the guest's configuration allows it
    Exec(exec::Args),
    /// Run the commands of a file as one batch: all of them are accepted, or none
    Batch(batch::Args),
    /// Store scripts in the guest, which runs them one after the other
    #[command(subcommand)]
    Script(script::Command),
    /// Send a line unchanged, and print the guest's answer
    Send(send::Args),
    /// Control a guest with the QEMU guest agent's protocol, on the channel org.qemu.guest_agent.0
    #[command(subcommand)]
    Qga(qga::Command),
    /// Create, show and pin the keys for sealed lines
    #[command(subcommand)]
    Keys(keys::Command),
    /// Create, show and rotate the keys that sign the jobs of a fleet
    #[command(subcommand)]
    OperatorKey(operator_key::Command),
    /// Collect the data for a bug report in one archive, without secrets
    Bugreport(bugreport::Args),
    /// Print what a shell reads once to complete this command: subcommands, options, and names of machines behind --vm
    Completions(CompletionArgs),
    /// Print the manual page
    Man(ManArgs),
}

/// The command, with this process's arguments.
pub fn main() -> ExitCode {
    complete::answer(Cli::command);
    run(Cli::parse())
}

/// Runs a parsed command line to its exit code. Errors go to standard error, in one sentence.
fn run(cli: Cli) -> ExitCode {
    let for_nagios = matches!(&cli.command, Command::Autochecks(args) if args.nagios);
    let result = match &cli.command {
        Command::Completions(args) => completions(args),
        Command::Man(args) => man(args),
        Command::OperatorKey(command) => operator_key::run(&cli.global, command),
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
        if let Command::Qga(command) = cli.command {
            return qga::run(&cli.global, command).await;
        }
        let of_all = matches!(&cli.command, Command::Watch(_)) && !cli.global.names_a_guest();
        let is_of_the_hub = of_all
            || matches!(
                cli.command,
                Command::List(_) | Command::Events(_) | Command::Job(_) | Command::Fleet(_)
            );
        if is_of_the_hub && cli.global.seal_key.is_some() {
            let text = "the hub itself reads this, so it cannot be sealed; leave --seal-key out";
            return Err(CliError::Usage(text.into()));
        }
        let command = match cli.command {
            Command::List(args) => return hub::list(&cli.global, &args).await,
            Command::Events(args) => return hub::events(&cli.global, &args).await,
            Command::Job(command) if cli.global.names_a_fleet() => {
                return fleet::job(&cli.global, command).await;
            }
            Command::Job(command) => return hub::job(&cli.global, command).await,
            Command::Fleet(command) => return fleet::run(&cli.global, command).await,
            Command::Watch(args) if of_all => {
                return hub::watch(&cli.global, &args.table, args.interval).await;
            }
            Command::Watch(args) if args.table.is_of_the_table() => {
                let text = "--sort, --filter and --once are for all machines of infinihub's; name none";
                return Err(CliError::Usage(text.into()));
            }
            Command::Keys(command) => return keys::run(&cli.global, command).await,
            other => other,
        };
        let session = Session::open(&cli.global).await?;
        if let Command::Watch(args) = &command {
            return metrics::live(session, &cli.global, args).await;
        }
        let result = tokio::select! {
            result = dispatch(&session, command) => result,
            _ = tokio::signal::ctrl_c() => Err(session.interrupted().await),
        };
        session.close().await;
        result
    });
    // A question that nobody answered would be waited for.
    runtime.shutdown_background();
    result
}

impl Command {
    /// The one action that it asks for, where it is that simple.
    fn action(self) -> Option<Action> {
        match self {
            Self::Power(command) => Some(command.action()),
            Self::Service(command) => command.action(),
            Self::Package(command) => Some(command.action()),
            Self::Update(command) => Some(command.action()),
            Self::Cleanup(args) => Some(args.action()),
            Self::Users(args) => Some(args.action()),
            Self::Apps(args) => Some(args.action()),
            Self::Autochecks(args) => args.plain_action(),
            _ => None,
        }
    }
}

async fn dispatch(session: &Session, command: Command) -> Result<(), CliError> {
    match command {
        Command::Metrics(args) => metrics::run(session, &args).await,
        Command::Plugins(args) => plugins::run(session, &args).await,
        Command::Ping(args) => agent::ping(session, &args).await,
        Command::Hello => agent::hello(session).await,
        Command::Power(command) => power::run(session, command).await,
        Command::Service(command) => service::run(session, command).await,
        Command::Process(command) => process::run(session, command).await,
        Command::Users(args) => users::run(session, args).await,
        Command::Package(command) => package::run(session, command).await,
        Command::Update(command) => update::run(session, command).await,
        Command::Apps(args) => apps::run(session, args).await,
        Command::Autochecks(args) => autochecks::run(session, args).await,
        Command::Cleanup(args) => cleanup::run(session, args).await,
        Command::Config(command) => config::run(session, command).await,
        Command::Domain(command) => domain::run(session, command).await,
        Command::Seal(args) => seal::run(session, args).await,
        Command::Exec(args) => exec::run(session, args).await,
        Command::Batch(args) => batch::run(session, &args).await,
        Command::Script(command) => script::run(session, command).await,
        Command::Send(args) => send::run(session, &args).await,
        Command::Bugreport(args) => bugreport::run(session, &args).await,
        Command::List(_)
        | Command::Events(_)
        | Command::Job(_)
        | Command::Fleet(_)
        | Command::Keys(_)
        | Command::OperatorKey(_)
        | Command::Qga(_)
        | Command::Watch(_)
        | Command::Completions(_)
        | Command::Man(_) => Ok(()),
    }
}

/// Which shell.
#[derive(Args, Debug)]
pub struct CompletionArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Where to.
#[derive(Args, Debug)]
pub struct ManArgs {
    /// Write pages for infinictl and each subcommand into this directory instead
    #[arg(long, value_name = "PATH")]
    dir: Option<PathBuf>,
}

/// Prints the completions.
fn completions(args: &CompletionArgs) -> Result<(), CliError> {
    Ok(stdout().lock().write_all(&complete::script(args.shell)?)?)
}

/// Prints the manual page, or writes all of them.
fn man(args: &ManArgs) -> Result<(), CliError> {
    if let Some(dir) = &args.dir {
        let failed =
            |error| CliError::Failed(format!("cannot write manual pages into {}: {error}", dir.display()));
        return clap_mangen::generate_to(Cli::command(), dir).map_err(failed);
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(Cli::command()).render(&mut page)?;
    Ok(stdout().lock().write_all(&page)?)
}
