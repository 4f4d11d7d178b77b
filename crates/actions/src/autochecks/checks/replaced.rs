//! Programs that still run from files which an update has replaced, as `needrestart -b` and `dnf needs-restarting` look for.

use infiniservice_platform::blocking::{Item, Lane, Series};
use std::collections::BTreeSet;
use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Longest wait for one process's answer.
const TIMEOUT: Duration = Duration::from_secs(2);
/// Processes looked at.
const MAX_PROCESSES: usize = 32_768;
/// Bytes of one process's mappings; a browser has about half a megabyte of them.
const MAX_MAPS_BYTES: u64 = 8 << 20;
/// Bytes of one line: its columns, and a path.
const MAX_LINE_BYTES: u64 = 8192;
/// Where packages put programs and libraries.
const OF_PACKAGES: [&str; 7] = ["/usr/", "/lib/", "/lib64/", "/lib32/", "/bin/", "/sbin/", "/opt/"];
/// In a control group's path: the process is of another system, whose files are replaced by whoever runs it.
const CONTAINERS: [&str; 7] =
    ["docker", "libpod", "containerd", "kubepods", "lxc", "machine.slice", "buildkit"];

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Replaced {
    /// Names of programs that use replaced files.
    pub programs: BTreeSet<String>,
    /// Processes whose mappings were read.
    pub read: usize,
    /// Processes whose mappings could not be read, though they are there.
    pub unread: usize,
}

/// One process's directory.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Process(PathBuf);

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

impl Item for Process {}

/// What a process's mappings say.
enum Told {
    Uses(String),
    UsesNone,
    Gone,
    Unread,
}

/// Looks at all processes below `root`; what hangs costs its own answer.
pub(super) fn look(root: &Path) -> Replaced {
    let entries = std::fs::read_dir(root.join("proc")).into_iter().flatten().flatten();
    let numbered =
        entries.filter(|entry| entry.file_name().to_string_lossy().bytes().all(|c| c.is_ascii_digit()));
    let items: Vec<Process> = numbered.take(MAX_PROCESSES).map(|entry| Process(entry.path())).collect();
    let mut series = Series::new(Lane::Checks, "mappings of processes", TIMEOUT);
    let answers = series.each(&items, || |process: &Process| ask(&process.0));
    let mut all = Replaced::default();
    for answer in answers {
        match answer {
            Ok(Told::Gone) => continue,
            Ok(Told::Uses(name)) => _ = all.programs.insert(name),
            Ok(Told::UsesNone) => {}
            Ok(Told::Unread) | Err(_) => {
                all.unread += 1;
                continue;
            }
        }
        all.read += 1;
    }
    all
}

fn ask(process: &Path) -> Told {
    match uses_replaced(process) {
        Ok(false) => Told::UsesNone,
        Ok(true) if is_of_a_container(process) => Told::UsesNone,
        Ok(true) => {
            let name = std::fs::read_to_string(process.join("comm")).unwrap_or_default();
            Told::Uses(infiniservice_platform::sanitize::quote(name.trim()))
        }
        Err(_) if !process.exists() => Told::Gone,
        Err(_) => Told::Unread,
    }
}

/// Line by line; more than the bound counts as unread.
fn uses_replaced(process: &Path) -> std::io::Result<bool> {
    let mut lines = BufReader::new(File::open(process.join("maps"))?.take(MAX_MAPS_BYTES));
    let (mut line, mut total) = (Vec::new(), 0);
    loop {
        line.clear();
        let bytes = lines.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line)? as u64;
        total += bytes;
        if bytes == 0 && total < MAX_MAPS_BYTES {
            return Ok(false);
        }
        if bytes == 0 || bytes == MAX_LINE_BYTES {
            return Err(std::io::Error::other("there are more mappings than the limit"));
        }
        if is_replaced(&String::from_utf8_lossy(&line)) {
            return Ok(true);
        }
    }
}

/// `7f… r-xp 00000000 08:01 1234    /usr/lib/x86_64-linux-gnu/libssl.so.3 (deleted)`: code of a file that is gone.
pub(super) fn is_replaced(line: &str) -> bool {
    let mut words = line.split_ascii_whitespace();
    let runs = words.nth(1).is_some_and(|rights| rights.contains('x'));
    let path = words.nth(3).unwrap_or_default();
    runs && line.trim_end().ends_with(" (deleted)") && OF_PACKAGES.iter().any(|begin| path.starts_with(begin))
}

fn is_of_a_container(process: &Path) -> bool {
    let groups = std::fs::read_to_string(process.join("cgroup")).unwrap_or_default();
    CONTAINERS.iter().any(|mark| groups.contains(mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_of_a_file_that_is_gone_counts_and_nothing_else_does() {
        let line = |rights: &str, path: &str| format!("7f00-7f01 {rights} 00001000 08:01 1234     {path}\n");
        for path in ["/usr/lib/libssl.so.3 (deleted)", "/lib/ld.so (deleted)", "/usr/sbin/sshd (deleted)"] {
            assert!(is_replaced(&line("r-xp", path)), "{path}");
            assert!(!is_replaced(&line("r--p", path)), "{path}");
        }
        for path in [
            "/usr/lib/libssl.so.3",
            "/tmp/x (deleted)",
            "/memfd:x (deleted)",
            "/dev/zero (deleted)",
            "",
            "/SYSV0 (deleted)",
        ] {
            assert!(!is_replaced(&line("r-xp", path)), "{path}");
        }
    }

    #[test]
    fn processes_are_named_and_those_of_containers_and_unreadable_ones_told_apart() {
        let root = tempfile::tempdir().unwrap();
        let put = |pid: u32, file: &str, text: &str| {
            let directory = root.path().join(format!("proc/{pid}"));
            std::fs::create_dir_all(&directory).unwrap();
            std::fs::write(directory.join(file), text).unwrap();
        };
        let maps = "1-2 r-xp 0 08:01 9 /usr/lib/libc.so.6 (deleted)\n";
        put(1, "maps", "1-2 r-xp 0 08:01 9 /usr/lib/libc.so.6\n");
        put(7, "maps", maps);
        put(7, "comm", "sshd\n");
        put(8, "maps", maps);
        put(8, "cgroup", "0::/system.slice/docker-abc.scope\n");
        put(9, "comm", "no maps\n");
        let told = look(root.path());
        assert_eq!((told.programs, told.read, told.unread), (BTreeSet::from(["sshd".to_owned()]), 3, 1));
    }
}
