//! `configuration`: whether the agent's own configuration file is wrong while an older one is in force. Told
//! only then, here as in status and `hello`.

use crate::autochecks::finding::{Assessed, Finding};
use infiniservice_protocol::data::CheckStatus;
use std::future::{Future, ready};
use std::sync::{PoisonError, RwLock};

/// The check's name.
pub const NAME: &str = "configuration";

/// Whether there is something to tell.
pub fn is_wrong() -> bool {
    problem().is_some()
}

/// Assesses what the agent knows of itself.
pub fn run() -> impl Future<Output = Assessed> + Send {
    ready(Ok(assess(problem())))
}

fn assess(problem: Option<String>) -> Finding {
    match problem {
        None => Finding::passed("The configuration in force is the one in the file."),
        Some(problem) => {
            let message =
                format!("The agent's configuration file is invalid, and an older one is in force: {problem}");
            Finding::new(CheckStatus::Failed, message).advise(
                "Correct the configuration file and reload the agent; `infiniservice \
                    --print-config` shows what is wrong.",
            )
        }
    }
}

/// As much as a line of status or a field of a message should hold.
const MAX_CHARS: usize = 500;

static PROBLEM: RwLock<Option<String>> = RwLock::new(None);

/// Notes it, or that all is well again.
pub fn report_problem(problem: Option<&str>) {
    let first = problem.and_then(|text| text.lines().next());
    let cut = first.map(|line| line.chars().take(MAX_CHARS).collect());
    *PROBLEM.write().unwrap_or_else(PoisonError::into_inner) = cut;
}

/// What is wrong, in one line.
pub fn problem() -> Option<String> {
    PROBLEM.read().unwrap_or_else(PoisonError::into_inner).clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_configuration_fails_the_check_and_is_named() {
        assert_eq!(assess(None).status, CheckStatus::Passed);
        let found = assess(Some("config.toml:3: unknown setting".into()));
        assert_eq!(found.status, CheckStatus::Failed);
        assert!(found.message.contains("config.toml:3"));
    }
}
