//! Unused blocks, given back by the system's own program: it knows which volumes can do it.

use infiniservice_exec::{Cancellation, Request as Run, Runner};
use infiniservice_platform::win32::volumes_unsafe::{FIXED, drives};
use infiniservice_qga::reply::{Trimmed, TrimmedPath};
use infiniservice_qga::{Error, Reply};
use std::time::Duration;

/// How long one volume may take.
const TIMEOUT: Duration = Duration::from_secs(600);

/// `guest-fstrim`, of each fixed drive. What fails costs its own drive.
pub async fn trim(runner: &dyn Runner) -> Result<Reply, Error> {
    let mut paths = Vec::new();
    for (root, _) in drives().into_iter().filter(|(_, kind)| *kind == FIXED) {
        let run = Run::new("defrag", [root.trim_end_matches('\\'), "/L"]);
        let error = match runner.run(run, &Cancellation::for_at_most(TIMEOUT)).await {
            Ok(finished) if finished.succeeded() => None,
            Ok(finished) => Some(why(&finished.stdout.text).unwrap_or("trim not supported").to_owned()),
            Err(error) => Some(error.to_string()),
        };
        paths.push(TrimmedPath { path: root, trimmed: None, minimum: None, error });
    }
    Ok(Reply::Trimmed(Trimmed { paths }))
}

/// Its line with the number of the error.
fn why(said: &str) -> Option<&str> {
    said.lines().map(str::trim).find(|line| line.contains("(0x"))
}
