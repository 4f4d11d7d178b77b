//! `ProcessList`: all processes, sorted, filtered, limited.

use crate::commands::context::CommandContext;
use crate::commands::control::Control;
use crate::commands::outcome::{CommandError, CommandOutcome, CommandResult};
use infiniservice_protocol::ErrorCode;
use infiniservice_protocol::action::ProcessSort;
use infiniservice_protocol::data::ProcessListData;
use infiniservice_protocol::metrics::Process;
use std::cmp::Ordering;

/// The action's parameters.
#[derive(Debug, Default)]
pub(super) struct Query {
    pub(super) limit: Option<u32>,
    pub(super) sort_by: Option<ProcessSort>,
    pub(super) filter: Option<String>,
}

/// Lists the processes.
pub(super) async fn run(query: &Query, context: &CommandContext, control: &Control) -> CommandResult {
    let processes = control.bound(context.processes.processes()).await?;
    let processes = processes.map_err(|why| CommandError::new(ErrorCode::ExecutionFailed, why))?;
    CommandOutcome::of(&select(processes, query))
}

fn select(mut processes: Vec<Process>, query: &Query) -> ProcessListData {
    if let Some(filter) = &query.filter {
        let filter = filter.to_lowercase();
        processes.retain(|process| contains(process, &filter));
    }
    let count = u32::try_from(processes.len()).unwrap_or(u32::MAX);
    let by = query.sort_by.unwrap_or(ProcessSort::Cpu);
    processes.sort_by(|a, b| order(by, a, b));
    processes.truncate(query.limit.map_or(usize::MAX, |limit| limit as usize));
    ProcessListData { processes, count }
}

fn contains(process: &Process, filter: &str) -> bool {
    let holds = |text: &str| text.to_lowercase().contains(filter);
    holds(&process.name) || process.cmd_line.as_deref().is_some_and(holds)
}

/// Ties are broken by the pid, so that equal requests get equal answers.
fn order(by: ProcessSort, a: &Process, b: &Process) -> Ordering {
    let busiest = || b.cpu_percent.total_cmp(&a.cpu_percent);
    let largest = || b.memory_kb.cmp(&a.memory_kb);
    match by {
        ProcessSort::Cpu => busiest().then_with(largest),
        ProcessSort::Memory => largest(),
        ProcessSort::Pid => Ordering::Equal,
        ProcessSort::Name => a.name.cmp(&b.name),
    }
    .then(a.pid.cmp(&b.pid))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: u32, name: &str, cpu_percent: f64, memory_kb: u64) -> Process {
        Process { pid, name: name.into(), cpu_percent, memory_kb, ..Process::default() }
    }

    fn machine() -> Vec<Process> {
        let mut shell = process(9, "bash", 0.0, 30);
        shell.cmd_line = Some("/bin/bash -c Backup".into());
        vec![
            process(1, "systemd", 0.0, 900),
            process(7, "nginx", 12.5, 50),
            process(3, "nginx", 12.5, 80),
            shell,
        ]
    }

    fn pids(query: &Query) -> Vec<u32> {
        select(machine(), query).processes.iter().map(|p| p.pid).collect()
    }

    #[test]
    fn the_busiest_come_first_by_default_and_memory_breaks_the_tie() {
        assert_eq!(pids(&Query::default()), [3, 7, 1, 9]);
    }

    #[test]
    fn each_order_is_what_its_name_says() {
        let by = |sort| pids(&Query { sort_by: Some(sort), ..Query::default() });
        assert_eq!(by(ProcessSort::Memory), [1, 3, 7, 9]);
        assert_eq!(by(ProcessSort::Pid), [1, 3, 7, 9]);
        assert_eq!(by(ProcessSort::Name), [9, 3, 7, 1]);
    }

    #[test]
    fn the_filter_looks_at_name_and_command_line_in_any_case() {
        let filtered = |filter: &str| pids(&Query { filter: Some(filter.into()), ..Query::default() });
        assert_eq!(filtered("NGINX"), [3, 7]);
        assert_eq!(filtered("backup"), [9]);
        assert!(filtered("absent").is_empty());
    }

    #[test]
    fn the_count_is_of_all_that_match_whatever_the_limit() {
        let query = Query { limit: Some(1), filter: Some("nginx".into()), ..Query::default() };
        let data = select(machine(), &query);
        assert_eq!((data.processes.len(), data.count), (1, 2));
        assert_eq!(select(machine(), &Query { limit: Some(0), ..Query::default() }).processes, []);
    }
}
