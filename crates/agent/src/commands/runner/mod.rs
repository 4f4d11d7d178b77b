//! The process runner: everything that starts a program goes through it.

mod capture;
pub mod containment;
mod lines;
mod request;
mod stream;
mod wait;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub use linux::{SystemRunner, system_runner};
#[cfg(all(test, target_os = "linux"))]
pub(crate) use linux::{groups_below, runner_beside_other_children};
#[cfg(target_os = "windows")]
pub(crate) mod windows;
#[cfg(target_os = "windows")]
pub use windows::system_runner;

pub use lines::{Line, TakeLine};
pub use request::{Finished, Identity, Program, Request, RunError, Status};

use super::context::BoxFuture;
use super::control::Control;

/// Starts programs. Tests inject recorded outputs.
pub trait Runner: Send + Sync {
    /// Runs a program to its end, or until `control` says that it must end. Then all its processes are gone, those too that it
    /// left behind: a command's background processes end with it.
    fn run<'a>(&'a self, request: Request, control: &'a Control)
    -> BoxFuture<'a, Result<Finished, RunError>>;

    /// The same, and each line of its stdout goes to `take` as it comes: for lists that may be long. Of the output so much is kept
    /// besides as the request says, for messages: little will do.
    fn run_lines<'a>(
        &'a self,
        request: Request,
        control: &'a Control,
        take: TakeLine<'a>,
    ) -> BoxFuture<'a, Result<Finished, RunError>> {
        Box::pin(async move {
            let finished = self.run(request, control).await?;
            lines::each(&finished.stdout.text, take);
            Ok(finished)
        })
    }
}
