//! `infinictl job`: one command for many machines, of one infinihub or of a fleet of them.

mod report;
mod run;
pub(in crate::cli) mod show;
mod words;

pub(in crate::cli) use report::Report;
pub(in crate::cli) use run::{Args as RunArgs, bar};
pub(in crate::cli) use words::message;

use crate::cli::error::CliError;
use crate::cli::global::Global;
use crate::cli::output::Output;
use clap::Subcommand;

/// What to do with jobs.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Command {
    /// Run a command on many machines, and wait until each of them has an outcome
    Run(run::Args),
    /// List the jobs, the newest first
    List,
    /// Show one job with its machines
    Show(ShowArgs),
    /// Pause a job of a fleet: no further machine begins until it is resumed
    Pause(Named),
    /// Let a job of a fleet go on
    Resume(Named),
    /// Cancel a job: no further machine begins, and running commands are ended if their guest can end them
    Cancel(Named),
}

/// Which job.
#[derive(clap::Args, Debug)]
pub(in crate::cli) struct Named {
    /// The job (infinictl job list)
    pub(in crate::cli) id: String,
}

/// Which job, and how much of it.
#[derive(clap::Args, Debug)]
pub(in crate::cli) struct ShowArgs {
    /// The job (infinictl job list)
    pub(in crate::cli) id: String,
    /// Also show the output of the guests' programs; with --json their complete answers
    #[arg(long)]
    pub(in crate::cli) results: bool,
}

/// Runs it.
pub(in crate::cli) async fn run(global: &Global, command: Command) -> Result<(), CliError> {
    let (api, out) = (global.api()?, Output::new(global.json, global.no_color));
    match command {
        Command::Run(args) => run::run(global, args).await,
        Command::List => {
            let jobs = api.get("/v1/jobs").await?;
            let jobs = jobs.as_array().cloned().unwrap_or_default();
            if out.json {
                return jobs.iter().try_for_each(|job| out.document(&job.to_string()));
            }
            out.text(&show::list(&jobs, out))
        }
        Command::Show(ShowArgs { id, results }) => {
            let job = api.get(&format!("{}?results={results}", address(&id))).await?;
            if out.json { out.document(&job.to_string()) } else { out.text(&show::one(&job, out, true)) }
        }
        Command::Pause(_) | Command::Resume(_) => Err(CliError::Usage(
            "only jobs of a fleet can be paused: give --fleet URL (or INFINICTL_FLEET)".to_owned(),
        )),
        Command::Cancel(Named { id }) => {
            let job = api.post(&format!("{}/cancel", address(&id)), &serde_json::Value::Null).await?;
            if out.json { out.document(&job.to_string()) } else { out.text(&show::summary(&job)) }
        }
    }
}

/// The job's address in the API. What no id has is left out, so that it stays one.
fn address(id: &str) -> String {
    let plain = |c: &char| c.is_ascii_alphanumeric() || "-_.".contains(*c);
    format!("/v1/jobs/{}", id.chars().filter(plain).collect::<String>())
}
