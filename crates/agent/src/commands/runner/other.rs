//! Platforms on which the agent starts no programs yet.

use super::{Finished, Request, RunError, Runner};
use crate::commands::context::BoxFuture;
use crate::commands::control::Control;
use std::sync::Arc;

/// The runner of this machine.
pub fn system_runner() -> Arc<dyn Runner> {
    Arc::new(Unavailable)
}

struct Unavailable;

impl Runner for Unavailable {
    fn run<'a>(&'a self, request: Request, _: &'a Control) -> BoxFuture<'a, Result<Finished, RunError>> {
        let program = format!("{:?}", request.program);
        Box::pin(async { Err(RunError::NotInstalled(program)) })
    }
}
