//! Packages and updates against the real zypper and rpm, with dnf's repository. The machine is Debian's: the agent is shown
//! another system's os-release.

use super::rpm::{self, OLD_ONES, OWN, rpm};
use super::updates::check;
use super::{Desk, changed, expect_change, expect_error};
use anyhow::{Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;
use infiniservice_protocol::{Action, ErrorCode};

/// The last one takes all traces of the other system away.
pub const SCENARIOS: &[Scenario] = &[
    ("packages::zypper_lists_installs_and_removes_and_changes_nothing_the_second_time", install_and_remove),
    ("packages::zypper_knows_no_such_name_and_bad_ones_start_nothing", names),
    ("packages::zypper_refuses_what_would_take_others_away_until_it_is_told_to", conflict),
    ("packages::zypper_a_script_that_fails_is_told", script_fails),
    ("packages::zypper_a_held_lock_is_busy_and_names_the_holder", locked),
    ("packages::zypper_a_full_disk_is_told", full),
    ("packages::zypper_updates_security_ones_are_told_apart_and_installed_alone", security),
    ("packages::zypper_updates_what_a_lock_keeps_back_is_held", held),
    ("packages::zypper_tells_when_what_came_wants_a_reboot", reboot),
    ("packages::zypper_goes_with_the_system_whose_own_it_is", end),
];

/// Makes the agent's system an openSUSE, whose zypper knows the image's repository in its first state.
const BE_SUSE: &str = "
drop_in=/etc/systemd/system/infiniservice.service.d/lab-suse.conf
[ -e $drop_in ] || {
    mkdir -p /etc/systemd/system/infiniservice.service.d /etc/zypp/repos.d
    printf 'NAME=\"openSUSE Leap\"\\nID=\"opensuse-leap\"\\nID_LIKE=\"suse opensuse\"\\nVERSION_ID=\"15.6\"\\n' > /srv/lab/os-release
    ln -sfn old /srv/lab/rpm/current
    printf '[lab]\\nname=Lab\\nenabled=1\\nautorefresh=0\\nbaseurl=file:///srv/lab/rpm/current\\ngpgcheck=0\\n' > /etc/zypp/repos.d/lab.repo
    printf '[Service]\\nBindReadOnlyPaths=/srv/lab/os-release:/usr/lib/os-release\\n' > $drop_in
    systemctl daemon-reload
    systemctl restart infiniservice
}";
const BE_DEBIAN: &str = "
rm -r /etc/systemd/system/infiniservice.service.d/lab-suse.conf /etc/zypp/repos.d /srv/lab/os-release /var/cache/zypp
rmdir --ignore-fail-on-non-empty /etc/systemd/system/infiniservice.service.d
systemctl daemon-reload
systemctl restart infiniservice";

fn open(guest: &Guest) -> Result<Desk<'_>> {
    guest.sh(BE_SUSE)?;
    Ok(Desk { guest, client: guest.connect()? })
}

fn install_and_remove(guest: &Guest) -> Result<()> {
    let desk = open(guest)?;
    let come = desk.install("lab-plain.noarch")?;
    expect_change(&come, None, Some("1.0-1"), true)?;
    ensure!(come.stdout.contains("Installing: lab-plain-1.0-1.noarch"), "{come:?}");
    ensure!(come.data["reboot_required"] == false, "{come:?}");
    let data = desk.packages(None)?;
    let told = |p: &infiniservice_protocol::data::PackageInfo| {
        format!("{} {} {}", p.name, p.version, p.architecture.clone().unwrap_or_default())
    };
    let mut all: Vec<_> = data.packages.iter().map(told).collect();
    all.sort();
    ensure!(data.manager == "zypper" && all.join("\n") == rpm(guest)?, "{data:?}");
    for name in ["lab-plain", "lab-plain-1.0", "lab-plain-1.0-1.noarch"] {
        expect_change(&desk.install(name)?, Some("1.0-1"), Some("1.0-1"), false)?;
    }
    expect_change(&desk.remove("lab-plain")?, Some("1.0-1"), None, true)?;
    ensure!(rpm(guest)? == OWN, "{}", rpm(guest)?);
    expect_change(&desk.remove("lab-plain")?, None, None, false)?;
    desk.close();
    Ok(())
}

fn names(guest: &Guest) -> Result<()> {
    let desk = open(guest)?;
    let unknown = desk.install("lab-plain-9.9")?;
    expect_error(&unknown, ErrorCode::NotFound, "zypper knows no package lab-plain-9.9")?;
    let update = Action::PackageUpdate { package: "lab-plain".to_owned(), cascade: false };
    expect_error(&desk.ask(&update, None)?, ErrorCode::NotFound, "is not installed")?;
    for name in [
        "-lab-shell",
        "!lab-shell",
        "~lab-shell",
        "+lab-plain",
        "lab-plain=1.0",
        "lab-plain>1",
        "lab:lab-plain",
        "pattern:x",
        "lab-p*",
        "/srv/x.rpm",
        "x.rpm",
        "a;b",
        "",
    ] {
        expect_error(&desk.install(name)?, ErrorCode::InvalidParameter, "`package` must")?;
    }
    ensure!(rpm(guest)? == OWN, "{}", rpm(guest)?);
    desk.close();
    Ok(())
}

fn conflict(guest: &Guest) -> Result<()> {
    let desk = open(guest)?;
    let broken = desk.install("lab-broken")?;
    expect_error(&broken, ErrorCode::ExecutionFailed, "nothing provides lab-absent >= 2")?;
    expect_change(&desk.install("lab-plain")?, None, Some("1.0-1"), true)?;
    let refused = desk.install("lab-enemy")?;
    expect_error(&refused, ErrorCode::Conflict, "it would remove lab-plain")?;
    ensure!(rpm(guest)?.contains("lab-plain"), "it is gone all the same");
    let told = Action::PackageInstall { package: "lab-enemy".to_owned(), cascade: true };
    expect_change(&desk.ask(&told, None)?, None, Some("1.0-1"), true)?;
    ensure!(!rpm(guest)?.contains("lab-plain"), "{}", rpm(guest)?);
    expect_change(&desk.remove("lab-enemy")?, Some("1.0-1"), None, true)?;
    desk.close();
    Ok(())
}

fn script_fails(guest: &Guest) -> Result<()> {
    let desk = open(guest)?;
    let after = desk.install("lab-fails")?;
    expect_error(&after, ErrorCode::ExecutionFailed, "a package's script failed")?;
    ensure!(after.stdout.contains("no such frobnicator") || after.stderr.contains("no such frobnicator"));
    ensure!(changed(&after)? == (None, Some("1.0-1".to_owned()), true), "{after:?}");
    let before = desk.install("lab-refuses")?;
    expect_error(&before, ErrorCode::ExecutionFailed, "a package's script failed")?;
    ensure!(changed(&before)? == (None, None, false), "{before:?}");
    expect_change(&desk.remove("lab-fails")?, Some("1.0-1"), None, true)?;
    desk.close();
    Ok(())
}

fn locked(guest: &Guest) -> Result<()> {
    let desk = open(guest)?;
    rpm::locked(&desk, "/run/zypp.pid")?;
    desk.close();
    Ok(())
}

fn full(guest: &Guest) -> Result<()> {
    let desk = open(guest)?;
    rpm::full(&desk)?;
    desk.close();
    Ok(())
}

fn security(guest: &Guest) -> Result<()> {
    let desk = open(guest)?;
    rpm::security(&desk, "zypper")?;
    // The version that is named is older.
    expect_change(&desk.install("lab-plain-1.0-1")?, None, Some("1.0-1"), true)?;
    guest.sh("rpm -e lab-plain")?;
    desk.close();
    Ok(())
}

fn held(guest: &Guest) -> Result<()> {
    let desk = open(guest)?;
    guest.sh(&format!("{OLD_ONES}; ln -sfn new /srv/lab/rpm/current; zypper -n addlock lab-plain"))?;
    let pending = check(&desk);
    guest.sh("zypper -n removelock lab-plain; rpm -e lab-fixed lab-plain")?;
    let pending = pending?;
    let told: Vec<_> =
        pending.pending_updates.iter().map(|u| (&*u.package, u.blocked_by.as_deref())).collect();
    ensure!(told == [("lab-fixed", None), ("lab-plain", Some("held"))], "{pending:?}");
    desk.close();
    Ok(())
}

fn reboot(guest: &Guest) -> Result<()> {
    let desk = open(guest)?;
    guest.sh("echo linux-firmware > /etc/zypp/needreboot")?;
    let come = desk.install("linux-firmware")?;
    guest.sh("rpm -e linux-firmware; rm -f /etc/zypp/needreboot /run/reboot-needed")?;
    expect_change(&come, None, Some("1.0-1"), true)?;
    ensure!(come.data["reboot_required"] == true, "{come:?}");
    desk.close();
    Ok(())
}

fn end(guest: &Guest) -> Result<()> {
    let desk = open(guest)?;
    ensure!(desk.packages(Some("lab-shell"))?.manager == "zypper", "the agent is not on openSUSE");
    ensure!(rpm(guest)? == OWN, "packages are left: {}", rpm(guest)?);
    desk.close();
    guest.sh(BE_DEBIAN)?;
    let desk = Desk::open(guest)?;
    ensure!(desk.packages(Some("systemd"))?.manager == "apt", "zypper is there, but not this system's own");
    desk.close();
    Ok(())
}
