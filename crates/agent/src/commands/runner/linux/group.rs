//! A cgroup for one program: none of its descendants can leave it (cgroups(7), kernel's cgroup-v2 document).

use rustix::process::{Pid, Signal, kill_process};
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Group names count up over the agent's life.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// Tries to remove a group that is not empty yet, and the time between two.
const REMOVALS: u32 = 50;
const REMOVAL: Duration = Duration::from_millis(50);

/// One cgroup, removed when it is dropped; what still runs in it is ended first.
#[derive(Debug)]
pub(super) struct Group {
    path: PathBuf,
}

impl Group {
    /// Makes one below `parent`. No controllers are turned on, so that the agent itself may stay in `parent`.
    pub(super) fn create(parent: &Path) -> Option<Self> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = parent.join(format!("command-{}-{number}", std::process::id()));
        match std::fs::create_dir(&path) {
            Ok(()) => Some(Self { path }),
            Err(error) => {
                log::debug!("no cgroup {}: {error}", path.display());
                None
            }
        }
    }

    /// One that is there already.
    pub(super) fn at(path: PathBuf) -> Self {
        Self { path }
    }

    pub(super) fn entrance(&self) -> Option<File> {
        OpenOptions::new().write(true).open(self.path.join("cgroup.procs")).ok()
    }

    pub(super) fn terminate(&self) {
        self.signal_all(Signal::TERM);
    }

    pub(super) fn kill(&self) {
        // Linux 5.14; before it one by one, in rounds until none is left.
        if std::fs::write(self.path.join("cgroup.kill"), "1").is_err() {
            self.signal_all(Signal::KILL);
        }
    }

    /// Zombies do not count: the kernel takes a process out when it exits.
    pub(super) fn is_empty(&self) -> bool {
        let events = std::fs::read_to_string(self.path.join("cgroup.events"));
        events.map_or(true, |text| text.lines().any(|line| line == "populated 0"))
    }

    fn signal_all(&self, signal: Signal) {
        for pid in self.members().into_iter().filter_map(Pid::from_raw) {
            // One that is gone by now needs no signal.
            let _ = kill_process(pid, signal);
        }
    }

    /// The numbers of all processes in it and below.
    pub(super) fn members(&self) -> Vec<i32> {
        let procs = |group: &PathBuf| std::fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
        let numbers = |text: String| text.lines().filter_map(|line| line.parse().ok()).collect::<Vec<_>>();
        below(&self.path).iter().map(procs).flat_map(numbers).collect()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if !self.is_empty() {
            self.kill();
        }
        let path = std::mem::take(&mut self.path);
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) if !remove(&path) => drop(runtime.spawn(remove_when_empty(path))),
            _ => {}
        }
    }
}

/// Killed processes take a moment to leave.
async fn remove_when_empty(path: PathBuf) {
    for _ in 0..REMOVALS {
        tokio::time::sleep(REMOVAL).await;
        if remove(&path) {
            return;
        }
    }
    log::warn!("the cgroup {} stays: a process in it hangs inside the kernel", path.display());
}

/// Whether the group is gone, with those below it.
fn remove(path: &Path) -> bool {
    below(path).iter().rev().all(|group| std::fs::remove_dir(group).is_ok() || !group.exists())
}

/// The group and those that the program made in it, parents first.
pub(crate) fn below(group: &Path) -> Vec<PathBuf> {
    let mut all = vec![group.to_owned()];
    let mut next = 0;
    while let Some(parent) = all.get(next) {
        let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
        let children: Vec<_> = entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
        all.extend(children);
        next += 1;
    }
    all
}

/// The agent's own cgroup, where systemd gave it over: it marks such a group with an extended attribute.
pub(super) fn own_delegated() -> Option<PathBuf> {
    let own = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
    own_path(&own, &mounts).filter(|path| is_delegated(path))
}

/// The cgroup of a process.
pub(super) fn of(pid: u32) -> Option<PathBuf> {
    let own = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
    own_path(&own, &std::fs::read_to_string("/proc/self/mountinfo").ok()?)
}

fn is_delegated(path: &Path) -> bool {
    let marked = |name: &str| {
        let mut value = [0_u8; 8];
        rustix::fs::getxattr(path, name, &mut value[..]).is_ok_and(|length| value.get(..length) == Some(b"1"))
    };
    marked("trusted.delegate") || marked("user.delegate")
}

/// Of `/proc/PID/cgroup` the line `0::`, below the mount of type cgroup2.
fn own_path(own: &str, mounts: &str) -> Option<PathBuf> {
    let path = own.lines().find_map(|line| line.strip_prefix("0::"))?;
    let mount = mounts.lines().find(|line| line.contains(" - cgroup2 "))?;
    let mount = mount.split(' ').nth(4)?;
    Some(Path::new(mount).join(path.trim_start_matches('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_group_is_found_below_the_mount() {
        // Debian 12, systemd 252.
        let own = "0::/system.slice/infiniservice.service\n";
        let mounts = "25 30 0:23 / /sys rw,nosuid shared:7 - sysfs sysfs rw\n\
            29 25 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";
        let path = own_path(own, mounts).unwrap();
        assert_eq!(path, Path::new("/sys/fs/cgroup/system.slice/infiniservice.service"));
        assert_eq!(own_path("4:memory:/x\n", mounts), None);
        assert_eq!(own_path(own, ""), None);
    }
}
