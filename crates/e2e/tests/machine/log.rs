//! After everything else: what the agent said of it.

use anyhow::{Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;

pub const SCENARIOS: &[Scenario] = &[
    ("log::holds_no_error_and_no_panic", no_errors),
    ("log::says_things_once_not_at_every_retry", no_flood),
    ("log::ends_with_a_summary_when_the_agent_is_stopped", summary),
];

/// systemd's word when the watchdog that `symptoms` shortened for it ran out; the unit's own limit is another.
const PROVOKED: &str = "infiniservice.service: Watchdog timeout (limit 3s)!";
/// The mistake of the documented exchange `ConfigReload/invalid`.
const MISTAKE: &str = "max_interfaces = \"many\"";

fn no_errors(guest: &Guest) -> Result<()> {
    let errors = guest.sh(&format!(
        "journalctl -u infiniservice -p err -o cat --no-pager | grep -vxF '{PROVOKED}' | grep -vF '{MISTAKE}' || true"
    ))?;
    ensure!(errors.is_empty() || errors.starts_with("-- No entries"), "{errors}");
    let log = guest.sh("journalctl -u infiniservice -o cat --no-pager")?;
    ensure!(!log.contains("panicked"), "{log}");
    Ok(())
}

fn no_flood(guest: &Guest) -> Result<()> {
    // But for the record of commands: a line each, of which a scenario asks for thousands.
    let said = "journalctl -b -u infiniservice -o cat --no-pager | grep -vc '^command ' || true";
    let lines: usize = guest.sh(said)?.parse()?;
    ensure!(lines < 2000, "{lines} lines");
    Ok(())
}

fn summary(guest: &Guest) -> Result<()> {
    guest.sh("systemctl stop infiniservice")?;
    let log = guest.log()?;
    guest.sh("systemctl start infiniservice")?;
    for wanted in ["stopping: asked by SIGTERM", "stopped after", "commands: ", "link: "] {
        ensure!(log.contains(wanted), "{wanted:?} is not in:\n{log}");
    }
    Ok(())
}
