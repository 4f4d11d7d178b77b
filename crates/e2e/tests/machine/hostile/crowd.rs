//! More processes than a line has room for, each with as long a command line as the agent tells, of bytes that the wire spells sixfold.

use crate::support::{Undo, equal, metrics, python, with_host};
use anyhow::{Context, Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;
use infiniservice_e2e::messages::TIMEOUT;
use infiniservice_protocol::data::ProcessListData;
use infiniservice_protocol::{Action, GuestMessage};

pub const SCENARIOS: &[Scenario] =
    &[("hostile::eight_thousand_processes_with_endless_names_hold_up_no_answer", crowd)];

const COUNT: usize = 8000;

/// Processes that share one memory, as threads do, so that they fit into a small machine.
const CROWD: &str = r#"
import ctypes, mmap, sys
if len(sys.argv) < 2: os.execv("/usr/bin/python3", ["python3", __file__, b"\xff" * 5000])
with open("/proc/self/comm", "wb") as name: name.write(b"\xff" * 15)
libc = ctypes.CDLL(None, use_errno=True)
libc.clone.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p]
room = mmap.mmap(-1, COUNT * 16384)
base = ctypes.addressof(ctypes.c_char.from_buffer(room))
for n in range(1, COUNT + 1):
    CLONE_VM = 0x100
    if libc.clone(ctypes.cast(libc.pause, ctypes.c_void_p), base + n * 16384 - 64, CLONE_VM | signal.SIGCHLD, None) < 0:
        raise OSError(ctypes.get_errno(), "clone")
"#;

fn crowd(guest: &Guest) -> Result<()> {
    let _tasks = Undo::by(guest, "systemctl reset-failed");
    let options = "-p User=nobody -p TasksMax=infinity -p LimitNPROC=infinity -p TimeoutStartSec=300";
    let (_, _crowd) = python(guest, "lab-crowd", options, &format!("COUNT = {COUNT}\n{CROWD}"))?;
    let before = guest.agent_pid()?;
    with_host(guest, |client| {
        let limit = guest.wait(client.hello(TIMEOUT))?.limits.max_outgoing_line_bytes;
        for (limit_of_list, filter) in [(None, None), (Some(10_000), None), (None, Some("\u{fffd}\u{fffd}"))]
        {
            let filter = filter.map(str::to_owned);
            let action = Action::ProcessList { limit: limit_of_list, sort_by: None, filter };
            let event = guest.wait(client.call(&client.command(&action, None), TIMEOUT))?;
            let Some(GuestMessage::Response(response)) = event.message() else {
                anyhow::bail!("{}", event.raw)
            };
            ensure!(
                response.success && event.raw.len() <= limit,
                "{:?}: {} bytes",
                response.error,
                event.raw.len()
            );
            let told: ProcessListData = serde_json::from_value(response.data.clone())?;
            let all = told.truncated.get("processes").context("nothing is said to be cut")?;
            println!("  {} of {} processes in {} bytes", told.processes.len(), told.count, event.raw.len());
            ensure!(told.count as usize >= COUNT && *all >= COUNT as u64, "{} {all}", told.count);
            ensure!((100..COUNT / 2).contains(&told.processes.len()), "{}", told.processes.len());
            guest.wait(client.ping(TIMEOUT))?;
        }
        let own = metrics(guest, client)?;
        equal("told in the metrics", own.data.processes.len(), 100)?;
        ensure!(own.collection.truncated.get("processes").is_some_and(|all| *all as usize >= COUNT));
        Ok(())
    })?;
    equal("the agent", guest.agent_pid()?, before)
}
