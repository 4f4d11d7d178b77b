//! `ProcessList`: processes, sorted, filtered, limited. The collector reads only what the answer holds.

use crate::context::CommandContext;
use infiniservice_collector::{ProcessQuery, SortBy};
use infiniservice_exec::{Cancellation, CommandError, CommandOutcome, CommandResult};
use infiniservice_protocol::ErrorCode;
use infiniservice_protocol::action::ProcessSort;

/// The action's parameters.
#[derive(Debug, Default)]
pub(super) struct Query {
    pub(super) limit: Option<u32>,
    pub(super) sort_by: Option<ProcessSort>,
    pub(super) filter: Option<String>,
}

/// Lists the processes.
pub(super) async fn run(
    query: Query,
    context: &CommandContext,
    cancellation: &Cancellation,
) -> CommandResult {
    let listed = cancellation.run_until_cancelled(context.processes.processes(asked(query))).await?;
    CommandOutcome::of(&listed.map_err(|why| CommandError::new(ErrorCode::ExecutionFailed, why))?)
}

fn asked(query: Query) -> ProcessQuery {
    let sort_by = match query.sort_by {
        None | Some(ProcessSort::Cpu) => SortBy::Cpu,
        Some(ProcessSort::Memory) => SortBy::Memory,
        Some(ProcessSort::Pid) => SortBy::Pid,
        Some(ProcessSort::Name) => SortBy::Name,
    };
    ProcessQuery { limit: query.limit.map(|limit| limit as usize), sort_by, filter: query.filter }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limit_order_and_filter_are_asked_of_the_collector_which_then_reads_no_more_than_that() {
        let by = |sort_by| asked(Query { sort_by, ..Query::default() });
        assert_eq!(by(None), ProcessQuery::default());
        assert_eq!(by(Some(ProcessSort::Memory)).sort_by, SortBy::Memory);
        assert_eq!(by(Some(ProcessSort::Pid)).sort_by, SortBy::Pid);
        assert_eq!(by(Some(ProcessSort::Name)).sort_by, SortBy::Name);
        let query = asked(Query { limit: Some(0), filter: Some("Nginx".into()), ..Query::default() });
        assert_eq!((query.limit, query.filter.as_deref()), (Some(0), Some("Nginx")));
    }
}
