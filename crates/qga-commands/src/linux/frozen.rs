//! File systems that are frozen: how they become it, how they are thawed again, and the marker in `/run` by which an agent that
//! was started anew finds them.
//!
//! From before the first is frozen until after the last is thawed nothing here writes to a disk: `/run` lies in memory.

use super::blocks::Devices;
use super::file_systems::{Mounted, mounted, path};
use super::stacked::freezing_order;
use crate::work::failed;
use infiniservice_platform::file_systems_unsafe;
use infiniservice_platform::gate::Gate;
use infiniservice_platform::linux::procfs::Stat;
use infiniservice_qga::Error;
use rustix::fs::{Mode, OFlags, fstat, major, minor, open, stat};
use rustix::io::Errno;
use rustix::time::{ClockId, clock_gettime};
use std::fs;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long commands of the agent that may write are waited for.
const TIMEOUT: Duration = Duration::from_secs(5);
/// A marker is no longer than this.
const MAX_MARKER_BYTES: usize = 1 << 20;

/// One that this agent froze, with what is needed to thaw it.
#[derive(Debug)]
pub struct Frozen {
    device: (u32, u32),
    directory: OwnedFd,
}

/// The marker.
#[derive(Clone, Debug)]
pub struct Marker(PathBuf);

impl Default for Marker {
    fn default() -> Self {
        Self("/run/infiniservice.frozen".into())
    }
}

/// What a marker says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marked {
    /// When the freeze is to end, on the clock that counts from the machine's start; `None`: only by the host.
    pub until: Option<Duration>,
    /// Process id of the agent, and when it started, in ticks.
    pub owner: Option<(u32, u64)>,
    /// Which devices were to be frozen; empty: that is not known.
    pub devices: Vec<(u32, u32)>,
}

impl Marker {
    /// Elsewhere.
    pub fn at(place: PathBuf) -> Self {
        Self(place)
    }

    /// Whether an agent froze, and did not live to thaw. An unreadable one says that, and no more; one of an agent that lives
    /// says nothing.
    pub fn found(&self) -> Option<Marked> {
        match fs::read_to_string(&self.0) {
            Ok(text) => Some(Marked::parse(text.get(..MAX_MARKER_BYTES).unwrap_or(&text)))
                .filter(|marked| !marked.owner_lives()),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(_) => Some(Marked::default()),
        }
    }

    fn put(&self, marked: &Marked) -> Result<(), Error> {
        let put = fs::write(&self.0, marked.text());
        put.map_err(|error| failed(format!("failed to write '{}'", self.0.display()), &error))
    }

    /// Nothing is frozen any more.
    pub fn remove(&self) {
        if let Err(error) = fs::remove_file(&self.0)
            && error.kind() != ErrorKind::NotFound
        {
            log::warn!("cannot remove {}: {error}", self.0.display());
        }
    }
}

impl Marked {
    fn text(&self) -> String {
        let until = self.until.map(|until| format!("until {}\n", until.as_millis())).unwrap_or_default();
        let owner = self.owner.map(|(pid, started)| format!("agent {pid} {started}\n")).unwrap_or_default();
        let line = |(major, minor): &(u32, u32)| format!("{major}:{minor}\n");
        until + &owner + &self.devices.iter().map(line).collect::<String>()
    }

    fn parse(text: &str) -> Self {
        let until = text.lines().find_map(|line| line.strip_prefix("until ")?.parse().ok());
        let numbers = |line: &str| {
            let (major, minor) = line.split_once(':')?;
            Some((major.parse().ok()?, minor.parse().ok()?))
        };
        let owner = |line: &str| {
            let (pid, started) = line.strip_prefix("agent ")?.split_once(' ')?;
            Some((pid.parse().ok()?, started.parse().ok()?))
        };
        let devices = text.lines().filter_map(numbers).collect();
        Self { until: until.map(Duration::from_millis), owner: text.lines().find_map(owner), devices }
    }

    fn owner_lives(&self) -> bool {
        self.owner.is_some_and(|(pid, started)| started_at(pid) == Some(started))
    }
}

/// When a process started; `None`: there is none of this number.
fn started_at(pid: u32) -> Option<u64> {
    let text = fs::read(format!("/proc/{pid}/stat")).ok()?;
    Stat::parse(&text).ok().map(|stat| stat.started)
}

/// The clock that also counts while the machine sleeps.
pub fn since_boot() -> Duration {
    Duration::try_from(clock_gettime(ClockId::Boottime)).unwrap_or_default()
}

/// Which are wanted; `None`: all.
pub type Wanted = Option<Vec<String>>;

/// Freezes what lies in others first, and else the last mounted first. Closes the gate before, and leaves it closed where something
/// is frozen in the end.
pub fn freeze(wanted: &Wanted, until: Option<Duration>, marker: &Marker) -> Result<Vec<Frozen>, Error> {
    let systems = freezing_order(chosen(mounted()?, wanted), &Devices::default(), holder_of);
    let opened: Vec<(Mounted, OwnedFd)> = open_all(systems)?;
    let gate = Gate::of_the_process();
    gate.close(TIMEOUT).map_err(|count| {
        Error::generic(format!("failed to freeze: {count} commands of the agent that may write are running"))
    })?;
    let devices = opened.iter().map(|(one, _)| one.device).collect();
    let pid = std::process::id();
    let owner = started_at(pid).map(|started| (pid, started));
    let frozen = marker.put(&Marked { until, owner, devices }).and_then(|()| freeze_all(opened));
    if !frozen.as_ref().is_ok_and(|frozen| !frozen.is_empty()) {
        marker.remove();
        gate.open();
    }
    frozen
}

/// Mount points are compared as they stand in the kernel's list.
fn chosen(mut all: Vec<Mounted>, wanted: &Wanted) -> Vec<Mounted> {
    if let Some(wanted) = wanted {
        all.retain(|one| wanted.iter().any(|place| place.as_bytes() == one.mount.place));
    }
    all
}

fn open_all(systems: Vec<Mounted>) -> Result<Vec<(Mounted, OwnedFd)>, Error> {
    let mut opened = Vec::new();
    for one in systems {
        match reached(&one)? {
            Some(directory) => opened.push((one, directory)),
            None => log::warn!(
                "the file system of {} cannot be frozen: other file systems are mounted over all of its mounts",
                one.mount.mount_point_text()
            ),
        }
    }
    Ok(opened)
}

/// A directory of the file system, by the first of its mounts that leads to it: another file system may be mounted over one, and
/// then the path leads to that. An error where none leads anywhere else either.
fn reached(one: &Mounted) -> Result<Option<OwnedFd>, Error> {
    let (mut is_covered, mut failure) = (false, None);
    for mount in one.mounts() {
        match directory(&mount.place) {
            Ok(directory) if !mount.has_own_device_id() || device_of(&directory) == Some(mount.device_id) => {
                return Ok(Some(directory));
            }
            Ok(_) => is_covered = true,
            Err(error) => {
                failure.get_or_insert_with(|| {
                    failed(format!("failed to open {}", mount.mount_point_text()), &error)
                });
            }
        }
    }
    failure.filter(|_| !is_covered).map_or(Ok(None), Err)
}

fn directory(place: &[u8]) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    Ok(open(path(place), flags, Mode::empty())?)
}

fn device_of(directory: &OwnedFd) -> Option<(u32, u32)> {
    fstat(directory).ok().map(|found| numbers(found.st_dev))
}

/// The file system that a file belongs to.
fn holder_of(file: &Path) -> Option<(u32, u32)> {
    stat(file).ok().map(|found| numbers(found.st_dev))
}

fn numbers(device: u64) -> (u32, u32) {
    (major(device), minor(device))
}

/// All or none: what cannot be frozen at all, or is frozen already, counts as nothing.
fn freeze_all(opened: Vec<(Mounted, OwnedFd)>) -> Result<Vec<Frozen>, Error> {
    let mut frozen = Vec::new();
    for (one, directory) in opened {
        match file_systems_unsafe::freeze(directory.as_fd()) {
            Ok(()) => frozen.push(Frozen { device: one.device, directory }),
            Err(error) if is_nothing(&error) => {}
            Err(error) => {
                thaw(&frozen);
                return Err(failed(format!("failed to freeze {}", one.mount.mount_point_text()), &error));
            }
        }
    }
    Ok(frozen)
}

fn is_nothing(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::OPNOTSUPP | Errno::BUSY))
}

/// Thaws what this agent froze, the last frozen first; how many. One that somebody else thawed before counts as nothing.
pub fn thaw(frozen: &[Frozen]) -> i64 {
    let thawed = |one: &&Frozen| match file_systems_unsafe::thaw(one.directory.as_fd()) {
        Ok(()) => true,
        Err(error) => {
            let (major, minor) = one.device;
            log::warn!("the file system on device {major}:{minor} could not be thawed: {error}");
            false
        }
    };
    i64::try_from(frozen.iter().rev().filter(thawed).count()).unwrap_or(i64::MAX)
}

/// Thaws what an agent before this one left frozen, if there was one.
pub fn recover(marker: &Marker) {
    let Some(left) = marker.found() else { return };
    log::warn!("file systems are still frozen since before the agent was started: thawing them");
    match found_again(&left) {
        Ok(found) => drop(thaw(&found)),
        Err(error) => log::error!("what is frozen is not known: {error}"),
    }
    marker.remove();
    Gate::of_the_process().open();
}

/// What the agent before this one froze; everything, where the marker does not tell.
pub fn found_again(marked: &Marked) -> Result<Vec<Frozen>, Error> {
    let is_marked = |one: &Mounted| marked.devices.is_empty() || marked.devices.contains(&one.device);
    let systems = mounted()?.into_iter().filter(is_marked);
    let open = |one: Mounted| Some(Frozen { device: one.device, directory: reached(&one).ok()?? });
    Ok(systems.filter_map(open).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use infiniservice_platform::linux::mounts::Mount;

    #[test]
    fn a_marker_says_what_was_frozen_and_until_when() {
        let place = tempfile::tempdir().unwrap();
        let marker = Marker::at(place.path().join("frozen"));
        assert_eq!(marker.found(), None);
        let owner = Some((std::process::id(), 0));
        let said =
            Marked { until: Some(Duration::from_millis(90_061)), owner, devices: vec![(254, 1), (7, 0)] };
        marker.put(&said).unwrap();
        assert_eq!(marker.found(), Some(said));
        marker.remove();
        assert_eq!(marker.found(), None);
    }

    #[test]
    fn the_marker_of_an_agent_that_lives_is_nobody_elses() {
        let place = tempfile::tempdir().unwrap();
        let marker = Marker::at(place.path().join("frozen"));
        let started = started_at(std::process::id()).unwrap();
        marker.put(&Marked { owner: Some((std::process::id(), started)), ..Marked::default() }).unwrap();
        assert_eq!(marker.found(), None);
        marker.put(&Marked { owner: Some((std::process::id(), started + 1)), ..Marked::default() }).unwrap();
        assert!(marker.found().is_some());
    }

    #[test]
    fn a_marker_that_cannot_be_read_still_says_that_something_is_frozen() {
        let place = tempfile::tempdir().unwrap();
        assert_eq!(Marker::at(place.path().to_owned()).found(), Some(Marked::default()));
        fs::write(place.path().join("frozen"), "nonsense\n1:2:3\n:\n").unwrap();
        assert_eq!(Marker::at(place.path().join("frozen")).found(), Some(Marked::default()));
    }

    #[test]
    fn mount_points_are_chosen_by_the_whole_path() {
        let one = |place: &str| Mounted::of(Mount { place: place.into(), ..Mount::default() }, (1, 1));
        let all = || vec![one("/"), one("/data"), one("/data/x")];
        assert_eq!(chosen(all(), &None).len(), 3);
        assert_eq!(chosen(all(), &Some(vec!["/data".into(), "/no".into()])), [one("/data")]);
        assert!(
            chosen(all(), &Some(vec!["/data/".into()])).is_empty() && chosen(all(), &Some(vec![])).is_empty()
        );
    }
}
