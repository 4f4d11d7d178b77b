//! Asks COM on a thread of its own, for a command: no longer than the command may run.

use super::outcome::CommandError;
use crate::cancellation::Cancellation;
use infiniservice_platform::win32::com_unsafe::{self, NotAsked};
use infiniservice_protocol::ErrorCode;

/// What `work` brought back. When the command must end before it, the thread is left to end by itself.
pub async fn on_thread<T: Send + 'static>(
    what: &'static str,
    cancellation: &Cancellation,
    work: impl FnOnce() -> windows::core::Result<T> + Send + 'static,
) -> Result<windows::core::Result<T>, CommandError> {
    let told = com_unsafe::on_thread(what, work).map_err(|why| not_asked(what, why))?;
    let lost = |_| CommandError::new(ErrorCode::Internal, format!("{what}: the thread that asked it died"));
    cancellation.run_until_cancelled(told).await?.map_err(lost)
}

fn not_asked(what: &str, why: NotAsked) -> CommandError {
    let code = match why {
        NotAsked::TooMany => ErrorCode::Busy,
        NotAsked::NoThread => ErrorCode::Internal,
    };
    CommandError::new(code, format!("{what}: {why}"))
}
