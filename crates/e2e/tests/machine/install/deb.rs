//! The .deb: install, upgrade, remove, purge, with the service's state at each step.

use super::{PURGE, answers, nothing_is_left, of_the_release, state, without_it};
use crate::support::equal;
use anyhow::{Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;

pub const SCENARIOS: &[Scenario] = &[
    ("install::deb::does_not_install_over_the_scripts_installation", over_the_script),
    ("install::deb::goes_from_install_to_purge_and_leaves_nothing", life),
];

const CONFIG: &str = "/etc/infiniservice/config.toml";
/// The next version, made of the first: newer, and with a changed configuration file.
const NEXT: &str = "
    rm -rf /var/tmp/lab-deb && mkdir /var/tmp/lab-deb && cd /var/tmp/lab-deb
    dpkg-deb -R PACKAGE next
    sed -i 's/^Version: .*/Version: 99.0-1/' next/DEBIAN/control
    echo '# new in 99.0' >> next/etc/infiniservice/config.toml
    rm -f next/DEBIAN/md5sums
    dpkg-deb -Znone --root-owner-group --build next next.deb";

fn over_the_script(guest: &Guest) -> Result<()> {
    let package = of_the_release(guest, "infiniservice_*.deb")?;
    let pid = guest.agent_pid()?;
    let refused = guest.machine.shell(&format!("dpkg -i {package}"))?;
    guest.sh("dpkg --purge infiniservice 2>/dev/null || true")?;
    ensure!(!refused.success() && refused.stderr.contains("install-linux.sh --uninstall"), "{refused:?}");
    equal("the agent goes on", guest.agent_pid()?, pid)
}

fn life(guest: &Guest) -> Result<()> {
    let package = of_the_release(guest, "infiniservice_*.deb")?;
    let _undo = without_it(
        guest,
        &format!("dpkg --purge infiniservice; userdel infiniservice; rm -rf /var/tmp/lab-deb; {PURGE}"),
    )?;
    let others = format!(
        "dpkg-deb -c {package} | awk '$2 !~ /^(root|0).(root|0)$/ || $1 ~ /^.....w|^........w|s|t/ && $1 !~ /^l/'"
    );
    equal("what is not root's alone in the package", guest.sh(&others)?.as_str(), "")?;
    guest.sh(&format!("dpkg -i {package}"))?;
    equal("installed", (state(guest)?.as_str(), enabled(guest)?.as_str()), ("active", "enabled"))?;
    answers(guest)?;
    upgrade(guest, &package)?;
    guest.sh("dpkg --remove infiniservice")?;
    equal("removed", state(guest)?.as_str(), "inactive")?;
    let left = guest.sh(&format!(
        "test ! -e /opt/infiniservice && test ! -e /usr/sbin/infiniservice && tail -n 1 {CONFIG}"
    ))?;
    equal("the configuration is kept", left.as_str(), "max_ports = 7")?;
    let package_again =
        guest.sh(&format!("dpkg --force-confold -i {package} && systemctl is-active infiniservice"))?;
    ensure!(package_again.ends_with("active"), "{package_again}");
    // As Debian's packages do, it leaves the user: files may be theirs.
    guest.sh("dpkg --purge infiniservice && rm -rf /var/tmp/lab-deb && userdel infiniservice")?;
    nothing_is_left(guest)
}

/// dpkg asks where both sides changed the file; those who cannot be asked say which is to be kept.
fn upgrade(guest: &Guest, package: &str) -> Result<()> {
    guest.sh(&format!("echo 'max_ports = 7' >> {CONFIG}"))?;
    guest.sh(&format!("set -e; {}", NEXT.replace("PACKAGE", package)))?;
    let before = guest.agent_pid()?;
    guest.sh("dpkg --force-confold -i /var/tmp/lab-deb/next.deb")?;
    ensure!(guest.agent_pid()? != before, "the old program still runs");
    equal("upgraded", (state(guest)?.as_str(), enabled(guest)?.as_str()), ("active", "enabled"))?;
    let kept = guest.sh(&format!("tail -n 1 {CONFIG}; stat -c %a {CONFIG}; tail -n 1 {CONFIG}.dpkg-dist"))?;
    equal("kept", kept.as_str(), "max_ports = 7\n600\n# new in 99.0")?;
    // What an operator stopped and disabled stays so.
    guest.sh(
        "systemctl --quiet disable --now infiniservice; dpkg --force-confold -i /var/tmp/lab-deb/next.deb",
    )?;
    equal("left alone", (state(guest)?.as_str(), enabled(guest)?.as_str()), ("inactive", "disabled"))?;
    guest.sh("systemctl --quiet enable --now infiniservice")?;
    answers(guest)
}

fn enabled(guest: &Guest) -> Result<String> {
    guest.sh("systemctl is-enabled infiniservice || true")
}
