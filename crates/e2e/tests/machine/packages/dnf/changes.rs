//! dnf's lists, installations, removals, and names that are none.

use super::super::{expect_change, expect_error};
use super::{open, rpm};
use anyhow::{Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;
use infiniservice_protocol::{Action, ErrorCode};

pub const SCENARIOS: &[Scenario] = &[
    ("packages::dnf_lists_what_rpm_has_and_a_hostile_summary_reaches_nobody_raw", list),
    ("packages::dnf_installs_and_removes_and_changes_nothing_the_second_time", install_and_remove),
    ("packages::dnf_knows_no_such_name_and_bad_ones_start_nothing", names),
    ("packages::dnf_tells_when_what_came_wants_a_reboot", reboot),
];

/// A megabyte on a line, escape sequences, bytes that are no UTF-8.
const HOSTILE: &str = "/srv/lab/rpm/alone/lab-hostile-1.0.rpm";

fn list(guest: &Guest) -> Result<()> {
    let desk = open(guest)?;
    guest.sh(&format!("rpm -i {HOSTILE}"))?;
    let data = desk.packages(None);
    let own = rpm(guest)?;
    let raw = guest.sh(
        "rpm -q --qf '%{SUMMARY}' lab-hostile | head -c 100 | od -An -c | tr -d ' \\n'; rpm -e lab-hostile",
    )?;
    let data = data?;
    ensure!(raw.contains("033") && raw.contains("377"), "the summary is harmless, the test void: {raw}");
    ensure!(data.manager == "dnf" && data.count == 2, "{data:?}");
    let told = |p: &infiniservice_protocol::data::PackageInfo| {
        format!("{} {} {}", p.name, p.version, p.architecture.clone().unwrap_or_default())
    };
    ensure!(data.packages.iter().map(told).collect::<Vec<_>>().join("\n") == own, "{own}\n{data:?}");
    let description = &data.packages[0].description;
    ensure!(description.chars().count() < 300 && description.contains("owned"), "{description:?}");
    ensure!(!description.contains(char::is_control), "{description:?}");
    desk.close();
    Ok(())
}

fn install_and_remove(guest: &Guest) -> Result<()> {
    let desk = open(guest)?;
    let come = desk.install("lab-plain.noarch")?;
    expect_change(&come, None, Some("1.0-1"), true)?;
    ensure!(come.stdout.contains("Complete!") && come.data["reboot_required"] == false, "{come:?}");
    ensure!(rpm(guest)?.contains("lab-plain 1.0-1 noarch"));
    for name in ["lab-plain", "lab-plain-1.0", "lab-plain-1.0-1.noarch"] {
        expect_change(&desk.install(name)?, Some("1.0-1"), Some("1.0-1"), false)?;
    }
    expect_change(&desk.remove("lab-plain")?, Some("1.0-1"), None, true)?;
    ensure!(rpm(guest)? == super::OWN, "{}", rpm(guest)?);
    expect_change(&desk.remove("lab-plain")?, None, None, false)?;
    desk.close();
    Ok(())
}

fn names(guest: &Guest) -> Result<()> {
    let desk = open(guest)?;
    expect_error(&desk.install("lab-plain-9.9")?, ErrorCode::NotFound, "dnf knows no package lab-plain-9.9")?;
    let update = Action::PackageUpdate { package: "lab-plain".to_owned(), cascade: false };
    expect_error(&desk.ask(&update, None)?, ErrorCode::NotFound, "is not installed")?;
    for name in
        ["--setopt=plugins=1", "@core", "lab-p*", "/srv/x.rpm", "x.rpm", "/bin/sh", "perl(X)", "a;b", ""]
    {
        expect_error(&desk.install(name)?, ErrorCode::InvalidParameter, "`package` must")?;
    }
    desk.close();
    Ok(())
}

fn reboot(guest: &Guest) -> Result<()> {
    let desk = open(guest)?;
    let come = desk.install("linux-firmware")?;
    guest.sh("rpm -e linux-firmware")?;
    expect_change(&come, None, Some("1.0-1"), true)?;
    ensure!(come.data["reboot_required"] == true, "{come:?}");
    desk.close();
    Ok(())
}
