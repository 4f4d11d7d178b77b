//! Calls of checks that may hang, in the agent's pool: a check whose call hangs is skipped, and says why.

use super::finding::Skip;
use infiniservice_platform::blocking::{self, Blocked, Coming, Lane};

/// Starts `work` in a thread of its own; `what` names it in errors.
pub fn start<T: Send + 'static>(
    what: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<Coming<T>, Skip> {
    blocking::start(Lane::Checks, what, work).map_err(skip)
}

/// The same, waited for; the check's own time bounds it.
pub async fn run<T: Send + 'static>(
    what: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Skip> {
    start(what, work)?.await.map_err(skip)
}

#[allow(clippy::needless_pass_by_value, reason = "as map_err gives it")]
fn skip(blocked: Blocked) -> Skip {
    Skip(blocked.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[tokio::test]
    async fn what_hangs_again_and_again_is_skipped_and_says_so() {
        let mut held = Vec::new();
        let refused = loop {
            let (release, wait) = mpsc::channel::<()>();
            held.push(release);
            match start("a check's dead mount", move || wait.recv().is_err()) {
                Ok(given_up) => drop(given_up),
                Err(skip) => break skip,
            }
            assert!(held.len() < 10, "nothing bounds them");
        };
        assert!(refused.0.contains("earlier calls are still waiting"), "{refused}");
        assert!(run("another", || true).await.unwrap());
    }

    #[tokio::test]
    async fn a_panic_in_the_thread_costs_only_this_call() {
        let error = run("bad luck", || -> u8 { panic!("on purpose") }).await.unwrap_err();
        assert!(error.0.contains("died"), "{error}");
    }
}
