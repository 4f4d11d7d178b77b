//! The agent under other conditions for the time of a scenario: keys of its configuration, lines of its unit.

use super::Undo;
use anyhow::Result;
use infiniservice_e2e::Guest;

const CONFIG: &str = "/etc/infiniservice/config.toml";
const SAVED: &str = "/run/lab-config.toml";
const DROP_INS: &str = "/run/systemd/system/infiniservice.service.d";

/// Has the agent take over these lines of its configuration by a reload; one such value at a time.
pub fn configured<'a>(guest: &'a Guest, lines: &str) -> Result<Undo<'a>> {
    let reload = reload();
    let undo = Undo::by(guest, format!("cp -p {SAVED} {CONFIG}; rm {SAVED}; {reload}"));
    guest.sh(&format!("cp -p {CONFIG} {SAVED} && printf '%s\\n' '{lines}' >> {CONFIG} && {reload}"))?;
    Ok(undo)
}

/// A script that reloads the configuration and waits until the agent says that it did: `systemctl reload` only sends
/// the signal.
pub fn reload() -> &'static str {
    "{ reloads() { journalctl -b -u infiniservice -o cat --no-pager | grep -c '^configuration .*reloaded'; }; \
     before=$(reloads); late=$(($(date +%s) + 60)); systemctl reload infiniservice || exit 1; \
     until [ \"$(reloads)\" != \"$before\" ]; do \
         [ $(date +%s) -lt $late ] || { echo 'not reloaded' >&2; exit 1; }; sleep 0.05; done; }"
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
