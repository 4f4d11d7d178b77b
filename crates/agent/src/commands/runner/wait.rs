//! What every runner waits for: the pipes of a program, and moments that may never come.

use super::stream::Stream;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// How long output is read on after the program itself ended, while its children still hold the pipes.
pub(super) const LINGER: Duration = Duration::from_secs(1);

/// Whichever has something, neither before the other: a flood on one does not stop up the other.
pub(super) async fn read_either(stdout: &mut Stream, stderr: &mut Stream) {
    tokio::select! {
        () = stdout.read(), if stdout.is_open() => {}
        () = stderr.read(), if stderr.is_open() => {}
        else => std::future::pending().await,
    }
}

/// Never, where there is no such moment.
pub(super) async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
