//! The host's packages, `infinihub` and `infinictl`: installed, wrong settings told, upgraded, removed, purged. The machine is
//! the host here; it has no machines of its own.

use super::of_the_release;
use crate::support::{Undo, equal};
use anyhow::{Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;

pub const SCENARIOS: &[Scenario] =
    &[("install::hub::runs_after_its_installation_says_what_is_wrong_and_leaves_nothing", life)];

const CONFIG: &str = "/etc/infinihub/config.toml";

fn life(guest: &Guest) -> Result<()> {
    let packages =
        [of_the_release(guest, "infinictl_*.deb")?, of_the_release(guest, "infinihub_*.deb")?].join(" ");
    let _undo = Undo::by(guest, "dpkg --purge infinihub infinictl 2>/dev/null; true".to_owned());
    guest.sh(&format!("dpkg -i {packages}"))?;
    equal(
        "installed",
        unit(guest, "is-active")? + " " + &unit(guest, "is-enabled")?,
        "active enabled".to_owned(),
    )?;
    equal("no machines", guest.sh("infinictl list | tail -n 1")?.as_str(), "0 of 0 machines are up")?;
    served(guest)?;
    wrong_settings(guest)?;
    let pid = guest.sh("systemctl show -P MainPID infinihub")?;
    guest.sh(&format!("dpkg -i {packages}"))?;
    ensure!(guest.sh("systemctl show -P MainPID infinihub")? != pid, "the old program still runs");
    guest.sh("dpkg --purge infinihub infinictl")?;
    nothing_is_left(guest)
}

fn unit(guest: &Guest, question: &str) -> Result<String> {
    guest.sh(&format!("systemctl {question} infinihub || true"))
}

/// Who may connect, and what a user who may not is told.
fn served(guest: &Guest) -> Result<()> {
    let modes = guest.sh("stat -c '%U:%G %a' /run/infinihub/api.sock /run/infinihub/wire.sock")?;
    equal("the sockets", modes.as_str(), "root:root 600\nroot:root 600")?;
    let refused = guest.machine.shell("setpriv --reuid nobody --clear-groups infinictl list")?;
    ensure!(!refused.success() && refused.stderr.contains("permission denied"), "{refused:?}");
    let diagnosed = guest.machine.shell("infinihub --diagnose")?;
    ensure!(
        !diagnosed.success() && diagnosed.stdout.contains("no socket of a guest was found"),
        "{diagnosed:?}"
    );
    // A socket that appears is found by inotify, in a directory that was not there.
    guest.sh("mkdir -p /run/infinihub/guests && ! test -e /run/infinihub/guests/x.sock").map(drop)
}

fn wrong_settings(guest: &Guest) -> Result<()> {
    let _undo = Undo::by(
        guest,
        format!("mv {CONFIG}.was {CONFIG}; systemctl reset-failed infinihub; systemctl start infinihub"),
    );
    guest.sh(&format!("cp -p {CONFIG} {CONFIG}.was; echo 'log_level = \"loud\"' >> {CONFIG}; systemctl restart infinihub 2>/dev/null || true"))?;
    let told = "journalctl -b -u infinihub -o cat --no-pager";
    let said = guest.sh(&format!("{told} | grep -m 1 log_level || true"))?;
    ensure!(said.contains("must be error, warn, info, debug or trace, not \"loud\""), "{said}");
    Ok(())
}

fn nothing_is_left(guest: &Guest) -> Result<()> {
    let left = guest.sh(
        "find / -xdev \\( -iname '*infinihub*' -o -name 'infinictl*' \\) -not -path '/mnt/*' -not -path '/var/log/*' -not -path '/proc/*'; \
         find /run -iname '*infinihub*' -not -path '/run/systemd/propagate*'; \
         systemctl list-unit-files --no-legend 'infinihub*'; pgrep -x infinihub; true",
    )?;
    ensure!(left.is_empty(), "left behind:\n{left}");
    Ok(())
}
