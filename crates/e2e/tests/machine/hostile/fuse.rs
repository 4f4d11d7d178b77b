//! File systems that an ordinary user serves, and answers nothing for, in the places where the agent works for the host.

use crate::support::{Undo, answer_to, equal, metrics, python, send, with_host};
use crate::unsafe_command::turned_on;
use anyhow::{Context, Result, bail, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;
use infiniservice_e2e::messages::TIMEOUT;
use infiniservice_protocol::ErrorCode;
use serde_json::json;

pub const SCENARIOS: &[Scenario] = &[
    ("hostile::a_command_stuck_in_a_users_directory_shows_him_nothing_and_ends_in_time", stuck),
    ("hostile::file_systems_that_only_their_user_may_enter_are_asked_nothing_and_hold_up_no_action", unasked),
];

const SERVER: &str = include_str!("fuse.py");
const HOME: &str = "/home/mallory";

/// Mallory, and his file systems at these places. What mounts there is gone with the first value, he with the second.
fn served<'a>(guest: &'a Guest, places: &[&str], options: &str) -> Result<[Undo<'a>; 2]> {
    let all = places.join(" ");
    let user = Undo::by(
        guest,
        format!("umount -l {all}; rmdir {all}; rm -f /run/lab-fuse.asked; userdel -r mallory 2>&1"),
    );
    guest.sh(&format!("modprobe -q fuse; useradd -m mallory; runuser -u mallory -- mkdir -p {all}"))?;
    let program = format!("USER, OPTIONS, PLACES = 'mallory', '{options}', {places:?}\n{SERVER}");
    let (_, server) = python(guest, "lab-fuse", "", &program)?;
    Ok([server, user])
}

/// Tries each way to what a process has, and tells those that work.
const TRIES: &str = r#"cat > /run/lab-tries.py <<'END'
import ctypes, os, sys
pid, libc = int(sys.argv[1]), ctypes.CDLL(None)
process = libc.syscall(434, pid, 0)
def reads(name): return os.read(os.open(name, os.O_RDONLY), 1)
ways = {
    **{name: lambda name=name: reads(name) for name in ["environ", "maps", "smaps", "auxv", "syscall"]},
    **{name: lambda name=name: os.listdir(name) for name in ["fd", "map_files"]},
    **{name: lambda name=name: os.readlink(name) for name in ["exe", "cwd", "root"]},
    "mem": lambda: os.open("mem", os.O_RDWR),
    "ptrace": lambda: libc.ptrace(0x4206, pid, None, None) == 0 or 1 / 0,
    "descriptor": lambda: libc.syscall(438, process, 0, 0) >= 0 or 1 / 0,
}
os.chdir(f"/proc/{pid}")
for name, way in ways.items():
    try:
        way()
        print(name)
    except (OSError, ZeroDivisionError): pass
END
"#;

/// The child of the agent that is not the shell yet has the agent's memory, and runs as the user already. That request of his
/// file system cannot be taken back: the child is there until the server has gone.
fn stuck(guest: &Guest) -> Result<()> {
    let work = format!("{HOME}/work");
    let _user = served(guest, &[&work], "")?;
    let _undo = Undo::by(guest, "rm -f /run/lab-tries.py");
    let _raw = turned_on(guest)?;
    with_host(guest, |client| {
        let command = json!({"type": "UnsafeCommand", "raw_command": "true", "run_as": "mallory",
            "working_dir": work, "timeout": 3});
        let sent = send(guest, client, command)?;
        let pid = asker(guest, &work)?;
        guest.wait(client.ping(TIMEOUT))?;
        has_nothing(guest, &pid)?;
        equal("code", sent.answer(guest)?.error_code, Some(ErrorCode::Timeout))?;
        guest.wait(client.ping(TIMEOUT))?;
        guest.sh(&format!("test -e /proc/{pid} && systemctl stop lab-fuse"))?;
        guest
            .until("it is gone", |guest| Ok(!guest.machine.shell(&format!("test -e /proc/{pid}"))?.success()))
    })
}

/// Which process asked the server for something.
fn asker(guest: &Guest, place: &str) -> Result<String> {
    guest.until("somebody asks", |guest| Ok(!asked(guest)?.is_empty()))?;
    let asked = asked(guest)?;
    let pid = asked.strip_prefix(place).and_then(|rest| rest.split_whitespace().nth(1));
    Ok(pid.with_context(|| asked.clone())?.to_owned())
}

fn asked(guest: &Guest) -> Result<String> {
    guest.sh("cat /run/lab-fuse.asked")
}

/// For its user, who is mallory by now.
fn has_nothing(guest: &Guest, pid: &str) -> Result<()> {
    let facts = format!(
        "cd /proc/{pid}; readlink exe; grep -oE '^Uid:\t[0-9]+' status; id -u mallory; \
         grep CapPrm status; grep -oE 'core file size +0 +0' limits"
    );
    let told = guest.sh(&facts)?;
    let told: Vec<&str> = told.split_whitespace().collect();
    let [_, "Uid:", uid, mallory, "CapPrm:", "0000000000000000", "core", "file", "size", "0", "0"] = told[..]
    else {
        bail!("{told:?}");
    };
    equal("user", uid, mallory)?;
    ensure!(told[0].ends_with("/infiniservice"), "it is the program already: {told:?}");
    let tries = |who: &str| guest.sh(&format!("{TRIES}{who} python3 /run/lab-tries.py {pid}"));
    equal("what mallory gets at", tries("runuser -u mallory --")?.as_str(), "")?;
    let all = "environ maps smaps auxv syscall fd map_files exe cwd root mem ptrace descriptor";
    equal("what root gets at", tries("")?.replace('\n', " ").as_str(), all)?;
    let open = guest.sh(&format!(
        "cd /proc/{pid}/fd; for fd in *; do readlink $fd; done | sed -E 's/:\\[[0-9]+\\]//' | sort | uniq -c"
    ))?;
    let open: Vec<&str> = open.split_whitespace().collect();
    // Its input, its output, and a socket by which the agent hears whether it became the program.
    let kinds: Vec<&str> = open.iter().skip(1).step_by(2).copied().collect();
    equal("what it keeps open", kinds, vec!["/dev/null", "pipe", "socket"])?;
    equal("sockets", open.get(4).copied(), Some("1"))
}

/// Where clean-up and inventory look for what is his.
const PLACES: &[&str] = &[
    "/tmp/lab-his",
    "/var/tmp/lab-his",
    "/home/mallory/.cache/thumbnails",
    "/home/mallory/.local/share/Trash",
    "/home/mallory/.local/share/applications",
    "/home/mallory/Applications",
];

/// The kernel lets root in only where the mount says `allow_other`; whatever the agent does there has to be content with that. And
/// where the kernel would let it in (`user_allow_other` in fuse.conf), the agent has no business there either.
fn unasked(guest: &Guest) -> Result<()> {
    unasked_where(guest, "")?;
    unasked_where(guest, ",allow_other")
}

fn unasked_where(guest: &Guest, options: &str) -> Result<()> {
    let _user = served(guest, PLACES, options)?;
    guest.sh("echo > /tmp/lab-old")?;
    with_host(guest, |client| {
        for action in [
            json!({"action": "Autochecks"}),
            json!({"action": "ApplicationInventory"}),
            json!({"action": "DiskCleanup", "older_than_days": 0, "dry_run": true}),
            json!({"action": "DiskCleanup", "older_than_days": 0, "targets": ["temp", "thumbnails", "trash"]}),
        ] {
            let response = answer_to(guest, client, json!({"type": "SafeCommand", "command_type": action}))?;
            ensure!(response.success, "{response:?}");
        }
        let own = metrics(guest, client)?;
        let named = own.collection.failed.iter().any(|failed| failed.error.contains("lab-his"));
        ensure!(!named && !own.data.processes.is_empty(), "{:?}", own.collection.failed);
        Ok(())
    })?;
    equal("what its server was asked", asked(guest)?.as_str(), "")?;
    guest.sh("test ! -e /tmp/lab-old").map(drop)
}
