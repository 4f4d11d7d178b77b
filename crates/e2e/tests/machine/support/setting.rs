//! The agent under other conditions for the time of a scenario: keys of its configuration, lines of its unit.

use super::Undo;
use anyhow::Result;
use infiniservice_e2e::Guest;

const CONFIG: &str = "/etc/infiniservice/config.toml";
const SAVED: &str = "/run/lab-config.toml";
const DROP_INS: &str = "/run/systemd/system/infiniservice.service.d";

/// Has the agent take over these lines of its configuration by a reload; one such value at a time.
pub fn configured<'a>(guest: &'a Guest, lines: &str) -> Result<Undo<'a>> {
    let reload = "systemctl reload infiniservice";
    let undo = Undo::by(guest, format!("cp -p {SAVED} {CONFIG}; rm {SAVED}; {reload}"));
    guest.sh(&format!("cp -p {CONFIG} {SAVED} && printf '%s\\n' '{lines}' >> {CONFIG} && {reload}"))?;
    Ok(undo)
}

/// Starts the agent anew with these lines in the `[Service]` section of its unit; one such value at a time.
pub fn in_unit<'a>(guest: &'a Guest, lines: &str) -> Result<Undo<'a>> {
    let drop_in = format!("{DROP_INS}/90-lab.conf");
    let restart = "systemctl daemon-reload && systemctl restart infiniservice";
    let remove = format!("rm {drop_in}; rmdir --ignore-fail-on-non-empty {DROP_INS}");
    let undo = Undo::by(guest, format!("{remove}; {restart}"));
    guest.sh(&format!(
        "mkdir -p {DROP_INS} && printf '[Service]\\n%s\\n' '{lines}' > {drop_in} && {restart}"
    ))?;
    Ok(undo)
}
