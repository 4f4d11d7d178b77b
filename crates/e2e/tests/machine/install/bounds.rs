//! The unit's bounds: what holds for commands, what for the agent, and who is killed when memory runs out.

use crate::support::{Undo, equal, with_host};
use crate::unsafe_command::{raw, turned_on};
use anyhow::{Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;
use infiniservice_e2e::messages::TIMEOUT;
use serde_json::json;

pub const SCENARIOS: &[Scenario] = &[
    ("install::bounds::the_agent_is_killed_late_and_its_commands_as_anyone", killed_late),
    ("install::bounds::a_command_that_eats_memory_ends_and_the_agent_goes_on", eater),
];

const UNIT: &str = "/sys/fs/cgroup/system.slice/infiniservice.service";

fn killed_late(guest: &Guest) -> Result<()> {
    let _undo = turned_on(guest)?;
    with_host(guest, |client| {
        let own = guest.sh(&format!("cat /proc/{}/oom_score_adj", guest.agent_pid()?))?;
        let response = raw(guest, client, &json!({"raw_command": "cat /proc/self/oom_score_adj; umask"}))?;
        equal("the agent, its commands", (own.as_str(), response.stdout.as_str()), ("-500", "0\n0022\n"))
    })?;
    let bounds = guest.sh(&format!(
        "cd {UNIT}; for part in . commands; do cat $part/pids.max $part/memory.max $part/cpu.max; done | xargs"
    ))?;
    println!("unit, then commands (tasks, bytes, quota): {bounds}");
    let memory: u64 = guest.sh("awk '/MemTotal/ {print $2 * 1024}' /proc/meminfo")?.parse()?;
    let words: Vec<&str> = bounds.split(' ').collect();
    let [tasks, bytes, quota, _, own_tasks, own_bytes, own_quota, _] = words[..] else {
        anyhow::bail!("{bounds}")
    };
    equal("tasks", (tasks, own_tasks), ("4160", "4096"))?;
    equal("quota", (quota, own_quota), ("100000", "90000"))?;
    let (bytes, own_bytes): (u64, u64) = (bytes.parse()?, own_bytes.parse()?);
    ensure!(bytes.abs_diff(memory / 4 * 3) < 1 << 20, "{bytes} of {memory}");
    equal("memory", own_bytes, bytes - (48 << 20))
}

/// With less than the machine has, so that it is over soon.
fn eater(guest: &Guest) -> Result<()> {
    let _undo = turned_on(guest)?;
    let _bound = Undo::by(
        guest,
        "rm -r /run/systemd/system.control/infiniservice.service.d; systemctl daemon-reload; systemctl restart infiniservice",
    );
    guest.sh(
        "systemctl set-property --runtime infiniservice MemoryMax=128M && systemctl restart infiniservice",
    )?;
    let pid = guest.agent_pid()?;
    with_host(guest, |client| {
        let script = "python3 -c 'x = b\"x\" * (200 << 20)'; echo $?";
        let response = raw(guest, client, &json!({"raw_command": script, "timeout": 60}))?;
        println!("{response:?}");
        ensure!(response.stdout.contains("137") || !response.success, "it was not killed: {response:?}");
        guest.wait(client.ping(TIMEOUT))?;
        equal("the agent", guest.agent_pid()?, pid)
    })?;
    let killed = guest.sh(&format!("awk '/^oom_kill / {{print $2}}' {UNIT}/commands/memory.events"))?;
    ensure!(killed.parse::<u32>()? >= 1, "the kernel killed nothing in the commands' group: {killed}");
    Ok(())
}
