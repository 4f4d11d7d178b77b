//! Passwords, set by `chpasswd`, which knows the system's rules.

use infiniservice_exec::{Cancellation, Request as Run, Runner};
use infiniservice_qga::{Error, Reply};
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(30);

/// `guest-set-user-password`. Neither argument holds a newline: the session saw to that.
pub async fn set(
    runner: &dyn Runner,
    username: &str,
    password: &[u8],
    is_crypted: bool,
) -> Result<Reply, Error> {
    let mut run = Run::new("chpasswd", is_crypted.then_some("-e"));
    run.input = [username.as_bytes(), b":", password, b"\n"].concat();
    match runner.run(run, &Cancellation::for_at_most(TIMEOUT)).await {
        Ok(finished) if finished.succeeded() => Ok(Reply::EMPTY),
        // It names the user and the rule, never the password.
        Ok(finished) => {
            let said = finished.stderr.text.lines().next().unwrap_or_default().to_owned();
            Err(Error::generic(format!("failed to set the password: {said}")))
        }
        Err(error) => Err(Error::generic(format!("failed to set the password: {error}"))),
    }
}
