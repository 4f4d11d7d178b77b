//! Installing, upgrading and removing, by the script and by packages; what the units allow. Each leaves the agent as the
//! machine's set-up installed it.

pub mod bounds;
pub mod deb;
pub mod hub;
pub mod hub_restarts;
pub mod qga;
pub mod read_only;
pub mod rpm;
pub mod script;

use crate::support::{Undo, equal, with_host};
use anyhow::{Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::messages::TIMEOUT;

/// As the machine's set-up does it.
const INSTALL: &str = "/mnt/payload/install-linux.sh --vm-id lab-1";
const PURGE: &str = "/mnt/payload/install-linux.sh --uninstall --purge";

/// Takes the script's installation away until the scenario ends, however it does; `removal` takes away what it leaves.
fn without_it<'a>(guest: &'a Guest, removal: &str) -> Result<Undo<'a>> {
    let undo = Undo::by(guest, format!("{removal}; {INSTALL}"));
    guest.sh(PURGE)?;
    nothing_is_left(guest)?;
    Ok(undo)
}

/// Neither files nor unit, user, process or rule. Logs and what the host put on the disk are not of the installation.
fn nothing_is_left(guest: &Guest) -> Result<()> {
    let left = guest.sh(
        "find / -xdev -iname '*infiniservice*' -not -path '/mnt/*' -not -path '/var/log/*' -not -path '/proc/*' -not -path '/tmp/lab-*'; \
         find /run /sys/fs/cgroup -iname '*infiniservice*' -not -path '*/lab-*' -not -path '/run/systemd/propagate*'; \
         systemctl list-units --all --plain --no-legend 'infiniservice*'; systemctl list-unit-files --no-legend 'infiniservice*'; \
         grep infiniservice /etc/passwd /etc/group /etc/shadow; pgrep -x infiniservice; true",
    )?;
    ensure!(left.is_empty(), "left behind:\n{left}");
    equal("the port", port(guest)?.as_str(), "root:root 600")
}

/// Whose the port is, and its mode.
fn port(guest: &Guest) -> Result<String> {
    guest.sh("stat -L -c '%U:%G %a' /dev/virtio-ports/org.infinibay.agent")
}

/// The service's state as systemd tells it: `active`, `inactive`, `failed`…
fn state(guest: &Guest) -> Result<String> {
    guest.sh("systemctl is-active infiniservice || true")
}

/// A host comes and is answered.
fn answers(guest: &Guest) -> Result<()> {
    with_host(guest, |client| guest.wait(client.ping(TIMEOUT)).map(drop).map_err(Into::into))
}

/// The package or archive that the release made, as the guest sees it.
fn of_the_release(guest: &Guest, pattern: &str) -> Result<String> {
    let found = guest.sh(&format!("ls /mnt/payload/{pattern} 2>/dev/null || true"))?;
    ensure!(!found.is_empty(), "no {pattern} is there: cargo xtask dist linux makes it");
    Ok(found)
}
