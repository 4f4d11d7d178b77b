//! Freezing, and snapshots that do it.

use super::Row;
use crate::guest::{Guest, NAME, until};
use anyhow::{Result, ensure};

pub const ROWS: &[Row] = &[
    Row::new(
        "domfsfreeze, a write in the guest, domfsthaw twice",
        "Froze N; the write hangs; guestinfo says nothing, with a type it fails; Thawed N, then Thawed 0",
        all,
    ),
    Row::new("domfsfreeze --mountpoint /data", "Froze 1", one),
    Row::new("domfsfreeze --mountpoint /no", "Froze 0, status thawed", none),
    Row::new(
        "snapshot-create-as --disk-only --quiesce --no-metadata",
        "rc 0; freeze and thaw were sent",
        snapshot,
    ),
];

const STATUS: &str = r#"{"execute":"guest-fsfreeze-status"}"#;

/// Both disks of the domain.
fn all(guest: &Guest) -> Result<String> {
    let froze = guest.virsh_talkative(&["domfsfreeze", NAME])?;
    ensure!(froze == "Froze 2 filesystem(s)", "{froze}");
    guest.begin_inside("echo $$ > /run/writer; echo written > /var/tmp/written; touch /run/written")?;
    let state = "pid=$(cat /run/writer 2>/dev/null) && cut -d ' ' -f 3 /proc/$pid/stat || true";
    until("a write that hangs", || Ok(guest.inside(state)? == "D"))?;
    let nothing = guest.virsh(&["guestinfo", NAME])?;
    ensure!(nothing.is_empty(), "guestinfo while frozen: {nothing}");
    let words = guest.refused(&["guestinfo", NAME, "--os"])?;
    ensure!(guest.agent_command(STATUS)? == r#"{"return":"frozen"}"#, "the status");
    let thawed = [guest.virsh_talkative(&["domfsthaw", NAME])?, guest.virsh_talkative(&["domfsthaw", NAME])?];
    ensure!(thawed == ["Thawed 2 filesystem(s)", "Thawed 0 filesystem(s)"], "{thawed:?}");
    until("the write after the thaw", || Ok(guest.inside("ls /run")?.contains("written")))?;
    let refused = words.lines().find(|line| line.starts_with("error:")).unwrap_or_default();
    Ok(format!("{froze}; the writer sleeps uninterruptibly (D); {refused}; {}; {}", thawed[0], thawed[1]))
}

fn one(guest: &Guest) -> Result<String> {
    let froze = guest.virsh_talkative(&["domfsfreeze", NAME, "--mountpoint", "/data"])?;
    // The root is not frozen.
    guest.inside("echo x > /var/tmp/x; sync /var/tmp/x")?;
    let thawed = guest.virsh_talkative(&["domfsthaw", NAME])?;
    ensure!(froze == "Froze 1 filesystem(s)" && thawed == "Thawed 1 filesystem(s)", "{froze}, {thawed}");
    Ok(format!("{froze}; the root is written to; {thawed}"))
}

fn none(guest: &Guest) -> Result<String> {
    let froze = guest.virsh_talkative(&["domfsfreeze", NAME, "--mountpoint", "/no"])?;
    let status = guest.agent_command(STATUS)?;
    ensure!(froze == "Froze 0 filesystem(s)" && status == r#"{"return":"thawed"}"#, "{froze}, {status}");
    Ok(format!("{froze}; {status}"))
}

fn snapshot(guest: &Guest) -> Result<String> {
    let before = guest.log_length()?;
    let vda = format!("vda,file={}", guest.file("snapshot.qcow2").display());
    let words = ["snapshot-create-as", NAME, "one", "--disk-only", "--quiesce", "--no-metadata"];
    guest.virsh(&[&words[..], &["--diskspec", &vda, "--diskspec", "vdb,snapshot=no"]].concat())?;
    guest.ping()?;
    let Some(log) = guest.logged(before)? else { return Ok("rc 0; libvirtd is the host's own".to_owned()) };
    let at = |command: &str| log.find(&format!("\"execute\":\"{command}\""));
    let (freeze, thaw) = (at("guest-fsfreeze-freeze"), at("guest-fsfreeze-thaw"));
    ensure!(freeze.is_some() && freeze < thaw, "freeze at {freeze:?}, thaw at {thaw:?}:\n{log}");
    Ok("rc 0; guest-fsfreeze-freeze, then guest-fsfreeze-thaw".to_owned())
}
