//! `DiskCleanup` on a real machine: what it removes, what it leaves, and users who would have it remove more.

pub mod hostile;
pub mod targets;

use anyhow::{Context, Result};
use infinictl::client::Client;
use infiniservice_e2e::Guest;
use infiniservice_protocol::Action;
use infiniservice_protocol::data::{CleanedTarget, DiskCleanupData};

/// One request, at any age.
fn clean(guest: &Guest, client: &Client, targets: &[&str], dry_run: bool) -> Result<DiskCleanupData> {
    clean_older(guest, client, targets, Some(0), dry_run)
}

fn clean_older(
    guest: &Guest,
    client: &Client,
    targets: &[&str],
    older_than_days: Option<u32>,
    dry_run: bool,
) -> Result<DiskCleanupData> {
    let targets = Some(targets.iter().map(|&target| target.to_owned()).collect());
    let response = guest.succeed(client, &Action::DiskCleanup { targets, older_than_days, dry_run })?;
    serde_json::from_value(response.data).context("the cleanup's data")
}

fn of<'a>(data: &'a DiskCleanupData, name: &str) -> Result<&'a CleanedTarget> {
    data.targets.iter().find(|target| target.name == name).context("no such target in the answer")
}
