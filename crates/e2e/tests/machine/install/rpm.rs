//! The .rpm by rpm itself, on a system that is no rpm's own: its database there is empty but for the tests.

use super::{PURGE, answers, nothing_is_left, of_the_release, state, without_it};
use crate::support::equal;
use anyhow::{Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;

pub const SCENARIOS: &[Scenario] =
    &[("install::rpm::goes_from_install_to_erase_and_keeps_the_configuration", life)];

const CONFIG: &str = "/etc/infiniservice/config.toml";

fn life(guest: &Guest) -> Result<()> {
    let package = of_the_release(guest, "infiniservice-[0-9]*.rpm")?;
    let _undo = without_it(
        guest,
        &format!(
            "rpm --force-debian -e infiniservice; userdel infiniservice; rm -rf /etc/infiniservice; {PURGE}"
        ),
    )?;
    guest.sh(&format!("rpm --force-debian -i {package}"))?;
    equal("installed", state(guest)?.as_str(), "active")?;
    equal("verified", guest.sh("rpm -V infiniservice || true")?.as_str(), "")?;
    answers(guest)?;
    guest.sh(&format!("echo 'max_ports = 7' >> {CONFIG}"))?;
    let before = guest.agent_pid()?;
    guest.sh(&format!("rpm --force-debian -U --replacepkgs {package}"))?;
    equal("upgraded", (state(guest)?.as_str(), guest.agent_pid()? != before), ("active", true))?;
    equal("kept", guest.sh(&format!("tail -n 1 {CONFIG}"))?.as_str(), "max_ports = 7")?;
    guest.sh("rpm --force-debian -e infiniservice")?;
    equal("erased", state(guest)?.as_str(), "inactive")?;
    let saved = guest.sh(&format!("tail -n 1 {CONFIG}.rpmsave && rm -r /etc/infiniservice"))?;
    ensure!(saved.ends_with("max_ports = 7"), "{saved}");
    // rpm does not take users away: files may be theirs.
    guest.sh("userdel infiniservice")?;
    nothing_is_left(guest)
}
