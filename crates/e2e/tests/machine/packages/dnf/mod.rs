//! Packages and updates against the real dnf and rpm. The machine is Debian's: the agent is shown another system's os-release.

mod changes;
mod trouble;
mod updates;

use super::Desk;
use super::rpm::{OWN, rpm};
use anyhow::{Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;

pub use changes::SCENARIOS as CHANGES;
pub use trouble::SCENARIOS as TROUBLE;
pub use updates::SCENARIOS as UPDATES;

/// The last one takes all traces of the other system away.
pub const END: &[Scenario] = &[("packages::dnf_goes_with_the_system_whose_own_it_is", end)];

/// Makes the agent's system a Fedora, whose dnf knows the image's repository in its first state.
const BE_FEDORA: &str = "
drop_in=/etc/systemd/system/infiniservice.service.d/lab-fedora.conf
[ -e $drop_in ] || {
    mkdir -p /etc/systemd/system/infiniservice.service.d /etc/yum.repos.d
    printf 'NAME=\"Fedora Linux\"\\nID=fedora\\nVERSION_ID=38\\n' > /srv/lab/os-release
    ln -sfn old /srv/lab/rpm/current
    printf '[lab]\\nname=Lab\\nbaseurl=file:///srv/lab/rpm/current\\ngpgcheck=0\\n' > /etc/yum.repos.d/lab.repo
    printf '[Service]\\nBindReadOnlyPaths=/srv/lab/os-release:/usr/lib/os-release\\n' > $drop_in
    systemctl daemon-reload
    systemctl restart infiniservice
}";
const BE_DEBIAN: &str = "
rm -r /etc/systemd/system/infiniservice.service.d/lab-fedora.conf /etc/yum.repos.d /srv/lab/os-release /var/cache/dnf
rmdir --ignore-fail-on-non-empty /etc/systemd/system/infiniservice.service.d
systemctl daemon-reload
systemctl restart infiniservice";

fn open(guest: &Guest) -> Result<Desk<'_>> {
    guest.sh(BE_FEDORA)?;
    Ok(Desk { guest, client: guest.connect()? })
}

fn end(guest: &Guest) -> Result<()> {
    let desk = open(guest)?;
    ensure!(desk.packages(Some("lab-shell"))?.manager == "dnf", "the agent is not on Fedora");
    ensure!(rpm(guest)? == OWN, "packages are left: {}", rpm(guest)?);
    desk.close();
    guest.sh(BE_DEBIAN)?;
    let desk = Desk::open(guest)?;
    ensure!(desk.packages(Some("systemd"))?.manager == "apt", "dnf is there, but not this system's own");
    desk.close();
    Ok(())
}
