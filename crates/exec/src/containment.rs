//! What holds a program and all that it starts together, and how far that goes where it is less than was to be expected: for
//! `hello`, the status line and `--diagnose`.

use crate::Status;
use crate::output::Pipe;
use std::future::Future;
use std::process::ExitStatus;
use std::sync::OnceLock;

/// Around one program: what it and all its descendants cannot leave. Dropped, it ends them.
pub(super) trait Containment: Send {
    /// Whether programs can be asked to end, and follow; else [`Containment::terminate`] ends them by force.
    const CAN_BE_ASKED: bool;

    /// The program runs.
    fn started(&mut self, _pid: Option<u32>) {}
    /// Where the agent reads what the program writes, where that is not the agent's own pipes.
    fn outputs(&mut self) -> Option<[Option<Pipe>; 2]> {
        None
    }
    /// Whether all continue without the agent.
    fn outlives_the_agent(&self) -> bool {
        false
    }
    /// Asks all to end.
    fn terminate(&mut self) -> impl Future<Output = ()> + Send;
    /// Ends all by force.
    fn kill(&mut self) -> impl Future<Output = ()> + Send;
    /// Ends what is left and waits, within a bound, until it is gone.
    fn end(self) -> impl Future<Output = ()> + Send;
    /// How a program ended, in the platform's terms.
    fn status_of(ended: ExitStatus) -> Status;
}

/// What it means, for every place that says so.
pub const WITHOUT_CGROUPS: &str = "commands have no cgroups of their own: their number of processes is \
    not limited, and package changes end with the agent";

static MISSING: OnceLock<String> = OnceLock::new();
static HOLD: OnceLock<Hold> = OnceLock::new();

/// What holds a command's processes together.
#[allow(dead_code, reason = "there are no cgroups on Windows")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// A cgroup for each command.
    Cgroups,
    /// The agent's eye on the process table.
    ProcessTable,
}

impl Hold {
    /// Its name for the status.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cgroups => "cgroups",
            Self::ProcessTable => "process_table",
        }
    }
}

/// What holds commands; `None` before the first look for a cgroup, and on Windows, where job objects do.
pub fn hold() -> Option<Hold> {
    HOLD.get().copied()
}

/// Says so for good.
#[allow(dead_code, reason = "there are no cgroups on Windows")]
pub(super) fn report_hold(hold: Hold) {
    let _ = HOLD.set(hold);
}

/// The unit that asks for no cgroup: its commands only read.
const READ_ONLY_UNIT: &str = "infiniservice-readonly.service";

/// Whether systemd started this process as a service that asks for its cgroup (`Delegate=yes`). systemd tells by variables
/// (systemd.exec(5), `sd_notify(3)`).
#[allow(dead_code, reason = "there are no cgroups on Windows")]
pub(super) fn is_expected() -> bool {
    let told = ["INVOCATION_ID", "NOTIFY_SOCKET"].iter().all(|name| std::env::var_os(name).is_some());
    told && !std::fs::read("/proc/self/cgroup").is_ok_and(|own| is_read_only(&own))
}

#[allow(dead_code, reason = "there are no cgroups on Windows")]
fn is_read_only(own: &[u8]) -> bool {
    own.windows(READ_ONLY_UNIT.len()).any(|part| part == READ_ONLY_UNIT.as_bytes())
}

/// Says so for good: the cgroup is looked for once, at the start.
#[allow(dead_code, reason = "there are no cgroups on Windows")]
pub(super) fn report_missing(why: &str) {
    // The first to look has said it.
    let _ = MISSING.set(format!("{WITHOUT_CGROUPS} ({why})"));
}

/// Why commands are held worse than the units promise; `None` where they are not, or where nothing was promised.
pub fn missing() -> Option<&'static str> {
    MISSING.get().map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_read_only_unit_asks_for_no_cgroup() {
        assert!(is_read_only(b"0::/system.slice/infiniservice-readonly.service\n"));
        assert!(!is_read_only(b"0::/system.slice/infiniservice.service\n"));
        assert_eq!(missing(), None);
    }
}
