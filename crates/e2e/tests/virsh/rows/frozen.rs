//! The root frozen for minutes: the agent's own link goes on, nothing of the agent waits for a disk, and what ends the agent or
//! the freeze leaves nothing frozen that nobody knows of.

use super::Row;
use crate::guest::{Guest, NAME, until};
use anyhow::{Result, ensure};
use infinictl::client::Client;
use infiniservice_e2e::messages::TIMEOUT;
use infiniservice_protocol::{Action, ErrorCode};
use std::time::{Duration, Instant};

pub const ROWS: &[Row] = &[
    Row::new(
        "domfsfreeze for 120 s, with a host on the agent's own link; domfsthaw",
        "metrics and reads go on, changes get BUSY, no thread of the agent waits for a disk; Thawed N",
        two_minutes,
    ),
    Row::new("domfsfreeze, SIGTERM of the agent", "it thaws and ends; thawed when it is back", ended),
    Row::new("domfsfreeze, SIGKILL of the agent, domfsthaw", "frozen when it is back; Thawed N", killed),
    Row::new(
        "domfsfreeze with qga_freeze_max_secs = 3, domfsthaw",
        "thawed by itself, the status frozen; the thaw tells that the freeze was limited",
        expired,
    ),
];

/// Longer than snapshots take.
const FROZEN: Duration = Duration::from_secs(120);
const STATUS: &str = r#"{"execute":"guest-fsfreeze-status"}"#;
const IS_FROZEN: &str = r#"{"return":"frozen"}"#;
const IS_THAWED: &str = r#"{"return":"thawed"}"#;
/// Threads of the agent in uninterruptible sleep, and what it has had written to disks.
const WAITING: &str =
    "pid=$(pgrep -o -x infiniservice) && cat /proc/$pid/task/*/status | grep -c '^State:.*D' ; true";
const WRITTEN: &str = "grep '^write_bytes:' /proc/$(pgrep -o -x infiniservice)/io";

fn freeze(guest: &Guest) -> Result<()> {
    let froze = guest.virsh_talkative(&["domfsfreeze", NAME])?;
    ensure!(froze == "Froze 2 filesystem(s)", "{froze}");
    Ok(())
}

fn thaw(guest: &Guest) -> Result<()> {
    let thawed = guest.virsh_talkative(&["domfsthaw", NAME])?;
    ensure!(thawed == "Thawed 2 filesystem(s)", "{thawed}");
    writes(guest)
}

fn status(guest: &Guest, expected: &str) -> Result<()> {
    let status = guest.agent_command(STATUS)?;
    ensure!(status == expected, "the status is {status}");
    Ok(())
}

/// The root can be written to.
fn writes(guest: &Guest) -> Result<()> {
    guest.inside("date > /var/tmp/after-thaw && sync /var/tmp/after-thaw").map(drop)
}

fn two_minutes(guest: &Guest) -> Result<String> {
    let client = guest.connect()?;
    guest.wait(client.metrics(TIMEOUT))?;
    freeze(guest)?;
    let start = Instant::now();
    let written = guest.inside(WRITTEN)?;
    let mut rounds = 0;
    while start.elapsed() < FROZEN {
        go_on(guest, &client)?;
        rounds += 1;
    }
    let after = guest.inside(WRITTEN)?;
    ensure!(after == written, "{written}, then {after}");
    thaw(guest)?;
    guest.wait(client.close());
    Ok(format!("{rounds} rounds of metrics, a read and a refused change; {after} unchanged; Thawed 2"))
}

/// One round of what a host does meanwhile.
fn go_on(guest: &Guest, client: &Client) -> Result<()> {
    guest.wait(client.ping(TIMEOUT))?;
    let metrics = guest.wait(client.metrics(TIMEOUT))?;
    ensure!(metrics.data.system.memory.total_kb > 0, "no figures");
    let list = Action::ProcessList { limit: Some(3), sort_by: None, filter: None };
    let listed = guest.wait(client.request(&list, TIMEOUT))?;
    ensure!(listed.success, "{listed:?}");
    let change = Action::ProcessKill { pid: 999_999, force: false };
    let refused = guest.wait(client.request(&change, TIMEOUT))?;
    ensure!(refused.error_code == Some(ErrorCode::Busy), "{refused:?}");
    status(guest, IS_FROZEN)?;
    let waiting = guest.inside(WAITING)?;
    ensure!(waiting == "0", "{waiting} threads of the agent wait for a disk");
    Ok(())
}

fn ended(guest: &Guest) -> Result<String> {
    freeze(guest)?;
    let before = guest.events()?;
    guest.inside("pkill -TERM -x infiniservice")?;
    guest.event(&before, "state: 'disconnected'")?;
    guest.connected()?;
    writes(guest)?;
    status(guest, IS_THAWED)?;
    Ok("the root can be written to; thawed".to_owned())
}

fn killed(guest: &Guest) -> Result<String> {
    freeze(guest)?;
    let before = guest.events()?;
    guest.inside("pkill -KILL -x infiniservice")?;
    guest.event(&before, "state: 'disconnected'")?;
    guest.connected()?;
    // It looks for what another one froze as it starts.
    until("the freeze found again", || Ok(guest.agent_command(STATUS)? == IS_FROZEN))?;
    thaw(guest)?;
    Ok("frozen; Thawed 2".to_owned())
}

const CONFIG: &str = "/etc/infiniservice/config.toml";

fn expired(guest: &Guest) -> Result<String> {
    let anew = |script: &str| {
        let before = guest.events()?;
        guest.inside(&format!("{script} && pkill -TERM -x infiniservice"))?;
        guest.event(&before, "state: 'disconnected'")?;
        guest.connected()
    };
    anew(&format!("echo 'qga_freeze_max_secs = 3' >> {CONFIG}"))?;
    freeze(guest)?;
    until("the end of the freeze", || Ok(guest.inside("cat /run/infiniservice.frozen || true")?.is_empty()))?;
    writes(guest)?;
    status(guest, IS_FROZEN)?;
    let words = guest.refused(&["domfsthaw", NAME])?;
    ensure!(words.contains("fsfreeze is limited to 3 seconds"), "{words}");
    status(guest, IS_THAWED)?;
    anew(&format!("sed -i /qga_freeze_max_secs/d {CONFIG}"))?;
    let error = words.lines().find(|line| line.starts_with("error:")).unwrap_or_default();
    Ok(format!("written to; frozen; {error}; then thawed"))
}
