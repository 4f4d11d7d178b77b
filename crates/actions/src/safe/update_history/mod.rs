//! `UpdateHistory`: what was installed, updated and removed, by the log of whoever did it.

#[cfg(target_os = "linux")]
mod linux;
mod log;
#[cfg(target_os = "windows")]
mod windows;

use crate::context::CommandContext;
use crate::safe::listing::within;
use infiniservice_exec::{Cancellation, CommandError, CommandOutcome, CommandResult};
use infiniservice_protocol::action::MAX_HITS;
use infiniservice_protocol::data::{UpdateHistoryData, UpdateHistoryEntry};
#[cfg(target_os = "linux")]
use linux as here;
#[cfg(target_os = "windows")]
use windows as here;

/// What a log tells, the newest first.
#[derive(Debug, Default)]
struct History {
    entries: Vec<UpdateHistoryEntry>,
    source: &'static str,
    incomplete: Vec<String>,
}

/// The newest entries.
pub(super) async fn run(
    limit: Option<u32>,
    context: &CommandContext,
    cancellation: &Cancellation,
) -> CommandResult {
    let history: Result<History, CommandError> = here::history(context, cancellation).await;
    CommandOutcome::of(&data(history?, limit, context.max_list_bytes))
}

fn data(history: History, limit: Option<u32>, max_bytes: usize) -> UpdateHistoryData {
    let History { entries: mut updates, source, incomplete } = history;
    let count = u32::try_from(updates.len()).unwrap_or(u32::MAX);
    updates.truncate(limit.unwrap_or(MAX_HITS) as usize);
    let truncated = within("updates", &mut updates, max_bytes);
    UpdateHistoryData { updates, count, source: source.to_owned(), incomplete, truncated }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_told_and_all_are_counted() {
        let entry = |n: usize| UpdateHistoryEntry { title: n.to_string(), ..UpdateHistoryEntry::default() };
        let history =
            || History { entries: (0..300).map(entry).collect(), source: "dpkg", incomplete: Vec::new() };
        let told = data(history(), Some(2), 1 << 20);
        assert_eq!((told.updates[0].title.as_str(), told.updates.len(), told.count), ("0", 2, 300));
        assert_eq!(data(history(), None, 1 << 20).updates.len(), 200);
        assert_eq!(data(history(), None, 400).truncated["updates"], 200);
    }
}
