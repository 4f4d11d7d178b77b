//! The process runner: everything that starts a program goes through it.

mod request;

pub use request::{Finished, Program, Request, RunError, Status};

use super::context::BoxFuture;
use super::control::Control;

/// Starts programs. Tests inject recorded outputs.
pub trait Runner: Send + Sync {
    /// Runs a program to its end, or until `control` says that it must end; then all its processes are gone.
    fn run<'a>(&'a self, request: Request, control: &'a Control)
    -> BoxFuture<'a, Result<Finished, RunError>>;
}

/// The runner of this machine.
pub fn system_runner() -> std::sync::Arc<dyn Runner> {
    std::sync::Arc::new(Unavailable)
}

struct Unavailable;

impl Runner for Unavailable {
    fn run<'a>(&'a self, request: Request, _: &'a Control) -> BoxFuture<'a, Result<Finished, RunError>> {
        let program = format!("{:?}", request.program);
        Box::pin(async { Err(RunError::NotInstalled(program)) })
    }
}
