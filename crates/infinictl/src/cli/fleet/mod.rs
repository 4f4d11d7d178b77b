//! `infinictl fleet`: the machines and hubs of many hosts, and who may use their engine. `job.rs` has the jobs.

mod control;
mod follow;
mod job;
mod list;
mod show;
mod user;
mod watch;

pub(super) use job::run as job;

use super::error::CliError;
use super::global::Global;
use super::output::Output;
use crate::fleet::{Board, Followed, snapshot};
use clap::Subcommand;
use infiniservice_engine::Engine;
use infiniservice_fleet::subject::{HUBS, JOBS, JobKey, VMS, job_key};
use infiniservice_fleet::{Order, Signed};
use infiniservice_protocol::clock::Now;
use std::time::{Duration, SystemTime};

/// What to do with a fleet.
#[derive(Debug, Subcommand)]
#[allow(clippy::doc_markdown, reason = "these are help texts, and a terminal shows no markdown")]
pub(super) enum Command {
    /// List the machines of all hosts, or the hubs
    List(list::Args),
    /// Show one machine or one hub
    Show(show::Args),
    /// Watch the machines of all hosts; with --json, print each change as it comes
    Watch(watch::Args),
    /// Make a user of the NATS server for a hub, an operator or a site, and print its part of users.conf
    User(user::Args),
}

/// Runs it.
pub(super) async fn run(global: &Global, command: Command) -> Result<(), CliError> {
    let out = Output::new(global.json, global.no_color);
    match command {
        Command::List(args) => list::run(&board(&global.engine().await?).await?, &args, out),
        Command::Show(args) => show::run(&board(&global.engine().await?).await?, &args, out),
        Command::Watch(args) => watch::run(&global.engine().await?, args, out).await,
        Command::User(args) => user::run(&args, out),
    }
}

/// Now; nothing is measured from it.
fn now() -> Now {
    Now { mono: Duration::ZERO, wall: SystemTime::now() }
}

/// Who is there now.
async fn board(engine: &Engine) -> Result<Board, CliError> {
    // What stands in the bucket of hubs was heard, or the engine would have dropped it.
    let (mut board, now) = (Board::default(), now());
    for entry in snapshot(engine, HUBS, ">").await? {
        board.take_hub(&entry, now);
    }
    for entry in snapshot(engine, VMS, ">").await? {
        board.take_vm(&entry, now);
    }
    board.settle(now);
    Ok(board)
}

/// The order of this name, as it stands there. Its signature is for hubs to check.
async fn find(engine: &Engine, id: &str) -> Result<(Order, Signed), CliError> {
    let none = || CliError::Failed(format!("the fleet has no job {id}; `infinictl job list` shows all"));
    let entry = engine.get(JOBS, &job_key(id, &JobKey::Order)).await?.ok_or_else(none)?;
    let signed: Option<Signed> = serde_json::from_slice(entry.value.as_deref().unwrap_or_default()).ok();
    let read = signed.and_then(|signed| Some((serde_json::from_str(&signed.body).ok()?, signed)));
    read.ok_or_else(|| CliError::Failed(format!("the order of the job {id} cannot be read")))
}

/// A job as its coordinator told it last.
async fn followed(engine: &Engine, id: &str) -> Result<Followed, CliError> {
    let mut job = Followed::default();
    if let Some(entry) = engine.get(JOBS, &job_key(id, &JobKey::Progress)).await? {
        job.take_progress(entry.value.as_deref().unwrap_or_default());
    }
    Ok(job)
}
