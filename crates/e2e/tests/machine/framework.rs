//! The framework's promises on raw commands: output is cut and drained, and its bytes are harmless.

use crate::support::{Undo, equal, in_unit, with_host};
use crate::unsafe_command::{raw, turned_on};
use anyhow::{Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;
use infiniservice_e2e::messages::TIMEOUT;
use infiniservice_protocol::{ErrorCode, GuestMessage};
use serde_json::json;

pub const SCENARIOS: &[Scenario] = &[
    ("framework::output_beyond_the_limit_is_cut_told_and_drained", cut),
    ("framework::a_fork_bomb_is_bounded_and_gone_at_its_timeout_and_pings_are_answered_meanwhile", bomb),
    ("framework::an_agent_that_was_killed_starts_in_its_half_of_the_cgroup_again", killed),
    ("framework::a_command_that_hangs_in_the_kernel_does_not_keep_the_agent_from_coming_back", hangs),
    ("framework::nul_and_invalid_utf_8_in_output_are_harmless", bytes),
];

/// The program ends by itself, so its pipe was drained to the end.
fn cut(guest: &Guest) -> Result<()> {
    const WRITTEN: u64 = 3 << 20;
    let _undo = turned_on(guest)?;
    with_host(guest, |client| {
        let script = format!("head -c {WRITTEN} /dev/zero | tr '\\0' x; echo drained >&2");
        let response = raw(guest, client, &json!({"raw_command": script, "timeout": 60}))?;
        equal("end", (response.success, response.exit_code), (true, Some(0)))?;
        equal("stderr", response.stderr.as_str(), "drained\n")?;
        equal("written", response.stdout_bytes, Some(WRITTEN))?;
        ensure!(response.stdout.len() <= 1 << 20, "{} bytes are sent", response.stdout.len());
        ensure!(response.stdout.starts_with("xxxx"), "the beginning is not kept");
        guest.wait(client.ping(TIMEOUT)).map(drop).map_err(Into::into)
    })
}

fn bytes(guest: &Guest) -> Result<()> {
    let _undo = turned_on(guest)?;
    with_host(guest, |client| {
        let script = r"printf 'a\000b\377c\303'; printf '\000\n' >&2";
        let response = raw(guest, client, &json!({"raw_command": script}))?;
        ensure!(response.success, "{response:?}");
        ensure!(!response.stdout.contains('\0') && !response.stderr.contains('\0'), "{response:?}");
        let letters: String = response.stdout.chars().filter(char::is_ascii_alphabetic).collect();
        equal("letters", letters.as_str(), "abc")?;
        guest.wait(client.ping(TIMEOUT)).map(drop).map_err(Into::into)
    })
}

/// Twice itself as often as it may: 4095 processes, were it not bounded. The last ones wait until they are as many as may be, and
/// are busy then: if they were so from the beginning, the others would come to few turns on a slow processor.
const BOMB: &str = "f() { [ $1 -gt 0 ] || { : < /run/lab-bomb; while :; do :; done; }; \
    f $(($1-1)) & f $(($1-1)) & wait; }; f 11";
/// Whoever opens a pipe for reading waits for somebody who writes.
const LIGHT_IT: &str = "timeout 20 sh -c ': > /run/lab-bomb'";
const COMMANDS: &str = "/sys/fs/cgroup/system.slice/infiniservice.service/commands";

/// The kernel's own counters tell that the bound was met.
fn bomb(guest: &Guest) -> Result<()> {
    let _undo = turned_on(guest)?;
    // With 512 busy processes on one slow processor a read of /proc may get no turn in time, and the agent says so.
    let warnings = "journalctl -b -u infiniservice -p warning -o cat --no-pager | \
        grep -v -e 'any shell command' -e '^/proc/[0-9]*/[a-z]*: no answer for [0-9]* ms' || true";
    let before = guest.sh(warnings)?;
    guest.sh("mkfifo -m 600 /run/lab-bomb")?;
    let _pipe = Undo::by(guest, "rm -f /run/lab-bomb");
    with_host(guest, |client| {
        let mut events = client.subscribe();
        let id = client.new_id();
        let command = json!({"type": "UnsafeCommand", "id": id, "raw_command": BOMB, "timeout": 30});
        guest.wait(client.send_raw(format!("{command}\n")))?;
        guest.until("the bomb meets its bound", |guest| {
            guest.wait(client.ping(TIMEOUT))?;
            let events = guest.sh(&format!("cat {COMMANDS}/command-*/pids.events 2>/dev/null || true"))?;
            Ok(events.split_whitespace().nth(1).is_some_and(|count| count != "0"))
        })?;
        let figures =
            guest.sh(&format!("cat {COMMANDS}/command-*/pids.max {COMMANDS}/command-*/pids.current"))?;
        println!("bound and number of its processes: {figures:?}");
        ensure!(figures.starts_with("512\n"), "{figures}");
        guest.sh(LIGHT_IT)?;
        guest.wait(client.ping(TIMEOUT))?;
        let response = guest.message(&mut events, "the bomb's answer", |message| match message {
            GuestMessage::Response(response) if response.id == id => Some(response.clone()),
            _ => None,
        })?;
        equal("code", response.error_code, Some(ErrorCode::Timeout))?;
        // With a slow processor hundreds of processes take their time to end.
        guest.until("all of it is gone", |guest| {
            Ok(guest.sh(&format!("ls -d {COMMANDS}/command-* 2>/dev/null | wc -l"))? == "0")
        })?;
        equal("warnings of the agent", guest.sh(warnings)?, before)
    })
}

const FREEZE: &str = "truncate -s 16M /var/tmp/lab-frozen.img && mkfs.ext4 -q /var/tmp/lab-frozen.img && \
    mkdir -p /srv/lab-frozen && mount -o loop /var/tmp/lab-frozen.img /srv/lab-frozen && fsfreeze -f /srv/lab-frozen";
const THAW: &str = "fsfreeze -u /srv/lab-frozen; umount /srv/lab-frozen; rm -rf /var/tmp/lab-frozen.img /srv/lab-frozen; \
    systemctl reset-failed infiniservice; systemctl start infiniservice";

/// Whoever writes to a frozen file system waits inside the kernel, where no signal reaches it. systemd waits for it twice, for less
/// long than usual here, before it starts the agent again.
fn hangs(guest: &Guest) -> Result<()> {
    let _undo = turned_on(guest)?;
    let _usual = in_unit(guest, "TimeoutStopSec=5")?;
    guest.sh(FREEZE)?;
    let _thaw = Undo::by(guest, THAW);
    with_host(guest, |client| {
        let command = json!({"type": "UnsafeCommand", "id": "hangs", "raw_command": "> /srv/lab-frozen/x"});
        guest.wait(client.send_raw(format!("{command}\n")))?;
        guest.until("the command hangs", |guest| {
            let states = format!("cat {COMMANDS}/command-*/cgroup.procs | xargs -r ps -o state= -p");
            Ok(guest.sh(&format!("{states} || true"))?.starts_with('D'))
        })
    })?;
    let before = guest.agent_pid()?;
    guest.sh(&format!("kill -9 {before}"))?;
    guest.until("systemd has started it again", |guest| {
        Ok(guest.sh("systemctl is-active infiniservice || true")? == "active" && guest.agent_pid()? != before)
    })?;
    let left = guest.sh(&format!("cat {COMMANDS}/command-*/cgroup.procs | wc -l"))?;
    ensure!(left != "0", "nothing hung any more");
    with_host(guest, |client| guest.wait(client.ping(TIMEOUT)).map(drop).map_err(Into::into))
}

/// As systemd does it: after a kill its cgroup has the agent's halves, and the new process has to get in.
fn killed(guest: &Guest) -> Result<()> {
    let before = guest.agent_pid()?;
    guest.sh("kill -9 $(systemctl show -p MainPID --value infiniservice)")?;
    guest.until("systemd has started it again", |guest| {
        Ok(guest.sh("systemctl is-active infiniservice || true")? == "active" && guest.agent_pid()? != before)
    })?;
    guest.sh("systemctl restart infiniservice")?;
    let group = guest.sh(&format!("cat /proc/{}/cgroup", guest.agent_pid()?))?;
    equal("the agent's cgroup", group.as_str(), "0::/system.slice/infiniservice.service/agent")?;
    with_host(guest, |client| guest.wait(client.ping(TIMEOUT)).map(drop).map_err(Into::into))
}
