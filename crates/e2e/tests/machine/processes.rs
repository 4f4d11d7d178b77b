//! `ProcessList` and `ProcessKill` on processes of every kind, hostile ones among them.

use crate::support::{Undo, data, equal, processes, python, refused, with_host};
use anyhow::{Context, Result, ensure};
use infinictl::client::Client;
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;
use infiniservice_e2e::messages::TIMEOUT;
use infiniservice_protocol::action::ProcessSort;
use infiniservice_protocol::data::{ProcessKillData, ProcessListData};
use infiniservice_protocol::metrics::Process;
use infiniservice_protocol::{Action, ErrorCode};

pub const SCENARIOS: &[Scenario] = &[
    ("processes::are_listed_in_each_order_filtered_and_limited", list),
    ("processes::hostile_names_stay_within_one_line_of_ascii", hostile),
    ("processes::one_that_follows_sigterm_is_told_to_have_exited", follows),
    ("processes::one_that_is_stopped_is_ended_too", stopped),
    ("processes::one_that_ignores_sigterm_needs_force", ignores),
    ("processes::a_zombie_is_listed_as_such_and_not_signalled", zombie),
    ("processes::numbers_of_no_process_are_not_found", absent),
    ("processes::init_kernel_threads_and_the_agent_itself_are_not_ended", protected),
];

fn ask(
    guest: &Guest,
    client: &Client,
    limit: Option<u32>,
    sort_by: ProcessSort,
    filter: Option<&str>,
) -> Result<ProcessListData> {
    let action = Action::ProcessList { limit, sort_by: Some(sort_by), filter: filter.map(str::to_owned) };
    data(guest, client, &action)
}

fn list(guest: &Guest) -> Result<()> {
    let (_, _undo) = python(guest, "lab-list", "", "for n in range(5): os.fork() or time.sleep(1000)")?;
    with_host(guest, |client| {
        let sorted = |sort, in_order: fn(&Process, &Process) -> bool| -> Result<()> {
            let list = ask(guest, client, None, sort, None)?;
            ensure!(
                list.processes.len() > 40 && list.count as usize == list.processes.len(),
                "{}",
                list.count
            );
            ensure!(list.processes.is_sorted_by(in_order), "{sort:?}: {:?}", list.processes);
            Ok(())
        };
        sorted(ProcessSort::Cpu, |a, b| a.cpu_percent >= b.cpu_percent)?;
        sorted(ProcessSort::Memory, |a, b| a.memory_kb >= b.memory_kb)?;
        sorted(ProcessSort::Pid, |a, b| a.pid < b.pid)?;
        sorted(ProcessSort::Name, |a, b| a.name <= b.name)?;
        let own = ask(guest, client, None, ProcessSort::Pid, Some("LAB-LIST.py"))?;
        equal("filtered", (own.processes.len(), own.count), (6, 6))?;
        let first = ask(guest, client, Some(2), ProcessSort::Pid, Some("lab-list.py"))?;
        equal("limited", (first.processes.len(), first.count), (2, 6))?;
        equal("the first of them", first.processes[0].pid, own.processes[0].pid)?;
        equal("none", ask(guest, client, None, ProcessSort::Cpu, Some("no such thing"))?.count, 0)
    })
}

/// Names, arguments and programs with an escape sequence, a newline, quotes and bytes that are no UTF-8.
const HOSTILE: &str = r#"
evil = b"\x1b[31m\n\"\\\xff\x7f\xc3"
program = b"/run/lab-hostile \x1b[2J\n\xfe"
import subprocess
subprocess.run([b"cp", b"/bin/sleep", program], check=True)
if os.fork() == 0: os.execv(program, [evil * 3, b"1000"])
if os.fork() == 0:
    with open("/proc/self/comm", "wb") as comm: comm.write(b"\x1b]0;" + evil)
    while True: time.sleep(1000)
"#;

fn hostile(guest: &Guest) -> Result<()> {
    let _files = Undo::by(guest, "rm -f /run/lab-hostile*");
    let (parent, _undo) = python(guest, "lab-hostile", "", HOSTILE)?;
    guest.until("its children are there", |guest| {
        Ok(guest.sh(&format!("pgrep -cP {parent} || true"))? == "2"
            && guest.sh("pgrep -c '^lab-hostile' || true")? == "1")
    })?;
    with_host(guest, |client| {
        let request = client.command(&Action::ProcessList { limit: None, sort_by: None, filter: None }, None);
        let event = guest.wait(client.call(&request, TIMEOUT))?;
        let harmless = |c: char| c == ' ' || c.is_ascii_graphic();
        ensure!(event.raw.trim_end().chars().all(harmless), "the line is not plain ASCII: {:?}", event.raw);
        ensure!(!event.raw.contains(r"\u0000"), "U+0000 is sent");
        let all = processes(guest, client, None)?;
        let children: Vec<&Process> = all.iter().filter(|one| one.ppid == parent).collect();
        equal("children", children.len(), 2)?;
        let texts = |one: &Process| [Some(one.name.clone()), one.cmd_line.clone(), one.exe_path.clone()];
        for text in children.into_iter().flat_map(texts) {
            let text = text.context("a text is missing")?;
            ensure!(!text.is_empty() && !text.contains(char::is_control), "{text:?}");
        }
        Ok(())
    })
}

fn kill(guest: &Guest, client: &Client, pid: u32, force: bool) -> Result<ProcessKillData> {
    data(guest, client, &Action::ProcessKill { pid, force })
}

/// A child of systemd's, which collects it when it has ended.
fn sleeper<'a>(guest: &'a Guest, program: &str) -> Result<(u32, Undo<'a>)> {
    python(guest, "lab-kill", "-p TimeoutStopSec=1", program)
}

fn gone(guest: &Guest, pid: u32) -> Result<()> {
    guest.until("systemd has collected it", |guest| {
        Ok(!guest.machine.shell(&format!("test -e /proc/{pid}"))?.success())
    })
}

fn follows(guest: &Guest) -> Result<()> {
    let (pid, _undo) = sleeper(guest, "")?;
    with_host(guest, |client| {
        let told = kill(guest, client, pid, false)?;
        equal("answer", (told.pid, told.signal.as_str(), told.exited), (pid, "SIGTERM", true))?;
        equal("name", told.name.as_str(), "python3")?;
        gone(guest, pid)?;
        refused(guest, client, &Action::ProcessKill { pid, force: true }, ErrorCode::NotFound).map(drop)
    })
}

fn stopped(guest: &Guest) -> Result<()> {
    let (pid, _undo) = sleeper(guest, "")?;
    guest.sh(&format!("kill -STOP {pid}"))?;
    // On a busy machine it runs on for a moment.
    guest.until("it stands still", |guest| Ok(guest.sh(&format!("ps -o state= -p {pid}"))? == "T"))?;
    with_host(guest, |client| {
        let one = processes(guest, client, Some("lab-kill.py"))?;
        equal("status", one.first().map(|one| one.status.as_str()), Some("stopped"))?;
        equal("exited", kill(guest, client, pid, false)?.exited, true)
    })?;
    gone(guest, pid)
}

fn ignores(guest: &Guest) -> Result<()> {
    let (pid, _undo) = sleeper(guest, "signal.signal(signal.SIGTERM, signal.SIG_IGN)")?;
    with_host(guest, |client| {
        let action = Action::ProcessKill { pid, force: false };
        let response = refused(guest, client, &action, ErrorCode::ExecutionFailed)?;
        let told: ProcessKillData = serde_json::from_value(response.data.clone())?;
        equal("answer", (told.pid, told.signal.as_str(), told.exited), (pid, "SIGTERM", false))?;
        ensure!(response.error.is_some_and(|text| text.contains("force")), "the way out is not told");
        guest.sh(&format!("test -e /proc/{pid}"))?;
        let told = kill(guest, client, pid, true)?;
        equal("answer", (told.signal.as_str(), told.exited), ("SIGKILL", true))
    })?;
    gone(guest, pid)
}

fn zombie(guest: &Guest) -> Result<()> {
    let (parent, _undo) = python(guest, "lab-zombie", "", "if os.fork() == 0: os._exit(3)")?;
    with_host(guest, |client| {
        let zombie = guest
            .sh(&format!("until ps -o stat= --ppid {parent} | grep -q Z; do :; done; pgrep -P {parent}"))?;
        let pid: u32 = zombie.parse()?;
        let all = processes(guest, client, None)?;
        let one = all.iter().find(|one| one.pid == pid).context("it is not listed")?;
        equal("it", (one.status.as_str(), one.ppid, one.memory_kb), ("zombie", parent, 0))?;
        let action = Action::ProcessKill { pid, force: true };
        let response = refused(guest, client, &action, ErrorCode::NotFound)?;
        ensure!(response.error.as_ref().is_some_and(|text| text.contains("already ended")), "{response:?}");
        Ok(())
    })
}

fn absent(guest: &Guest) -> Result<()> {
    let program = "threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()";
    let (pid, _undo) = python(guest, "lab-threads", "", program)?;
    let thread: u32 = guest.sh(&format!("ls /proc/{pid}/task | grep -vx {pid}"))?.parse()?;
    with_host(guest, |client| {
        for (pid, code) in [
            (2_147_483_647, ErrorCode::NotFound),
            (4_194_305, ErrorCode::NotFound),
            (thread, ErrorCode::NotFound),
            (0, ErrorCode::InvalidParameter),
            (2_147_483_648, ErrorCode::InvalidParameter),
            (u32::MAX, ErrorCode::InvalidParameter),
        ] {
            refused(guest, client, &Action::ProcessKill { pid, force: true }, code)?;
        }
        guest.sh(&format!("test -e /proc/{thread} && test -e /proc/{pid}")).map(drop)
    })
}

fn protected(guest: &Guest) -> Result<()> {
    let agent = guest.agent_pid()?;
    with_host(guest, |client| {
        for (pid, words) in [(1, "init process"), (2, "kernel thread"), (agent, "the agent itself")] {
            for force in [false, true] {
                let action = Action::ProcessKill { pid, force };
                let response = refused(guest, client, &action, ErrorCode::PermissionDenied)?;
                ensure!(response.error.as_ref().is_some_and(|text| text.contains(words)), "{response:?}");
            }
        }
        Ok(())
    })?;
    equal("the agent", guest.agent_pid()?, agent)
}
