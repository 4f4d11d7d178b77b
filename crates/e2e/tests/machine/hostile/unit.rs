//! What an ordinary user may do to processes of the agent's unit, its commands among them.

use super::as_mallory;
use crate::support::{Undo, equal, send, with_host};
use crate::unsafe_command::{raw, turned_on};
use anyhow::{Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;
use serde_json::json;

pub const SCENARIOS: &[Scenario] =
    &[("hostile::a_user_changes_nothing_of_the_units_processes_and_says_nothing_in_its_name", unit)];

/// Tries each way to a process, or to the unit, and tells those that work. Those that end something come last.
const TRIES: &str = r#"
import ctypes, os, resource, signal, subprocess, sys
pid, libc = int(sys.argv[1]), ctypes.CDLL(None, use_errno=True)
unit = "/sys/fs/cgroup/system.slice/infiniservice.service"
def call(*arguments):
    if libc.syscall(*arguments) < 0: raise OSError(ctypes.get_errno())
def opens(name): os.close(os.open(name, os.O_RDWR))
word, room = ctypes.create_string_buffer(8), (ctypes.c_uint64 * 4)()
def prlimit(): resource.prlimit(pid, resource.RLIMIT_NOFILE, resource.prlimit(0, resource.RLIMIT_NOFILE))
ways = {
    "renice": lambda: os.setpriority(os.PRIO_PROCESS, pid, 5),
    "affinity": lambda: os.sched_setaffinity(pid, os.sched_getaffinity(0)),
    "scheduler": lambda: os.sched_setscheduler(pid, os.SCHED_BATCH, os.sched_param(0)),
    "ioprio": lambda: call(251, 1, pid, 3 << 13),
    "prlimit": prlimit,
    "oom": lambda: opens(f"/proc/{pid}/oom_score_adj"),
    "mem": lambda: opens(f"/proc/{pid}/mem"),
    "environ": lambda: open(f"/proc/{pid}/environ").read(1),
    "fd": lambda: os.listdir(f"/proc/{pid}/fd"),
    "descriptor": lambda: call(438, os.pidfd_open(pid), 0, 0),
    "ptrace": lambda: call(101, 0x4206, pid, 0, 0),
    "signal": lambda: os.kill(pid, signal.SIGCONT),
    "cgroup": lambda: opens(unit + "/cgroup.procs"),
    "systemctl": lambda: subprocess.run(["systemctl", "--no-ask-password", "set-property", "--runtime", "infiniservice", "CPUWeight=100"], check=True, capture_output=True),
}
for name, way in ways.items():
    try:
        way()
        print(name)
    except (OSError, ValueError, subprocess.SubprocessError): pass
"#;
const ALL: &str =
    "renice affinity scheduler ioprio prlimit oom mem environ fd descriptor ptrace signal cgroup systemctl";
const CLEAN_UP: &str = "pkill -f 'sleep 2718[2]'; rm -f /run/lab-tries.py; rm -rf /run/systemd/system.control/infiniservice.service.d; \
    systemctl daemon-reload; systemctl restart infiniservice; userdel -r mallory 2>&1";
/// Of the unit, what a user would say by its notifications.
const TOLD: &str = "systemctl show -p MainPID -p StatusText -p NotifyAccess -p ActiveState infiniservice";

fn unit(guest: &Guest) -> Result<()> {
    let _undo = Undo::by(guest, CLEAN_UP);
    let _raw = turned_on(guest)?;
    guest.machine.write_file("/run/lab-tries.py", TRIES.as_bytes())?;
    guest.sh("useradd -m mallory; chmod 644 /run/lab-tries.py")?;
    with_host(guest, |client| {
        let command = json!({"type": "UnsafeCommand", "raw_command": "exec sleep 27182"});
        let _under_way = send(guest, client, command)?;
        guest.until("the command runs", |guest| Ok(!guest.sh(COMMAND)?.is_empty()))?;
        let agent = guest.agent_pid()?.to_string();
        for pid in [guest.sh(COMMAND)?, agent] {
            let tries = format!("python3 /run/lab-tries.py {pid}");
            equal("what works for a user", as_mallory(guest, &tries)?.as_str(), "")?;
            equal("what works for root", guest.sh(&tries)?.replace('\n', " ").as_str(), ALL)?;
        }
        let before = guest.sh(TOLD)?;
        ensure!(before.contains("NotifyAccess=main"), "{before}");
        // From within the unit's cgroup, where a user comes by a command of the host's.
        let said = "systemd-notify --status=owned; systemd-notify MAINPID=1 STOPPING=1; echo said";
        let response = raw(guest, client, &json!({"raw_command": said, "run_as": "mallory"}))?;
        ensure!(response.stdout.contains("said"), "{response:?}");
        as_mallory(guest, "NOTIFY_SOCKET=/run/systemd/notify systemd-notify --status=owned || true")?;
        equal("the unit", guest.sh(TOLD)?, before)
    })
}

const COMMAND: &str = "pgrep -fx 'sleep 27182' || true";
