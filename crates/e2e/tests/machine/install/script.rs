//! `install-linux.sh`, from the archive that users download.

use super::{INSTALL, PURGE, answers, nothing_is_left, of_the_release, port, state, without_it};
use crate::support::{Undo, equal};
use anyhow::{Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;

pub const SCENARIOS: &[Scenario] = &[
    ("install::script::again_upgrades_and_keeps_the_configuration", again),
    ("install::script::uninstall_and_purge_leave_nothing", uninstall),
    ("install::script::two_commands_install_from_the_archive_without_a_network", archive),
    ("install::script::as_infinibays_host_calls_it_it_needs_only_the_program_beside_it", as_infinibays_host),
    (
        "install::script::in_a_chroot_without_systemd_it_installs_for_the_next_boot_and_may_be_run_again",
        in_a_chroot,
    ),
];

const CONFIG: &str = "/etc/infiniservice/config.toml";

fn again(guest: &Guest) -> Result<()> {
    let _undo =
        Undo::by(guest, format!("sed -i '/^max_ports = 7$/d' {CONFIG}; systemctl restart infiniservice"));
    guest.sh(&format!("echo 'max_ports = 7' >> {CONFIG}"))?;
    let before = guest.agent_pid()?;
    let told = guest.sh(INSTALL)?;
    ensure!(told.starts_with("installed and started"), "{told}");
    ensure!(guest.agent_pid()? != before, "the old program still runs");
    equal(
        "kept",
        guest.sh(&format!("tail -n 1 {CONFIG}; stat -c '%U %a' {CONFIG}"))?.as_str(),
        "max_ports = 7\nroot 600",
    )?;
    equal("the port", port(guest)?.as_str(), "root:root 600")?;
    answers(guest)
}

/// What an operator wrote is kept by the first, and gone by the second.
fn uninstall(guest: &Guest) -> Result<()> {
    let _undo = Undo::by(guest, INSTALL);
    guest.sh("/mnt/payload/install-linux.sh --uninstall")?;
    let left = guest.sh("find / -xdev -iname '*infiniservice*' -not -path '/mnt/*' -not -path '/var/log/*' -not -path '/tmp/lab-*'")?;
    equal("kept", left.as_str(), "/etc/infiniservice")?;
    equal("state", state(guest)?.as_str(), "inactive")?;
    // Neither is an error where nothing is installed.
    guest.sh(PURGE)?;
    guest.sh(PURGE)?;
    nothing_is_left(guest)
}

fn archive(guest: &Guest) -> Result<()> {
    let archive = of_the_release(guest, "*-x86_64-linux.tar.gz")?;
    let _undo = without_it(guest, &format!("rm -rf /var/tmp/lab-archive; {PURGE}"))?;
    let others =
        format!("tar --numeric-owner -tvzf {archive} | awk '$2 != \"0/0\" || $1 ~ /^.....w|^........w|s|t/'");
    equal("what is not root's alone in the archive", guest.sh(&others)?.as_str(), "")?;
    guest.sh("mkdir /var/tmp/lab-archive")?;
    guest.sh(&format!(
        "cd /var/tmp/lab-archive; tar -xzf {archive}; infiniservice-*/install-linux.sh full lab-7"
    ))?;
    equal("state", state(guest)?.as_str(), "active")?;
    let environment = guest.sh("systemctl show -p Environment --value infiniservice")?;
    equal("its name", environment.as_str(), "INFINISERVICE_VM_ID=lab-7")?;
    answers(guest)
}

/// The host puts two files into a directory and calls the script, later once more without a secret.
fn as_infinibays_host(guest: &Guest) -> Result<()> {
    let archive = of_the_release(guest, "*-infinibay-linux.tar.gz")?;
    let _undo = without_it(
        guest,
        &format!("{PURGE}; rm -rf /var/tmp/lab-host /tmp/infiniservice /run/infiniservice.signed"),
    )?;
    guest.sh(&format!(
        "mkdir /var/tmp/lab-host /tmp/infiniservice; tar -xzf {archive} -C /var/tmp/lab-host"
    ))?;
    guest.sh(
        "cd /var/tmp/lab-host/*; cp binaries/linux/infiniservice install/install-linux.sh /tmp/infiniservice",
    )?;
    let install = "cd /tmp/infiniservice; ./install-linux.sh normal 8c1f-22";
    guest.sh(&format!("export INFINISERVICE_SHARED_SECRET={}; {install}", "5e".repeat(32)))?;
    equal("state", state(guest)?.as_str(), "active")?;
    let environment = guest.sh("systemctl show -p Environment --value infiniservice")?;
    for setting in ["INFINISERVICE_VM_ID=8c1f-22", "INFINISERVICE_WIRE_PROFILE=infinibay"] {
        ensure!(environment.contains(setting), "{setting} is not in {environment}");
    }
    let secret = "stat -c '%U %a' /etc/infiniservice/shared_secret 2>/dev/null || echo none";
    equal("its secret", guest.sh(secret)?.as_str(), "root 600")?;
    guest.sh(install)?;
    equal("without the variable", guest.sh(secret)?.as_str(), "none")?;
    equal("state", state(guest)?.as_str(), "active")
}

/// A root of this machine's programs with directories of its own, as an image is before its first boot.
const CHROOT: &str = "set -e; root=/run/lab-chroot
mkdir -p $root/etc $root/dev $root/proc $root/run $root/var $root/root $root/usr/local/sbin $root/tmp/infiniservice
for name in bin sbin lib lib32 lib64; do
    if [ -L /$name ]; then cp -a /$name $root/; elif [ -d /$name ]; then mkdir $root/$name; mount --bind /$name $root/$name; fi
    if [ -d /usr/$name ]; then mkdir $root/usr/$name; mount --bind /usr/$name $root/usr/$name; fi
done
touch $root/dev/null; mount --bind /dev/null $root/dev/null
cp /etc/passwd /etc/group /etc/os-release $root/etc
cp /opt/infiniservice/infiniservice /mnt/payload/install-linux.sh $root/tmp/infiniservice";
const CHROOT_GONE: &str = "grep -o ' /run/lab-chroot[^ ]*' /proc/mounts | sort -r | xargs -r umount; rm -rf --one-file-system /run/lab-chroot";

/// The host's installer calls it so, and again at the first boot.
fn in_a_chroot(guest: &Guest) -> Result<()> {
    let _undo = Undo::by(guest, CHROOT_GONE);
    guest.sh(CHROOT)?;
    let before = guest.agent_pid()?;
    let install =
        "chroot /run/lab-chroot /bin/sh -c 'cd /tmp/infiniservice; ./install-linux.sh normal 8c1f-22'";
    for _ in 0..2 {
        let told = guest.sh(&format!("export INFINISERVICE_SHARED_SECRET={}; {install}", "5e".repeat(32)))?;
        ensure!(told.contains("next boot"), "{told}");
    }
    let found = guest.sh(
        "cd /run/lab-chroot; stat -c '%U %a' etc/infiniservice/shared_secret opt/infiniservice/infiniservice; \
         test -L etc/systemd/system/multi-user.target.wants/infiniservice.service; \
         grep -o WIRE_PROFILE=infinibay etc/systemd/system/infiniservice.service.d/20-infinibay.conf",
    )?;
    equal("what is installed", found.as_str(), "root 600\nroot 755\nWIRE_PROFILE=infinibay")?;
    equal("the machine's own agent", guest.agent_pid()?, before)
}
