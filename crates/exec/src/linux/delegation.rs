//! The agent's own cgroup, where systemd gave it over (`Delegate=yes`): divided, so that commands can be bounded.
//!
//! cgroup v2 wants no processes in a group that bounds its children ("No Internal Process Constraint"), so the agent goes into
//! one half and its commands into the other.

use infiniservice_platform::cgroup::{hierarchy, path_of};
use std::io;
use std::path::{Path, PathBuf};

/// Tasks of the unit's `TasksMax` that commands may not take: the agent's own threads, and room to start a program.
const RESERVED_TASKS: u64 = 64;
/// Bytes of its `MemoryMax`: the agent's own and its queues, and room to start a program.
const RESERVED_MEMORY: u64 = 48 << 20;

/// A step that the kernel refused.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {text} to {}: {error}", path.display())]
struct Refused {
    text: String,
    path: PathBuf,
    error: io::Error,
}

/// Divides the delegated group `unit`, in which `pid` is the agent, and tells below which group commands get theirs. What
/// the kernel refuses is told and gone without.
pub(super) fn divide(unit: &Path, pid: u32) -> PathBuf {
    let (agent, commands) = (unit.join("agent"), unit.join("commands"));
    let made = [&agent, &commands].map(|path| make(path)).into_iter().collect::<io::Result<Vec<()>>>();
    if let Err(error) = made {
        log::warn!(
            "the number of processes of commands is not limited: cannot create cgroups below {}: {error}",
            unit.display()
        );
        return unit.to_owned();
    }
    if let Err(refused) = bound(unit, &agent, &commands, pid) {
        log::warn!("the number of processes of commands is not limited: {refused}");
    }
    // Half the processor is the agent's when a command takes all that it gets.
    for share in [processor, memory] {
        if let Err(refused) = share(unit, &commands) {
            log::debug!("commands' share of the unit is not limited: {refused}");
        }
    }
    commands
}

/// Of the unit's `CPUQuota` a tenth is left: a group that has used its quota up stands still, with all that is below it.
fn processor(unit: &Path, commands: &Path) -> Result<(), Refused> {
    write(&unit.join("cgroup.subtree_control"), "+cpu")?;
    let of_unit = std::fs::read_to_string(unit.join("cpu.max")).unwrap_or_default();
    nine_tenths(&of_unit).map_or(Ok(()), |quota| write(&commands.join("cpu.max"), &quota))
}

/// Of the unit's `MemoryMax` the agent's part is left: commands that want more are killed among themselves.
fn memory(unit: &Path, commands: &Path) -> Result<(), Refused> {
    write(&unit.join("cgroup.subtree_control"), "+memory")?;
    let of_unit = std::fs::read_to_string(unit.join("memory.max")).unwrap_or_default();
    write(&commands.join("memory.max"), &all_but(RESERVED_MEMORY, &of_unit))
}

/// `cpu.max` is a quota and a period in microseconds; without a quota it begins with `max`.
fn nine_tenths(of_unit: &str) -> Option<String> {
    let (quota, period) = of_unit.trim().split_once(' ')?;
    let (quota, period): (u64, u64) = (quota.parse().ok()?, period.parse().ok()?);
    // The kernel takes no quota below a millisecond.
    Some(format!("{} {period}", (quota - quota / 10).max(1000)))
}

fn make(path: &Path) -> io::Result<()> {
    match std::fs::create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

/// All commands together leave the agent room below the unit's own bound; each has one of its own besides.
fn bound(unit: &Path, agent: &Path, commands: &Path, pid: u32) -> Result<(), Refused> {
    write(&agent.join("cgroup.procs"), &pid.to_string())?;
    write(&unit.join("cgroup.subtree_control"), "+pids")?;
    let of_unit = std::fs::read_to_string(unit.join("pids.max")).unwrap_or_default();
    write(&commands.join("pids.max"), &all_but(RESERVED_TASKS, &of_unit))?;
    write(&commands.join("cgroup.subtree_control"), "+pids")
}

/// The bound of all commands by that of the unit, a number or `max`: at least half of it.
fn all_but(reserved: u64, of_unit: &str) -> String {
    let Ok(limit) = of_unit.trim().parse::<u64>() else { return "max".into() };
    limit.saturating_sub(reserved).max(limit / 2).to_string()
}

fn write(path: &Path, text: &str) -> Result<(), Refused> {
    std::fs::write(path, text).map_err(|error| Refused { text: text.into(), path: path.into(), error })
}

/// The agent's own cgroup, where systemd gave it over: it marks such a group with an extended attribute. The error says why
/// there is none.
pub(super) fn own_delegated() -> Result<PathBuf, String> {
    let own = std::fs::read("/proc/self/cgroup").map_err(|error| format!("/proc/self/cgroup: {error}"))?;
    let hierarchy = hierarchy().ok_or("cgroup v2 is not mounted")?;
    let path = path_of(&own, &hierarchy).ok_or("it is in no cgroup of version 2")?;
    if is_delegated(&path) { Ok(path) } else { Err(format!("systemd did not delegate {}", path.display())) }
}

fn is_delegated(path: &Path) -> bool {
    let marked = |name: &str| {
        let mut value = [0_u8; 8];
        rustix::fs::getxattr(path, name, &mut value[..]).is_ok_and(|length| value.get(..length) == Some(b"1"))
    };
    marked("trusted.delegate") || marked("user.delegate")
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    fn text(root: &TempDir, path: &str) -> String {
        std::fs::read_to_string(root.path().join(path)).unwrap_or_default()
    }

    #[test]
    fn the_agent_and_its_commands_get_a_half_each_and_the_commands_leave_the_agent_room() {
        let root = TempDir::new().unwrap();
        for (file, text) in
            [("pids.max", "900\n"), ("memory.max", "805306368\n"), ("cpu.max", "100000 100000\n")]
        {
            std::fs::write(root.path().join(file), text).unwrap();
        }
        let commands = divide(root.path(), 42);
        assert_eq!(commands, root.path().join("commands"));
        assert_eq!(text(&root, "agent/cgroup.procs"), "42");
        assert_eq!(
            (text(&root, "commands/pids.max"), text(&root, "commands/cgroup.subtree_control")),
            ("836".into(), "+pids".into())
        );
        assert_eq!(
            (text(&root, "commands/memory.max"), text(&root, "commands/cpu.max")),
            ("754974720".into(), "90000 100000".into())
        );
        // A second start finds them there.
        assert_eq!(divide(root.path(), 43), commands);
    }

    #[test]
    fn without_a_bound_of_the_unit_all_commands_together_have_none() {
        assert_eq!((all_but(64, "max\n"), all_but(64, "")), ("max".into(), "max".into()));
        assert_eq!((all_but(64, "100"), all_but(64, "20")), ("50".into(), "10".into()));
        assert_eq!((nine_tenths("max 100000\n"), nine_tenths(""), nine_tenths("7")), (None, None, None));
    }

    #[test]
    fn where_no_group_can_be_made_commands_stay_beside_the_agent() {
        let root = TempDir::new().unwrap();
        let file = root.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert_eq!(divide(&file, 42), file);
    }
}
