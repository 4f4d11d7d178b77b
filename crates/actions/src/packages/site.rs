//! The package manager of one system, and the few files that tell what no program does.

use super::{PackageManager, table};
use infiniservice_platform::blocking::{self, Blocked, Lane};
use infiniservice_platform::linux::system::{StatRow, stat};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Directories looked at for one `/*/`.
const MAX_ENTRIES: usize = 1000;
/// How long a look at files may take; they may lie on a server that does not answer.
const TIMEOUT: Duration = Duration::from_secs(3);

/// What is known of the repositories' lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RepoMetadata {
    /// They last became new at this time.
    Fetched(SystemTime),
    /// There are none.
    Absent,
    /// Nothing tells.
    #[default]
    Unknown,
}

impl RepoMetadata {
    /// When they last became new, where that is known.
    pub fn fetched(self) -> Option<SystemTime> {
        match self {
            Self::Fetched(at) => Some(at),
            Self::Absent | Self::Unknown => None,
        }
    }
}

/// A system's package manager with the root of the system's files.
#[derive(Debug)]
pub struct PackageSystem {
    /// What installs packages there.
    pub manager: Box<dyn PackageManager>,
    files: Files,
}

/// The system's files, read in threads that may hang.
#[derive(Clone, Debug)]
pub struct Files {
    root: PathBuf,
}

impl PackageSystem {
    /// The package manager that the system below `root` has; `None` where there is none that the agent knows.
    pub fn detect(root: &Path) -> Option<Self> {
        Some(Self::new(table::detect(root)?, root))
    }

    /// This one, with files below `root`.
    pub fn new(manager: Box<dyn PackageManager>, root: &Path) -> Self {
        Self { manager, files: Files::below(root) }
    }

    /// Asks the files something in a thread that may hang in it.
    ///
    /// # Errors
    /// When it does.
    pub async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Files) -> T + Send + 'static,
    ) -> Result<T, Blocked> {
        let files = self.files.clone();
        blocking::run(Lane::Files, "the package manager's files", TIMEOUT, move || question(&files)).await
    }

    /// Whether there are lists of packages, and how new they are. Files that do not answer tell nothing.
    pub async fn lists(&self) -> RepoMetadata {
        let (names, lists) = (self.manager.list_files(), self.manager.lists());
        self.ask(move |files| files.lists(names, lists)).await.unwrap_or_default()
    }
}

impl Files {
    fn below(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// Whether an absolute path is there.
    ///
    /// # Errors
    /// Why that cannot be told.
    pub fn is_there(&self, path: &str) -> Result<bool, String> {
        self.path(path).try_exists().map_err(|error| format!("{path}: {error}"))
    }

    fn lists(&self, names: Option<(&str, &str)>, lists: &[&str]) -> RepoMetadata {
        if names.is_some_and(|(directory, mark)| !self.holds(directory, mark)) {
            return RepoMetadata::Absent;
        }
        self.newest(lists).map_or(RepoMetadata::Unknown, RepoMetadata::Fetched)
    }

    /// Whether any name in a directory that can be read holds `mark`; one that cannot tells nothing.
    fn holds(&self, directory: &str, mark: &str) -> bool {
        let Ok(entries) = std::fs::read_dir(self.path(directory)) else { return true };
        entries.flatten().any(|entry| entry.file_name().to_string_lossy().contains(mark))
    }

    /// The newest modification time of these; one `/*/` in a path stands for each directory there.
    pub fn newest(&self, paths: &[&str]) -> Option<SystemTime> {
        let all = paths.iter().flat_map(|path| self.each(path));
        all.filter_map(|path| path.metadata().ok()?.modified().ok()).max()
    }

    /// Makes `path` as new as this moment; an empty file where there was none.
    pub fn renew(&self, path: &str) -> std::io::Result<()> {
        let path = self.path(path);
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory)?;
        }
        let file = std::fs::File::options().append(true).create(true).open(path)?;
        file.set_modified(SystemTime::now())
    }

    fn each(&self, path: &str) -> Vec<PathBuf> {
        let Some((directory, rest)) = path.split_once("/*/") else { return vec![self.path(path)] };
        let entries = std::fs::read_dir(self.path(directory)).into_iter().flatten().flatten();
        entries.take(MAX_ENTRIES).map(|entry| entry.path().join(rest)).collect()
    }

    /// The name of a process that runs.
    pub fn process_name(&self, pid: u32) -> Option<String> {
        let name = std::fs::read_to_string(self.path(&format!("/proc/{pid}/comm"))).ok()?;
        Some(infiniservice_platform::sanitize::quote(&name))
    }

    /// Whether a line ends with a moment, in seconds since the epoch after a tab, that is later than the boot (proc(5), `btime`).
    ///
    /// # Errors
    /// Why that cannot be told.
    pub fn any_since_boot(&self, times: &str) -> Result<bool, String> {
        let text = std::fs::read(self.path("/proc/stat")).map_err(|error| format!("/proc/stat: {error}"))?;
        let boot = stat(&text).find_map(|row| match row {
            Ok(StatRow::BootTime(seconds)) => Some(seconds),
            _ => None,
        });
        let boot = boot.ok_or("/proc/stat has no `btime` line")?;
        let mut moments = times.lines().filter_map(|line| Some(line.rsplit_once('\t')?.1.parse::<u64>()));
        let newest = moments.try_fold(0, |newest, moment| moment.map(|moment| moment.max(newest)));
        newest.map(|newest| newest > boot).map_err(|_| "an installation time is not a number".to_owned())
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packages::Apt;
    use std::fs;

    fn site(root: &Path) -> Files {
        Files::below(root)
    }

    #[test]
    fn the_newest_of_all_repositories_lists_is_the_age_of_the_lists() {
        let root = tempfile::tempdir().unwrap();
        let lists = ["/var/cache/dnf/*/repodata/repomd.xml"];
        assert_eq!(site(root.path()).newest(&lists), None);
        for (repository, seconds) in [("a", 5), ("b", 9), ("c", 7)] {
            let directory = root.path().join(format!("var/cache/dnf/{repository}/repodata"));
            fs::create_dir_all(&directory).unwrap();
            let file = fs::File::create(directory.join("repomd.xml")).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
        }
        let newest = SystemTime::UNIX_EPOCH + Duration::from_secs(9);
        assert_eq!(site(root.path()).newest(&lists), Some(newest));
    }

    #[tokio::test]
    async fn a_directory_without_lists_is_not_taken_for_young_ones() {
        let root = tempfile::tempdir().unwrap();
        let apt = PackageSystem::new(Box::new(Apt), root.path());
        assert_eq!(apt.lists().await, RepoMetadata::Unknown);
        let directory = root.path().join("var/lib/apt/lists");
        fs::create_dir_all(directory.join("partial")).unwrap();
        fs::write(directory.join("lock"), "").unwrap();
        assert_eq!((apt.lists().await, apt.lists().await.fetched()), (RepoMetadata::Absent, None));
        fs::write(directory.join("deb.debian.org_debian_dists_bookworm_main_binary-amd64_Packages"), "")
            .unwrap();
        let at = directory.metadata().unwrap().modified().unwrap();
        assert_eq!(apt.lists().await, RepoMetadata::Fetched(at));
    }

    #[test]
    fn what_was_installed_since_the_boot_is_told_from_what_the_system_booted_with() {
        let root = tempfile::tempdir().unwrap();
        let why = site(root.path()).any_since_boot("glibc\t9999999999\n").unwrap_err();
        assert!(why.starts_with("/proc/stat: "), "{why}");
        fs::create_dir(root.path().join("proc")).unwrap();
        fs::write(root.path().join("proc/stat"), "cpu  1 2\nbtime 1700000000\nprocesses 5\n").unwrap();
        let since = |times| site(root.path()).any_since_boot(times);
        assert_eq!(since("glibc\t1699999999\npackage dbus is not installed\n"), Ok(false));
        assert_eq!(since("systemd\t1699999999\nglibc\t1700000001\n"), Ok(true));
        assert!(since("glibc\t(none)\n").is_err());
    }

    /// A pipe without a writer: whoever opens it waits.
    #[cfg(unix)]
    #[tokio::test]
    async fn files_that_do_not_answer_hold_up_nobody_else() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("proc/7")).unwrap();
        let comm = root.path().join("proc/7/comm");
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, &comm, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        let site = PackageSystem::new(Box::new(Apt), root.path());
        let (asked, other) = tokio::join!(site.ask(|files| files.process_name(7)), async { 7 });
        assert!(asked.unwrap_err().hangs() && other == 7);
        drop(fs::File::options().write(true).open(&comm).unwrap());
    }
}
