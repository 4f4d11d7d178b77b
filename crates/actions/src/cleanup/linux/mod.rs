//! Cleans the places of a Linux machine.

pub(crate) mod beneath;
mod in_use;
pub(crate) mod journal;
#[cfg(test)]
mod kept_tests;
#[cfg(test)]
mod race_tests;
mod remove;
#[cfg(test)]
mod tests;
mod walk;

use super::homes::{self, Home, Homes};
use super::logs::Logrotate;
use super::rule::{Names, Rule};
use super::tally::Tally;
use super::{Job, Target, days};
use in_use::InUse;
use infiniservice_protocol::data::CleanedTarget;
use rustix::fs::{
    AtFlags, FlockOperation, Mode, OFlags, ResolveFlags, fcntl_lock, fstat, openat, openat2, unlinkat,
};
use rustix::io::Errno;
use std::ffi::CStr;
use std::fs::File;
use std::io::BufReader;
use std::os::fd::OwnedFd;
use std::path::Path;
use walk::{Stopped, Walk};

/// Days after which thumbnails and trash go when no age is asked for.
const HOME_DAYS: u32 = 30;

/// Carries out one target of a job.
pub(super) fn clean_target(job: &Job, target: Target) -> CleanedTarget {
    let mut tally = Tally::default();
    match File::open(&job.root) {
        Ok(root) => {
            let in_use = InUse::look(Path::new("/proc"));
            let logrotate = match target {
                Target::Logs => Logrotate::read(&job.root),
                _ => Logrotate::default(),
            };
            let mut cleaner = Cleaner { job, root, in_use, logrotate, tally: &mut tally };
            if cleaner.in_use.is_complete() {
                // Stopped or not, what was done is counted.
                let _ = cleaner.target(target);
            } else {
                cleaner.tally.failed("/proc cannot be read, so it is unknown which files are in use");
            }
        }
        Err(error) => tally.failed(&format!("{}: {error}", job.root.display())),
    }
    tally.finish(target.name())
}

/// One target in the making.
struct Cleaner<'a> {
    job: &'a Job,
    root: File,
    in_use: InUse,
    logrotate: Logrotate,
    tally: &'a mut Tally,
}

impl Cleaner<'_> {
    fn target(&mut self, target: Target) -> Result<(), Stopped> {
        for place in of(target) {
            self.place(place)?;
        }
        if matches!(target, Target::Thumbnails | Target::Trash) {
            for home in self.homes() {
                self.home(&home, target)?;
            }
        }
        Ok(())
    }

    fn place(&mut self, place: &Place) -> Result<(), Stopped> {
        let fd = match beneath::across_mounts(&self.root, place.path) {
            Ok(fd) => fd,
            Err(Errno::NOENT) => return Ok(()),
            Err(errno) => {
                self.unusable(place.path, errno);
                return Ok(());
            }
        };
        let lock = place.lock.map(|name| hold(&fd, name));
        if let Some(Err(why)) = lock {
            self.tally.failed(&format!("/{}: {why}", place.path));
            return Ok(());
        }
        let done = self.walk(&fd, place.path, self.rule(place.days, place.names, false), &mut |_| {});
        drop(lock);
        done
    }

    fn unusable(&mut self, path: &str, errno: Errno) {
        let why = match errno {
            Errno::LOOP | Errno::NOTDIR => "is a symbolic link, or is behind one; skipped".to_owned(),
            other => std::io::Error::from(other).to_string(),
        };
        self.tally.failed(&format!("/{path}: {why}"));
    }

    fn rule(&self, default_days: u32, names: Names, whole: bool) -> Rule {
        Rule { min_age: self.job.older_than.unwrap_or(days(default_days)), names, whole }
    }

    fn walk(
        &mut self,
        fd: &OwnedFd,
        path: &str,
        rule: Rule,
        gone: &mut dyn FnMut(&CStr),
    ) -> Result<(), Stopped> {
        let (dry_run, now, stop) = (self.job.dry_run, self.job.now, &self.job.stop);
        let at = Path::new("/").join(path);
        let (about, logrotate) = (&mut |_: &Path| {}, &self.logrotate);
        let (in_use, tally) = (&mut self.in_use, &mut *self.tally);
        Walk { rule, dry_run, now, stop, in_use, tally, at, gone, about, logrotate }.run(fd)
    }

    fn homes(&mut self) -> Vec<Home> {
        let homes = homes_of(&self.root).unwrap_or_else(|error| {
            self.tally.failed(&format!("/etc/passwd: {error}"));
            Homes::default()
        });
        if homes.cut {
            self.tally.failed("/etc/passwd is too long: the home directories of later lines are skipped");
        }
        homes.list
    }

    /// A home that belongs to somebody else is left out; so is, quietly, what is not there.
    fn home(&mut self, home: &Home, target: Target) -> Result<(), Stopped> {
        let Some(fd) = open_home(&self.root, home) else { return Ok(()) };
        if target == Target::Thumbnails {
            let rule = self.rule(HOME_DAYS, Names::All, false);
            return self.inside(&fd, home, ".cache/thumbnails", rule, &mut |_| {});
        }
        let info =
            beneath::same_mount(&fd, b".local/share/Trash/info").ok().filter(|fd| belongs_to(fd, home.uid));
        let dry_run = self.job.dry_run;
        let rule = self.rule(HOME_DAYS, Names::All, true);
        self.inside(&fd, home, ".local/share/Trash/files", rule, &mut |name| {
            if let Some(info) = info.as_ref().filter(|_| !dry_run) {
                forget(info, name);
            }
        })?;
        self.inside(&fd, home, ".local/share/Trash/expunged", rule, &mut |_| {})
    }

    fn inside(
        &mut self,
        fd: &OwnedFd,
        home: &Home,
        path: &str,
        rule: Rule,
        gone: &mut dyn FnMut(&CStr),
    ) -> Result<(), Stopped> {
        match beneath::same_mount(fd, path.as_bytes()).ok().filter(|fd| belongs_to(fd, home.uid)) {
            Some(place) => self.walk(&place, &format!("{}/{path}", home.path), rule, gone),
            None => Ok(()),
        }
    }
}

/// The homes that the machine's passwd(5) names.
pub(crate) fn homes_of(root: &File) -> std::io::Result<Homes> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = File::from(openat(root, "etc/passwd", flags, Mode::empty())?);
    homes::read(BufReader::new(file))
}

/// A home, where it is there and belongs to its user. Links above it, such as /home itself, are the administrator's.
pub(crate) fn open_home(root: &File, home: &Home) -> Option<OwnedFd> {
    let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
    let fd = openat2(root, home.path.as_str(), flags, Mode::empty(), ResolveFlags::IN_ROOT)
        .or_else(|_| beneath::across_mounts(root, &home.path));
    fd.ok().filter(|fd| belongs_to(fd, home.uid))
}

fn belongs_to(fd: &OwnedFd, uid: u32) -> bool {
    fstat(fd).is_ok_and(|stat| stat.st_uid == uid)
}

/// Where the trash notes whence a file came (freedesktop.org's trash specification).
fn forget(info: &OwnedFd, name: &CStr) {
    let note = [name.to_bytes(), b".trashinfo"].concat();
    // A file without its note is no failure.
    let _ = unlinkat(info, note.as_slice(), AtFlags::empty());
}

/// Takes the lock, as long as the descriptor lives; an absent lock file means that nobody locks.
fn hold(place: &OwnedFd, name: &str) -> Result<Option<OwnedFd>, &'static str> {
    let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let Ok(fd) = openat(place, name, flags, Mode::empty()) else { return Ok(None) };
    match fcntl_lock(&fd, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(fd)),
        Err(_) => Err("the package manager is working there; skipped"),
    }
}

/// A directory of the system whose entries a target removes.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// Below the root, without a leading slash.
    pub path: &'static str,
    /// Age from which entries are removed when none is asked for, in days.
    pub days: u32,
    /// Which of them.
    pub names: Names,
    /// A file that the owner of the directory locks while it works there (`fcntl(2)`), in the directory.
    pub lock: Option<&'static str>,
}

const fn place(path: &'static str, days: u32, names: Names) -> Place {
    Place { path, days, names, lock: None }
}

/// Ages of tmp.conf (tmpfiles.d(5)) as systemd ships it.
const TEMP: &[Place] = &[place("tmp", 10, Names::Temp), place("var/tmp", 30, Names::Temp)];
const LOGS: &[Place] = &[place("var/log", 30, Names::RotatedLogs)];
const PACKAGE_CACHE: &[Place] = &[
    Place { lock: Some("lock"), ..place("var/cache/apt/archives", 0, Names::Ending(&[".deb"])) },
    place("var/cache/dnf", 0, Names::NoLocks),
    place("var/cache/libdnf5", 0, Names::NoLocks),
    place("var/cache/yum", 0, Names::NoLocks),
    place("var/cache/zypp/packages", 0, Names::Ending(&[".rpm"])),
    place("var/cache/pacman/pkg", 0, Names::Ending(&[".pkg.tar.zst", ".pkg.tar.xz", ".sig", ".part"])),
];
const CRASH_DUMPS: &[Place] =
    &[place("var/crash", 7, Names::NoLocks), place("var/lib/systemd/coredump", 7, Names::NoLocks)];

/// A target's directories outside of homes.
const fn of(target: Target) -> &'static [Place] {
    match target {
        Target::Temp => TEMP,
        Target::Logs => LOGS,
        Target::PackageCache => PACKAGE_CACHE,
        Target::CrashDumps => CRASH_DUMPS,
        Target::Thumbnails | Target::Trash => &[],
    }
}
