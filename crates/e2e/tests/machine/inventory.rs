//! `ApplicationInventory` beside dpkg's own word.

use crate::support::{data, with_host};
use anyhow::{Context, Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;
use infiniservice_protocol::Action;
use infiniservice_protocol::data::ApplicationInventoryData;

pub const SCENARIOS: &[Scenario] = &[("inventory::packages_are_those_of_dpkg", packages)];

fn packages(guest: &Guest) -> Result<()> {
    let wanted = guest.sh("dpkg-query -W -f '${db:Status-Abbrev}\\n' | grep -c '^.i'")?.parse::<usize>()?;
    let action = Action::ApplicationInventory { limit: None, filter: None };
    let found =
        with_host(guest, |client| data::<ApplicationInventoryData>(guest, client, &action))?.applications;
    let debs = found.iter().filter(|found| found.source == "dpkg").count();
    ensure!(debs == wanted, "{debs} of {wanted} packages");
    let bash = found.iter().find(|found| found.name == "bash").context("no bash")?;
    ensure!(bash.install_date.is_some() && bash.size_mb.is_some() && bash.publisher.is_some(), "{bash:?}");
    Ok(())
}
