//! The root file system is full: the agent needs none of it.

use super::under;
use crate::support::Undo;
use anyhow::{Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;

pub const SCENARIOS: &[Scenario] =
    &[("faults::a_full_disk_keeps_the_agent_neither_from_working_nor_from_starting", full)];

/// Every block, those kept for root among them.
const FILL: &str = "fallocate -l $(($(stat -f -c '%f * %S' /))) /lab-full 2>/dev/null; \
    dd if=/dev/zero of=/lab-full-2 bs=64k 2>/dev/null; sync; df --output=avail / | tail -1";

fn full(guest: &Guest) -> Result<()> {
    let _undo = Undo::by(guest, "rm -f /lab-full /lab-full-2; systemctl start infiniservice");
    let (host, left) = under(guest, "disk full", |guest| guest.sh(FILL))?;
    ensure!(left.trim() == "0", "{left} blocks are left");
    ensure!(host.ledger.with_code("success") == 12, "{}", host.ledger);
    // Another that comes while the first is there is not seen.
    drop(host);
    let (host, _) =
        under(guest, "restart on a full disk", |guest| guest.sh("systemctl restart infiniservice"))?;
    ensure!(host.ledger.with_code("success") >= 6, "{}", host.ledger);
    Ok(())
}
