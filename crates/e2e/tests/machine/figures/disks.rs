//! File systems beside df.

use crate::support::{Undo, around, between, equal, metrics, with_host};
use anyhow::{Context, Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;
use infiniservice_protocol::metrics::DiskUsage;
use std::collections::BTreeMap;

pub const SCENARIOS: &[Scenario] = &[
    ("figures::disks::file_systems_are_those_of_df", file_systems),
    ("figures::disks::a_file_system_of_known_size_and_contents_is_told_as_df_tells_it", known),
];

/// File systems in memory are left out by the agent, and a live system's layers too.
pub const DF: &str = "df -B1 -x tmpfs -x devtmpfs -x overlay -x efivarfs \
    --output=source,fstype,size,used,avail,itotal,iused,target | tail -n +2";

/// One row of df.
#[derive(Debug)]
pub struct Row {
    pub device: String,
    pub kind: String,
    /// Size, used, available (bytes); inodes, and those used.
    pub figures: Vec<f64>,
}

/// Rows by mount point.
pub fn rows(text: &str) -> Result<BTreeMap<String, Row>> {
    text.lines().map(|line| row(line).with_context(|| format!("df: {line}"))).collect()
}

fn row(line: &str) -> Option<(String, Row)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let figures = words.get(2..7)?.iter().map(|word| word.parse()).collect::<Result<_, _>>().ok()?;
    let row = Row { device: (*words.first()?).into(), kind: (*words.get(1)?).into(), figures };
    Some((words.get(7..)?.join(" "), row))
}

fn file_systems(guest: &Guest) -> Result<()> {
    let (before, own, after) = with_host(guest, |client| around(guest, client, DF))?;
    let (before, after, own) = (rows(&before)?, rows(&after)?, own.data.system.disk.usage_stats);
    ensure!(before.contains_key("/") && before.contains_key("/mnt/payload"), "{before:?}");
    let places: Vec<&String> = own.iter().map(|usage| &usage.mount_point).collect();
    equal("mount points", places, before.keys().collect())?;
    for usage in &own {
        // The journal is in memory here, but the agent and the tools may still write a few blocks.
        compare(usage, &before[&usage.mount_point], &after[&usage.mount_point], 1e-3, 16.0)?;
    }
    Ok(())
}

/// `gigabytes` and `inodes` are the slack of what is in use.
fn compare(own: &DiskUsage, before: &Row, after: &Row, gigabytes: f64, inodes: f64) -> Result<()> {
    equal("device", &own.device, &before.device)?;
    equal("type", &own.filesystem, &before.kind)?;
    let total = own.inodes_total.context("no inodes")?;
    let used = own.inodes_used.context("no inodes in use")?;
    let own = [own.total_gb * 1e9, own.used_gb * 1e9, own.available_gb * 1e9, total as f64, used as f64];
    // Gigabytes have six decimals on the wire.
    let slack = [500.0, gigabytes * 1e9 + 500.0, gigabytes * 1e9 + 500.0, 0.0, inodes];
    for ((own, slack), (before, after)) in
        own.into_iter().zip(slack).zip(before.figures.iter().zip(&after.figures))
    {
        between("a figure of df", *before, own, *after, slack)?;
    }
    Ok(())
}

/// 64 MiB in a file, 10 MB and 20 files of them used: nothing else writes there, so every figure is exact.
fn known(guest: &Guest) -> Result<()> {
    let _undo = Undo::by(guest, "umount '/mnt/lab disk'; rmdir '/mnt/lab disk'; rm -f /root/lab.img");
    guest.sh(
        "truncate -s 64M /root/lab.img && mkfs.ext4 -q -m 5 -E lazy_itable_init=0,lazy_journal_init=0 /root/lab.img && \
         mkdir '/mnt/lab disk' && mount -o loop /root/lab.img '/mnt/lab disk' && \
         head -c 10000000 /dev/zero > '/mnt/lab disk/file' && for n in $(seq 20); do : > \"/mnt/lab disk/$n\"; done; sync",
    )?;
    let (before, own, after) = with_host(guest, |client| around(guest, client, DF))?;
    let place = "/mnt/lab disk";
    let own = own.data.system.disk.usage_stats;
    let own = own.iter().find(|usage| usage.mount_point == place).context("it is not listed")?;
    ensure!(own.used_gb > 0.01 && own.total_gb > 0.05 && own.inodes_used > Some(20), "{own:?}");
    ensure!(own.available_gb < own.total_gb - own.used_gb - 0.002, "root's reserve is missing: {own:?}");
    compare(own, &rows(&before)?[place], &rows(&after)?[place], 0.0, 0.0)?;
    guest.sh("umount '/mnt/lab disk'")?;
    let later = with_host(guest, |client| metrics(guest, client))?.data.system.disk.usage_stats;
    ensure!(!later.iter().any(|usage| usage.mount_point == place), "it is still listed: {later:?}");
    Ok(())
}
