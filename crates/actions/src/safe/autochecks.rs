//! `Autochecks`: the checks over what commands reach the machine through.

use super::update;
use crate::autochecks::{self, Asked, Known, Machine, UpdateSource};
use crate::context::CommandContext;
use infiniservice_exec::{BoxFuture, CommandResult, Control};
use std::path::PathBuf;
use std::sync::Arc;

/// Makes the checks named, or all.
pub(super) async fn run(
    names: Option<&[String]>,
    asked: Asked,
    context: &CommandContext,
    control: &Control,
) -> CommandResult {
    let machine = Machine {
        root: PathBuf::from("/"),
        runner: context.runner.clone(),
        services: context.services.clone(),
        updates: Arc::new(PackageManager(context.clone())),
        asked,
        control: control.clone(),
        once: Arc::default(),
    };
    autochecks::run(names, &machine).await
}

/// [`UpdateSource`] over the lists that the machine's package manager has; fetching new ones is for `UpdateCheck`.
struct PackageManager(CommandContext);

impl UpdateSource for PackageManager {
    fn pending<'a>(&'a self, control: &'a Control) -> BoxFuture<'a, Result<Known, String>> {
        Box::pin(async { update::known(&self.0, control).await.map_err(|error| error.error) })
    }
}
