//! The channel itself: when libvirt takes the agent for there, and what it sends before the first command.

use super::Row;
use crate::guest::{Guest, NAME};
use anyhow::{Result, ensure};

pub const ROWS: &[Row] = &[
    Row::new(
        "event --all; SIGKILL of the agent",
        "agent-lifecycle disconnected, then connected; dumpxml state='connected'",
        killed,
    ),
    Row::new("event --all; stop and start of the agent", "agent-lifecycle disconnected, connected", stopped)
        .slow(),
    Row::new(
        r#"qemu-agent-command '{"execute":"guest-ping"}', twice"#,
        "{\"return\":{}}; one guest-sync, before the first",
        synced_once,
    ),
];

const DISCONNECTED: &str = "'agent-lifecycle' for domain 'infiniservice-lab': state: 'disconnected'";
const CONNECTED: &str = "'agent-lifecycle' for domain 'infiniservice-lab': state: 'connected'";

fn killed(guest: &Guest) -> Result<String> {
    let before = guest.events()?;
    guest.inside("pkill -KILL -x infiniservice")?;
    guest.event(&before, DISCONNECTED)?;
    guest.event(&before, CONNECTED)?;
    guest.connected()?;
    Ok("disconnected, connected; state='connected'".to_owned())
}

fn stopped(guest: &Guest) -> Result<String> {
    let before = guest.events()?;
    guest.inside("systemctl stop infiniservice")?;
    guest.disconnected()?;
    guest.event(&before, DISCONNECTED)?;
    let words = guest.refused(&["qemu-agent-command", NAME, r#"{"execute":"guest-ping"}"#])?;
    ensure!(words.contains("QEMU guest agent is not connected"), "{words}");
    guest.inside("systemctl start infiniservice")?;
    guest.event(&before, CONNECTED)?;
    guest.connected()?;
    Ok("disconnected (not connected: commands are refused), connected".to_owned())
}

fn synced_once(guest: &Guest) -> Result<String> {
    let before = guest.log_length()?;
    guest.ping()?;
    guest.ping()?;
    let Some(log) = guest.logged(before)? else {
        return Ok("{\"return\":{}}; libvirtd is the host's own".to_owned());
    };
    let sent = |words: &str| log.lines().filter(|line| line.contains(words)).count();
    let (syncs, pings) =
        (sent("Sending guest-sync command"), sent(r#"Send command '{"execute":"guest-ping"}'"#));
    ensure!(syncs == 1 && pings == 2, "{syncs} syncs and {pings} pings were sent:\n{log}");
    Ok("{\"return\":{}} each time; 1 guest-sync".to_owned())
}
