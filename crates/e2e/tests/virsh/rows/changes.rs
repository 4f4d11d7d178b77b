//! The clock, processors and trimming.

use super::Row;
use crate::guest::{Guest, NAME};
use anyhow::{Context, Result, ensure};
use std::time::{SystemTime, UNIX_EPOCH};

pub const ROWS: &[Row] = &[
    Row::new("domtime --now; domtime; domtime --pretty", "within 1 s of the host", now),
    Row::new("domtime --time N", "N, and the event rtc-change", set),
    Row::new("domtime --sync", "the hardware clock's time", from_hardware),
    Row::new("setvcpus 1 --guest, then 2", "cpu1/online 0, then 1", processors),
    Row::new("domfstrim", "rc 0", trim),
];

fn host() -> Result<u64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())
}

fn guests(guest: &Guest) -> Result<u64> {
    let said = guest.virsh(&["domtime", NAME])?;
    said.strip_prefix("Time: ").and_then(|time| time.parse().ok()).with_context(|| said.clone())
}

fn now(guest: &Guest) -> Result<String> {
    guest.virsh(&["domtime", NAME, "--now"])?;
    let before = host()?;
    let time = guests(guest)?;
    let after = host()?;
    // The host is busy at times: what it took to ask is no error of the guest's clock.
    ensure!(before <= time + 1 && time <= after + 1, "{time} in the guest, {before} to {after} on the host");
    let pretty = guest.virsh(&["domtime", NAME, "--pretty"])?;
    let year = pretty.strip_prefix("Time: 20").is_some_and(|rest| rest.contains(':'));
    ensure!(year, "{pretty}");
    Ok(format!("{time} between {before} and {after} (1 s allowed); {pretty}"))
}

/// An hour ahead.
const AHEAD: u64 = 3600;
/// Far above what a command takes, and far below an hour.
const NEAR: u64 = 300;

fn set(guest: &Guest) -> Result<String> {
    let (before, time) = (guest.events()?, host()? + AHEAD);
    guest.virsh(&["domtime", NAME, "--time", &time.to_string()])?;
    let read = guests(guest)?;
    ensure!((time..time + NEAR).contains(&read), "{read} where {time} was set");
    guest.event(&before, "'rtc-change'")?;
    Ok("N, then on from it; rtc-change".to_owned())
}

fn from_hardware(guest: &Guest) -> Result<String> {
    guest.inside("date --set=@1600000000")?;
    let expected = host()? + AHEAD;
    guest.virsh(&["domtime", NAME, "--sync"])?;
    let read = guests(guest)?;
    ensure!(
        (expected - NEAR..expected + NEAR).contains(&read),
        "{read}, where the hardware clock says {expected}"
    );
    guest.virsh(&["domtime", NAME, "--now"])?;
    Ok("the hardware clock's, which was set before".to_owned())
}

fn processors(guest: &Guest) -> Result<String> {
    let mut seen = Vec::new();
    for (count, online) in [("1", "0"), ("2", "1")] {
        guest.virsh(&["setvcpus", NAME, count, "--guest"])?;
        let is = guest.inside("cat /sys/devices/system/cpu/cpu1/online")?;
        ensure!(is == online, "{count} processors, and cpu1/online is {is}");
        seen.push(is);
    }
    Ok(format!("cpu1/online {}", seen.join(", then ")))
}

fn trim(guest: &Guest) -> Result<String> {
    guest.virsh(&["domfstrim", NAME])?;
    Ok("rc 0".to_owned())
}
