//! Where commands run: on the bounded threads of `platform::blocking`, so that the loop never waits for the system. And failures
//! of the system as clients know them: what failed, then the system's text.

use infiniservice_platform::blocking::{self, Blocked, Lane};
use infiniservice_qga::limits::READ_PATIENCE;
use infiniservice_qga::{Error, Reply};
use std::fmt::Display;
use std::io;

/// What only reads answers within the budget, or says that it hangs.
pub async fn read(
    what: &'static str,
    work: impl FnOnce() -> Result<Reply, Error> + Send + 'static,
) -> Result<Reply, Error> {
    blocking::run(Lane::Files, what, READ_PATIENCE, work).await.unwrap_or_else(|blocked| Err(hung(blocked)))
}

/// What changes the system takes its time; the session lets nothing wait behind it that need not.
pub async fn change<T: Send + 'static>(
    what: &'static str,
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    blocking::join(Lane::Walks, what, work).await.unwrap_or_else(|blocked| Err(hung(blocked)))
}

fn hung(blocked: Blocked) -> Error {
    failed("failed to look at the system", &io::Error::from(blocked))
}

/// `failed to open '/x': No such file or directory`.
pub fn failed(what: impl Display, error: &io::Error) -> Error {
    Error::generic(format!("{what}: {}", reason(error)))
}

/// The system's text, without Rust's number behind it.
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}
