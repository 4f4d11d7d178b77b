//! `PackageList`: what is installed, filtered and limited.

use super::Desk;
use crate::context::CommandContext;
use crate::safe::listing::within;
use infiniservice_exec::{CommandOutcome, CommandResult, Control};
use infiniservice_protocol::data::{PackageInfo, PackageListData};

/// Lists the installed packages in the order of their names.
pub(in crate::safe) async fn run(
    limit: Option<u32>,
    filter: Option<&str>,
    context: &CommandContext,
    control: &Control,
) -> CommandResult {
    let desk = Desk::of(context, control)?;
    let filter = filter.map(str::to_lowercase);
    let mut packages = Vec::new();
    let tally = desk
        .each_installed(&mut |package| {
            packages.extend(Some(package).filter(|one| wants(filter.as_deref(), one)));
        })
        .await?;
    let incomplete: Vec<_> = tally.cut().into_iter().collect();
    let count = u32::try_from(packages.len()).unwrap_or(u32::MAX);
    let mut packages = first(packages, limit);
    let truncated = within("packages", &mut packages, context.max_list_bytes);
    let manager = desk.manager().name().to_owned();
    let unreadable = tally.unreadable;
    let data = PackageListData { packages, manager, count, unreadable, incomplete, truncated };
    let mut outcome = CommandOutcome::of(&data)?;
    outcome.stderr = data.incomplete.iter().flat_map(|why| [why.as_str(), "\n"]).collect::<String>().into();
    Ok(outcome)
}

fn wants(filter: Option<&str>, package: &PackageInfo) -> bool {
    let holds = |filter: &str| {
        [&package.name, &package.description].into_iter().any(|text| text.to_lowercase().contains(filter))
    };
    filter.is_none_or(holds)
}

fn first(mut packages: Vec<PackageInfo>, limit: Option<u32>) -> Vec<PackageInfo> {
    packages
        .sort_by(|a, b| (&a.name, &a.architecture, &a.version).cmp(&(&b.name, &b.architecture, &b.version)));
    packages.truncate(limit.map_or(usize::MAX, |limit| limit as usize));
    packages
}
