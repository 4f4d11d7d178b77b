//! A cgroup for one program: none of its descendants can leave it (cgroups(7), kernel's cgroup-v2 document). And where cgroup v2
//! is mounted, and where in it a process is.
//!
//! Paths are bytes: one mount of an ordinary user with a name that is not UTF-8 must not hide the others.

use crate::linux::mounts;
use crate::reactor_unsafe::register_for_changes;
use rustix::fs::statfs;
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};
use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read};
use std::ops::Deref;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::timeout;

/// Group names count up over the agent's life.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// How long killed processes may take to leave a group before that is said: one that hangs inside the kernel may never do.
const LEAVING: Duration = Duration::from_secs(30);
/// Processes and threads of one command, and for each processor where that is more: package scripts build modules with as many
/// jobs as there are processors. A fork bomb stops there.
const TASKS: u32 = 512;
const TASKS_PER_PROCESSOR: u32 = 16;

/// How many processes and threads one command may have.
pub fn tasks_max() -> u32 {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let processors = u32::try_from(processors).unwrap_or(u32::MAX);
    TASKS.max(processors.saturating_mul(TASKS_PER_PROCESSOR))
}

/// A cgroup, whoever made it.
#[derive(Debug)]
pub struct Cgroup {
    path: PathBuf,
}

/// One of the agent's own, removed when it is dropped; what still runs in it is ended first.
#[derive(Debug)]
pub struct OwnedCgroup(Cgroup);

impl Deref for OwnedCgroup {
    type Target = Cgroup;

    fn deref(&self) -> &Cgroup {
        &self.0
    }
}

impl OwnedCgroup {
    /// Makes one below `parent`, bounded in its number of processes where that has the controller for it.
    pub fn create(parent: &Path) -> Option<Self> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = parent.join(format!("command-{}-{number}", std::process::id()));
        match std::fs::create_dir(&path) {
            Ok(()) => {
                // Without the controller there is no such file: told when the agent's groups were laid out.
                let _ = std::fs::write(path.join("pids.max"), tasks_max().to_string());
                Some(Self(Cgroup { path }))
            }
            Err(error) => {
                log::debug!("no cgroup {}: {error}", path.display());
                None
            }
        }
    }
}

impl Cgroup {
    /// One that is there already.
    pub fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// Whoever writes `0` to it goes in. Without it a program would run outside, where its time-out does not reach it.
    pub fn join_fd(&self) -> io::Result<File> {
        OpenOptions::new().write(true).open(self.path.join("cgroup.procs"))
    }

    /// SIGTERM to all in it.
    pub fn terminate(&self) {
        self.signal_all(Signal::TERM);
    }

    /// SIGKILL to all in it and below.
    pub fn kill(&self) {
        // Linux 5.14; before it one by one, in rounds until none is left.
        if std::fs::write(self.path.join("cgroup.kill"), "1").is_err() {
            self.signal_all(Signal::KILL);
        }
    }

    /// Zombies do not count: the kernel takes a process out when it exits.
    pub fn is_empty(&self) -> bool {
        let events = std::fs::read_to_string(self.path.join("cgroup.events"));
        events.map_or(true, |text| is_unpopulated(&text))
    }

    /// Resolves when none is left in it.
    pub async fn emptied(&self) {
        emptied(&self.path).await;
    }

    fn signal_all(&self, signal: Signal) {
        self.signal_all_but(&[], signal);
    }

    /// By descriptors of the processes, taken before they are looked for once more: a number that is another's by now is not
    /// in the group.
    pub fn signal_all_but(&self, spared: &[Option<u32>], signal: Signal) {
        let is_left_out = |pid: i32| spared.contains(&u32::try_from(pid).ok());
        let taken: Vec<_> = self
            .members()
            .into_iter()
            .filter(|pid| !is_left_out(*pid))
            .map(|pid| (pid, taken(pid)))
            .collect();
        let members: HashSet<i32> = self.members().into_iter().collect();
        for (_, process) in taken.into_iter().filter(|(pid, _)| members.contains(pid)) {
            // One that is gone by now needs no signal.
            let _ = match process {
                Ok(process) => pidfd_send_signal(process, signal),
                Err(Some(pid)) => kill_process(pid, signal),
                Err(None) => Ok(()),
            };
        }
    }

    /// The numbers of all processes in it and below.
    pub fn members(&self) -> Vec<i32> {
        let procs = |group: &PathBuf| std::fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
        let numbers = |text: String| text.lines().filter_map(|line| line.parse().ok()).collect::<Vec<_>>();
        below(&self.path).iter().map(procs).flat_map(numbers).collect()
    }
}

/// A descriptor of a process; its number where the kernel has no such descriptors (before Linux 5.3).
fn taken(pid: i32) -> Result<OwnedFd, Option<Pid>> {
    let pid = Pid::from_raw(pid).ok_or(None)?;
    pidfd_open(pid, PidfdFlags::empty()).map_err(|errno| (errno == Errno::NOSYS).then_some(pid))
}

impl Drop for OwnedCgroup {
    fn drop(&mut self) {
        if !self.is_empty() {
            self.kill();
        }
        let path = std::mem::take(&mut self.0.path);
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) if !remove(&path) => drop(runtime.spawn(remove_when_empty(path))),
            _ => {}
        }
    }
}

/// Killed processes take a moment to leave.
async fn remove_when_empty(path: PathBuf) {
    let emptied = emptied(&path);
    tokio::pin!(emptied);
    if timeout(LEAVING, &mut emptied).await.is_err() {
        let seconds = LEAVING.as_secs();
        log::warn!(
            "processes killed {seconds} s ago are still in {}: they hang in the kernel",
            path.display()
        );
        // Waiting for the kernel's word costs nothing, however long it takes.
        emptied.await;
    }
    if !remove(&path) {
        log::warn!("cannot remove the empty cgroup {}", path.display());
    }
}

/// Resolves when no process is left in the group or below it; never where that cannot be found out.
async fn emptied(group: &Path) {
    if let Err(error) = wait_until_empty(group).await {
        log::debug!("cannot determine whether {} is empty: {error}", group.display());
        std::future::pending::<()>().await;
    }
}

/// `cgroup.events` tells each change by `POLLPRI` (cgroup-v2, "Un-populated Notification").
async fn wait_until_empty(group: &Path) -> io::Result<()> {
    let events = match File::open(group.join("cgroup.events")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => register_for_changes(opened?.into())?,
    };
    while !read_is_unpopulated(&events)? {
        events.ready(Interest::PRIORITY).await?.clear_ready();
    }
    Ok(())
}

/// Reading it arms the next notification.
fn read_is_unpopulated(events: &AsyncFd<OwnedFd>) -> io::Result<bool> {
    let mut text = [0_u8; 256];
    let length = rustix::io::pread(events.get_ref(), &mut text[..], 0)?;
    Ok(is_unpopulated(&String::from_utf8_lossy(text.get(..length).unwrap_or_default())))
}

fn is_unpopulated(events: &str) -> bool {
    events.lines().any(|line| line == "populated 0")
}

/// Whether the group is gone, with those below it.
fn remove(path: &Path) -> bool {
    below(path).iter().rev().all(|group| std::fs::remove_dir(group).is_ok() || !group.exists())
}

/// The group and those that the program made in it, parents first.
pub fn below(group: &Path) -> Vec<PathBuf> {
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

/// The cgroup of a process.
pub fn of(pid: u32) -> Option<PathBuf> {
    path_of(&std::fs::read(format!("/proc/{pid}/cgroup")).ok()?, &hierarchy()?)
}

/// `CGROUP2_SUPER_MAGIC` (linux/magic.h).
const CGROUP2: u64 = 0x6367_7270;
/// Where systemd mounts it, alone or beside version 1.
const USUAL: [&str; 2] = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"];
/// Of the list of mounts so much is read.
const MOUNTS_MAX_BYTES: u64 = 16 << 20;

/// Where cgroup v2 is mounted.
pub fn hierarchy() -> Option<PathBuf> {
    let usual = USUAL.into_iter().map(PathBuf::from).find(|path| is_cgroup2(path));
    usual.or_else(|| {
        of_mounts(BufReader::new(File::open("/proc/self/mountinfo").ok()?.take(MOUNTS_MAX_BYTES)))
    })
}

fn is_cgroup2(path: &Path) -> bool {
    statfs(path).is_ok_and(|fs| u64::try_from(fs.f_type) == Ok(CGROUP2))
}

/// The first mount of type cgroup2 in a list as of `/proc/PID/mountinfo`.
fn of_mounts(mounts: impl BufRead) -> Option<PathBuf> {
    let mounts = mounts::read(mounts).ok()?.mounts;
    let first = mounts.into_iter().find(|mount| mount.kind == "cgroup2")?;
    Some(PathBuf::from(OsString::from_vec(first.place)))
}

/// Of `/proc/PID/cgroup` the line `0::`, below the mount of cgroup v2.
pub fn path_of(own: &[u8], hierarchy: &Path) -> Option<PathBuf> {
    let path = own.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"0::/"))?;
    Some(hierarchy.join(OsStr::from_bytes(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_group_is_found_below_the_mount() {
        // Debian 12, systemd 252.
        let own = b"4:memory:/x\n0::/system.slice/infiniservice.service\n";
        let path = path_of(own, Path::new("/sys/fs/cgroup")).unwrap();
        assert_eq!(path, Path::new("/sys/fs/cgroup/system.slice/infiniservice.service"));
        assert_eq!(path_of(b"4:memory:/x\n", Path::new("/")), None);
    }

    #[test]
    fn a_mount_whose_name_is_no_utf_8_hides_nothing() {
        let mounts = b"90 30 0:50 / /home/alice/\xff/0000 rw,nosuid - fuse.x x rw,user_id=1000\n\
            25 30 0:23 / /sys rw,nosuid shared:7 - sysfs sysfs rw\n\
            29 25 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";
        assert_eq!(of_mounts(&mounts[..]).unwrap(), Path::new("/sys/fs/cgroup"));
        assert_eq!(of_mounts(&b"25 30 0:23 / /sys rw - sysfs sysfs rw\n"[..]), None);
    }

    #[test]
    fn the_kernel_says_by_the_file_system_where_it_is() {
        let (Some(found), Ok(mounts)) = (hierarchy(), std::fs::read("/proc/self/mountinfo")) else { return };
        assert!(is_cgroup2(&found));
        assert!(of_mounts(&mounts[..]).is_some() && !is_cgroup2(Path::new("/proc")));
    }
}
