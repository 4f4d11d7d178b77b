//! Runs one program and all that it starts: everything of the agent that starts a program goes through here.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(target_os = "linux"),
    allow(dead_code, reason = "parsers of Linux compile, and are tested, everywhere")
)]

mod cancellation;
#[cfg(target_os = "windows")]
pub mod com;
pub mod containment;
mod outcome;
mod output;
mod progress;
mod request;
mod run;
mod steps;
#[cfg(target_os = "linux")]
mod systemd_errors;
mod withdrawal;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(all(any(test, feature = "testing"), target_os = "linux"))]
pub use linux::runner_beside_other_children;
#[cfg(target_os = "linux")]
pub use linux::{SystemRunner, system_runner};
#[cfg(target_os = "windows")]
pub mod windows;
#[cfg(target_os = "windows")]
pub use windows::system_runner;

pub use cancellation::{Cancellation, Stop};
pub use outcome::{Captured, CommandError, CommandOutcome, CommandResult, bounded};
pub use output::{Line, TakeLine};
pub use progress::{Follower, PIECE_MAX_BYTES, Piece};
pub use request::{Finished, Identity, Output, Program, Request, RunError, Status};
pub use steps::{Running, Steps};
pub use withdrawal::Withdrawal;

use std::future::Future;
use std::pin::Pin;

/// A boxed future, as traits that stand behind `dyn` return it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Starts programs. Tests inject recorded outputs.
pub trait Runner: Send + Sync {
    /// Runs a program to its end, or until `cancellation` says that it must end. Then all its processes are gone, those too that it
    /// left behind: a command's background processes end with it.
    fn run<'a>(
        &'a self,
        request: Request,
        cancellation: &'a Cancellation,
    ) -> BoxFuture<'a, Result<Finished, RunError>>;

    /// The same, and each line of its stdout goes to `take` as it comes: for lists that may be long. Of the output so much is kept
    /// besides as the request says, for messages: little will do.
    fn run_lines<'a>(
        &'a self,
        request: Request,
        cancellation: &'a Cancellation,
        take: TakeLine<'a>,
    ) -> BoxFuture<'a, Result<Finished, RunError>> {
        Box::pin(async move {
            let finished = self.run(request, cancellation).await?;
            output::each(&finished.stdout.text, take);
            Ok(finished)
        })
    }
}
