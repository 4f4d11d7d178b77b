//! Commands by action and result, for the log line at shutdown.

use super::policy::CommandName;
use infiniservice_protocol::{ErrorCode, Response};
use std::collections::BTreeMap;
use std::fmt;

/// Unknown actions share one row, so that made-up names cannot grow the table.
const OTHER: &str = "(unknown action)";

/// How many commands of each action came to which result.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    counts: BTreeMap<(&'static str, &'static str), u64>,
    /// Answers that could not be handed over because the main loop did not take them.
    pub dropped: u64,
}

impl Summary {
    pub(super) fn count(&mut self, response: &Response) {
        let action = CommandName::find(&response.command_type).map_or(OTHER, CommandName::name);
        let result = response.error_code.map_or("ok", ErrorCode::as_str);
        *self.counts.entry((action, result)).or_default() += 1;
    }

    /// (action, `ok` or the error code, count), sorted.
    pub fn rows(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> + '_ {
        self.counts.iter().map(|(&(action, result), &count)| (action, result, count))
    }

    /// All commands.
    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.counts.is_empty() {
            return f.write_str("none");
        }
        let rows: Vec<_> = self.rows().map(|(a, r, n)| format!("{a} {r} {n}")).collect();
        f.write_str(&rows.join(", "))?;
        if self.dropped > 0 {
            write!(f, "; {} answers dropped", self.dropped)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_counted_by_action_and_result() {
        let mut summary = Summary::default();
        summary.count(&Response::ok("1", "ServiceList", serde_json::Value::Null));
        summary.count(&Response::ok("2", "ServiceList", serde_json::Value::Null));
        summary.count(&Response::failed("3", "ServiceList", ErrorCode::Timeout, ""));
        assert_eq!(summary.to_string(), "ServiceList TIMEOUT 1, ServiceList ok 2");
        assert_eq!(summary.total(), 3);
    }

    #[test]
    fn made_up_actions_share_one_row() {
        let mut summary = Summary::default();
        for i in 0..100 {
            summary.count(&Response::failed("1", format!("Bogus{i}"), ErrorCode::UnknownAction, ""));
        }
        assert_eq!(summary.rows().count(), 1);
    }
}
