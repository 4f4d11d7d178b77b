//! Sleep, a start anew, and the end.

use super::Row;
use crate::guest::{Guest, NAME, until};
use anyhow::Result;
use std::time::Instant;

pub const ROWS: &[Row] = &[
    Row::new(
        "dompmsuspend mem, dompmwakeup, a ping",
        "pmsuspended; disconnected, connected; the ping is answered",
        sleep,
    )
    .slow(),
    Row::new("reboot --mode agent", "rc 0, then the agent again", reboot).slow(),
    Row::new("shutdown --mode agent", "rc 0; Shutdown Finished after guest request", by_agent).slow(),
    Row::new("shutdown", "rc 0, by the agent; Shutdown Finished after guest request", plain).slow(),
];

const FINISHED: &str = "Shutdown Finished after guest request";

fn sleep(guest: &Guest) -> Result<String> {
    let before = guest.events()?;
    guest.virsh(&["dompmsuspend", NAME, "mem"])?;
    until("a guest that sleeps", || Ok(guest.virsh(&["domstate", NAME])? == "pmsuspended"))?;
    guest.virsh(&["dompmwakeup", NAME])?;
    guest.event(&before, "state: 'disconnected'")?;
    guest.connected()?;
    guest.ping()?;
    Ok("pmsuspended; disconnected, connected; answered".to_owned())
}

fn reboot(guest: &Guest) -> Result<String> {
    let before = guest.events()?;
    let start = Instant::now();
    guest.virsh(&["reboot", NAME, "--mode", "agent"])?;
    let took = start.elapsed().as_secs_f64();
    guest.event(&before, "'reboot'")?;
    guest.connected()?;
    guest.inside("true")?;
    guest.ping()?;
    Ok(format!("rc 0 after {took:.1} s; reboot; answered again"))
}

fn by_agent(guest: &Guest) -> Result<String> {
    let seen = ended_by(guest, &["shutdown", NAME, "--mode", "agent"])?;
    guest.virsh(&["start", NAME])?;
    guest.connected()?;
    guest.inside("true")?;
    Ok(seen)
}

fn plain(guest: &Guest) -> Result<String> {
    let before = guest.log_length()?;
    let seen = ended_by(guest, &["shutdown", NAME])?;
    let asked = guest.logged(before)?.is_none_or(|log| log.contains("\"execute\":\"guest-shutdown\""));
    anyhow::ensure!(asked, "the agent was not asked");
    Ok(seen)
}

fn ended_by(guest: &Guest, arguments: &[&str]) -> Result<String> {
    let before = guest.events()?;
    let start = Instant::now();
    guest.virsh(arguments)?;
    let took = start.elapsed().as_secs_f64();
    guest.event(&before, FINISHED)?;
    until("a domain that is off", || Ok(guest.virsh(&["domstate", NAME])? == "shut off"))?;
    Ok(format!("rc 0 after {took:.1} s; {FINISHED}"))
}
