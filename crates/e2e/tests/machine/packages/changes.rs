//! Lists, installations, removals, and names that are none.

use super::{Desk, expect_change, expect_error};
use anyhow::{Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;
use infiniservice_protocol::{Action, ErrorCode};
use std::process::Command;

pub const SCENARIOS: &[Scenario] = &[
    ("packages::the_list_is_that_of_dpkg", list),
    ("packages::install_and_remove_tell_versions_and_change_nothing_the_second_time", install_and_remove),
    ("packages::unknown_names_are_not_found_and_bad_ones_start_nothing", names),
    ("packages::an_architecture_may_be_named", architecture),
    ("packages::a_hostile_description_reaches_nobody_raw", hostile),
];

fn list(guest: &Guest) -> Result<()> {
    let desk = Desk::open(guest)?;
    let data = desk.packages(None)?;
    let own = guest.sh("dpkg-query -W -f='${Package} ${Version} ${Architecture}\\n' | sort")?;
    let mut told: Vec<_> = data
        .packages
        .iter()
        .map(|p| format!("{} {} {}", p.name, p.version, p.architecture.clone().unwrap_or_default()))
        .collect();
    told.sort();
    ensure!(told == own.lines().collect::<Vec<_>>(), "{told:?}\n{own}");
    ensure!(data.manager == "apt" && data.count as usize == told.len(), "{}", data.count);
    let systemd = desk.packages(Some("SYSTEMD"))?;
    ensure!(systemd.packages.iter().any(|p| p.name == "systemd") && systemd.count < data.count);
    desk.close();
    Ok(())
}

fn install_and_remove(guest: &Guest) -> Result<()> {
    let desk = Desk::open(guest)?;
    expect_change(&desk.install("lab-plain")?, None, Some("1.0"), true)?;
    ensure!(desk.dpkg("lab-plain")? == "installed 1.0");
    expect_change(&desk.install("lab-plain")?, Some("1.0"), Some("1.0"), false)?;
    expect_change(&desk.remove("lab-plain")?, Some("1.0"), None, true)?;
    ensure!(desk.dpkg("lab-plain")?.is_empty());
    expect_change(&desk.remove("lab-plain")?, None, None, false)?;
    expect_change(&desk.install("lab-plain+")?, None, Some("1.0"), true)?;
    ensure!(desk.dpkg("lab-plain")?.is_empty(), "the + was taken for an order");
    expect_change(&desk.remove("lab-plain+")?, Some("1.0"), None, true)?;
    desk.close();
    Ok(())
}

fn names(guest: &Guest) -> Result<()> {
    let desk = Desk::open(guest)?;
    expect_error(&desk.install("lab-nosuch")?, ErrorCode::NotFound, "apt knows no package lab-nosuch")?;
    expect_error(&desk.remove("lab-nosuch")?, ErrorCode::NotFound, "lab-nosuch")?;
    expect_error(&desk.install("lab-plain=9.9")?, ErrorCode::NotFound, "Version '9.9'")?;
    let update = Action::PackageUpdate { package: "lab-plain".to_owned(), cascade: false };
    expect_error(&desk.ask(&update, None)?, ErrorCode::NotFound, "is not installed")?;
    for name in [
        "-oDPkg::Pre-Invoke::=touch$IFS/tmp/pwned",
        "lab-plain;touch",
        "lab-plain-",
        "lab-p*",
        "../x",
        "x.deb",
        "",
    ] {
        expect_error(&desk.install(name)?, ErrorCode::InvalidParameter, "`package` must")?;
    }
    ensure!(guest.sh("ls /tmp")?.lines().all(|name| !name.contains("pwned")));
    desk.close();
    Ok(())
}

fn architecture(guest: &Guest) -> Result<()> {
    let desk = Desk::open(guest)?;
    expect_change(&desk.install("lab-native:amd64")?, None, Some("1.0"), true)?;
    expect_change(&desk.install("lab-native")?, Some("1.0"), Some("1.0"), false)?;
    let other = desk.install("lab-native:i386")?;
    expect_error(&other, ErrorCode::NotFound, "apt knows no package lab-native:i386")?;
    expect_change(&desk.remove("lab-native:amd64")?, Some("1.0"), None, true)?;
    ensure!(desk.dpkg("lab-native")?.is_empty());
    desk.close();
    Ok(())
}

/// Its description is a megabyte on one line, with escape sequences and bytes that are no UTF-8; its second line looks like
/// another package in dpkg-query's output.
fn hostile(guest: &Guest) -> Result<()> {
    let desk = Desk::open(guest)?;
    expect_change(&desk.install("lab-hostile")?, None, Some("1.0"), true)?;
    let raw =
        guest.sh("dpkg-query -W -f='${Description}' lab-hostile | head -c 100 | od -An -c | tr -d ' \\n'")?;
    ensure!(raw.contains("033") && raw.contains("377"), "the description is harmless, the test void: {raw}");
    let data = desk.packages(Some("lab-hostile"))?;
    let forged = desk.packages(Some("lab-forged"))?;
    desk.close();
    let listed = infinictl(guest, &["package", "list", "--filter", "lab-hostile"])?;
    let json = infinictl(guest, &["--json", "package", "list", "--filter", "lab-hostile"])?;
    guest.sh("dpkg --purge lab-hostile")?;

    ensure!(data.count == 1 && forged.count == 0, "{data:?} {forged:?}");
    let description = &data.packages[0].description;
    ensure!(!description.contains(char::is_control) && description.contains("owned"), "{description:?}");
    ensure!(description.chars().count() < 300, "{}", description.len());
    for shown in [listed, json] {
        ensure!(shown.contains("lab-hostile") && shown.contains("owned"), "{shown:?}");
        ensure!(shown.lines().all(|line| !line.contains(char::is_control)), "{shown:?}");
        ensure!(shown.len() < 2000, "{}", shown.len());
    }
    Ok(())
}

/// What `infinictl` prints where no terminal is.
fn infinictl(guest: &Guest, arguments: &[&str]) -> Result<String> {
    let mut command = Command::new(std::env::current_exe()?);
    command.env(crate::AS_INFINICTL, "1").arg("--socket").arg(guest.machine.agent_socket()).args(arguments);
    let output = command.output()?;
    ensure!(output.status.success(), "{output:?}");
    Ok(String::from_utf8(output.stdout)?)
}
