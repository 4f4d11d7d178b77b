//! What only reads.

use super::{Row, line};
use crate::guest::{Guest, NAME};
use anyhow::{Result, ensure};

pub const ROWS: &[Row] = &[
    Row::new("guestinfo", "rc 0, all groups, fs.N.disk.N.alias = vda", everything),
    Row::new("guestinfo --disk, --os, --user", "rc 0, each its own group", each_group),
    Row::new("domfsinfo", "a table with targets", file_systems),
    Row::new("domifaddr --source agent", "addresses", addresses),
    Row::new("domhostname --source agent", "the guest's name", name),
    Row::new("guestvcpus; vcpucount --guest", "offlinable : 1; 2", processors),
];

/// A group's first line in the answer of `guestinfo`.
const GROUPS: [&str; 7] =
    ["os.id", "timezone.name", "hostname", "fs.count", "disk.count", "if.count", "user.count"];

fn everything(guest: &Guest) -> Result<String> {
    let said = guest.virsh(&["guestinfo", NAME])?;
    for group in GROUPS {
        line(&said, group)?;
    }
    ensure!(line(&said, "os.id")?.ends_with("debian"), "{said}");
    ensure!(line(&said, "hostname")?.ends_with("lab"), "{said}");
    let alias = said.lines().find(|line| line.contains(".disk.0.alias") && line.ends_with("vda"));
    ensure!(alias.is_some(), "no disk of a file system is called vda:\n{said}");
    Ok(format!("{} groups; {}", GROUPS.len(), alias.unwrap_or_default().trim()))
}

fn each_group(guest: &Guest) -> Result<String> {
    let mut seen = Vec::new();
    for (option, group, others) in [
        ("--disk", "disk.count", "os.id"),
        ("--os", "os.id", "disk.count"),
        ("--user", "user.count", "os.id"),
    ] {
        let said = guest.virsh(&["guestinfo", NAME, option])?;
        ensure!(!said.contains(others), "{option} tells {others} too:\n{said}");
        seen.push(line(&said, group)?);
    }
    Ok(seen.join("; "))
}

fn file_systems(guest: &Guest) -> Result<String> {
    let said = guest.virsh(&["domfsinfo", NAME])?;
    let (root, data) = (line(&said, "/ ")?, line(&said, "/data ")?);
    ensure!(root.ends_with("ext4 vda") && data == "/data vdb ext4 vdb", "{said}");
    Ok(format!("{root}; {data}"))
}

fn addresses(guest: &Guest) -> Result<String> {
    let said = guest.virsh(&["domifaddr", NAME, "--source", "agent"])?;
    ensure!(said.contains("10.0.2.15/24"), "{said}");
    let loopback = line(&said, "lo ")?;
    ensure!(loopback.contains("127.0.0.1/8"), "{said}");
    let own = said.lines().find(|line| line.contains("10.0.2.15/24")).unwrap_or_default();
    Ok(format!("{loopback}; {}", own.split_whitespace().collect::<Vec<_>>().join(" ")))
}

fn name(guest: &Guest) -> Result<String> {
    let said = guest.virsh(&["domhostname", NAME, "--source", "agent"])?;
    ensure!(said == "lab", "{said}");
    Ok(said)
}

fn processors(guest: &Guest) -> Result<String> {
    let said = guest.virsh(&["guestvcpus", NAME])?;
    let offlinable = line(&said, "offlinable")?;
    ensure!(offlinable == "offlinable : 1", "{said}");
    let count = guest.virsh(&["vcpucount", NAME, "--guest"])?;
    ensure!(count == "2", "{count}");
    Ok(format!("{offlinable}; {count}"))
}
