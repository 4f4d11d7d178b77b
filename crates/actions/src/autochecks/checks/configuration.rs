//! `configuration`: whether the agent's own configuration file is wrong. Told only then.

use crate::autochecks::finding::{Assessed, Finding};
use crate::autochecks::problem;
use infiniservice_protocol::data::CheckStatus;
use std::future::{Future, ready};

/// The check's name.
pub const NAME: &str = "configuration";

/// Whether there is something to tell.
pub fn is_wrong() -> bool {
    problem::current().is_some()
}

/// Assesses what the agent knows of itself.
pub fn run() -> impl Future<Output = Assessed> + Send {
    ready(Ok(assess(problem::current())))
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
