//! `infinictl process`: processes of the guest.

use super::error::CliError;
use super::output::{Columns, Output, number, state, text};
use super::session::{CHANGING, READING, Session};
use crate::text::{sanitize, units};
use clap::{Args, Subcommand, ValueEnum};
use infiniservice_protocol::Action;
use infiniservice_protocol::action::ProcessSort;
use infiniservice_protocol::data::{ProcessKillData, ProcessListData};
use infiniservice_protocol::metrics::Process;

/// What to do with processes.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List processes, busiest first
    List(ListArgs),
    /// End a process with SIGTERM; with --force also with SIGKILL if it ignores that
    Kill(KillArgs),
}

/// Which processes, and in which order.
#[derive(Args, Debug)]
pub(super) struct ListArgs {
    /// Show at most this many
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// Sort order
    #[arg(long, value_enum)]
    sort: Option<Sort>,
    /// Show only those with this text in their name or command line
    #[arg(long)]
    filter: Option<String>,
}

/// The orders of a list.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Sort {
    /// Busiest first
    Cpu,
    /// Largest resident set first
    Memory,
    /// Lowest id first
    Pid,
    /// By name
    Name,
}

/// Which process.
#[derive(Args, Debug)]
pub(super) struct KillArgs {
    /// Process id
    #[arg(value_parser = clap::value_parser!(u32).range(1..=i64::from(i32::MAX)))]
    pid: u32,
    /// Use SIGKILL if the process ignores SIGTERM
    #[arg(long)]
    force: bool,
}

impl From<Sort> for ProcessSort {
    fn from(sort: Sort) -> Self {
        match sort {
            Sort::Cpu => Self::Cpu,
            Sort::Memory => Self::Memory,
            Sort::Pid => Self::Pid,
            Sort::Name => Self::Name,
        }
    }
}

/// Runs it.
pub(super) async fn run(session: &Session, command: Command) -> Result<(), CliError> {
    match command {
        Command::List(args) => list(session, args).await,
        Command::Kill(args) => kill(session, &args).await,
    }
}

async fn list(session: &Session, args: ListArgs) -> Result<(), CliError> {
    let action =
        Action::ProcessList { limit: args.limit, sort_by: args.sort.map(Into::into), filter: args.filter };
    session.command(&action, READING, "listing processes", list_text).await
}

async fn kill(session: &Session, args: &KillArgs) -> Result<(), CliError> {
    let action = Action::ProcessKill { pid: args.pid, force: args.force };
    let what = format!("ending process {}", args.pid);
    session.command(&action, CHANGING, &what, |data: &ProcessKillData, _| killed(data)).await
}

fn list_text(data: &ProcessListData, out: Output) -> String {
    let shown = data.processes.len();
    let mut parts = vec![table(&data.processes, out)];
    parts.extend(data.incomplete.iter().map(|why| format!("incomplete: {}", sanitize::brief(why))));
    if shown < data.count as usize {
        parts.push(format!("{shown} of {} processes", data.count));
    }
    parts.join("\n")
}

/// A table of processes; `metrics` has one too.
pub(super) fn table(processes: &[Process], out: Output) -> String {
    let mut table =
        Columns::new(out, &["pid", "user", "cpu %", "memory", "threads", "status", "name", "command"]);
    for process in processes {
        table.row([
            number(process.pid),
            text(process.user.as_deref().unwrap_or("-")),
            number(units::percent(process.cpu_percent)),
            number(units::kib(process.memory_kb)),
            number(process.threads),
            state(&process.status),
            text(&process.name),
            text(process.cmd_line.as_deref().unwrap_or("-")),
        ]);
    }
    table.finish()
}

fn killed(data: &ProcessKillData) -> String {
    let end = if data.exited { "has ended" } else { "is still running" };
    let name = sanitize::line(&data.name);
    format!("process {} ({name}) {end} after {}", data.pid, sanitize::line(&data.signal))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_list_says_how_many_there_are() {
        let data = ProcessListData { processes: vec![Process::default()], count: 7, ..Default::default() };
        assert!(list_text(&data, Output::default()).ends_with("\n1 of 7 processes"));
    }

    #[test]
    fn a_hostile_name_does_not_reach_the_terminal_raw() {
        let hostile = Process { name: "\u{1b}]0;x\u{7}".into(), ..Process::default() };
        let shown = table(&[hostile], Output::default());
        assert!(!shown.contains(['\u{1b}', '\u{7}']));
        assert!(
            killed(&ProcessKillData { name: "\u{9b}2J".into(), ..Default::default() }).contains("\\u{9b}2J")
        );
    }
}
