//! `PackageList`: what is installed, filtered and limited.

use super::Desk;
use crate::commands::context::CommandContext;
use crate::commands::control::Control;
use crate::commands::outcome::{CommandOutcome, CommandResult};
use crate::packages::Reading;
use infiniservice_protocol::data::{PackageInfo, PackageListData};

/// Lists the installed packages in the order of their names.
pub(in crate::commands::safe) async fn run(
    limit: Option<u32>,
    filter: Option<&str>,
    context: &CommandContext,
    control: &Control,
) -> CommandResult {
    let desk = Desk::of(context, control)?;
    let manager = desk.manager();
    let answer = desk.read(manager.list(), "the list of installed packages").await?;
    let data = select(manager.read_list(&answer.stdout.text), manager.name(), limit, filter);
    let mut outcome = CommandOutcome::of(&data)?;
    if answer.stdout.truncated {
        outcome.stderr =
            format!("the list was cut: {} bytes are too many\n", answer.stdout.total_bytes).into();
    }
    Ok(outcome)
}

fn select(
    Reading { rows: mut packages, unreadable }: Reading<PackageInfo>,
    manager: &str,
    limit: Option<u32>,
    filter: Option<&str>,
) -> PackageListData {
    if let Some(filter) = filter.map(str::to_lowercase) {
        let holds = |text: &str| text.to_lowercase().contains(&filter);
        packages.retain(|package| holds(&package.name) || holds(&package.description));
    }
    let count = u32::try_from(packages.len()).unwrap_or(u32::MAX);
    packages
        .sort_by(|a, b| (&a.name, &a.architecture, &a.version).cmp(&(&b.name, &b.architecture, &b.version)));
    packages.truncate(limit.map_or(usize::MAX, |limit| limit as usize));
    PackageListData { packages, manager: manager.to_owned(), count, unreadable }
}
