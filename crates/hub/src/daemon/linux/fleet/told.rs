//! Which results the engine has. Of a job whose results it has all, the file says so over a restart; of the others all are told
//! again, which the engine and the coordinator take for the repetition that it is.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::path::{Path, PathBuf};

/// The file's name in `state_dir`.
const FILE: &str = "fleet.told";
/// Longest file: as many jobs as the ledger keeps.
const MAX_BYTES: u64 = 1 << 20;

/// What was told.
#[derive(Debug, Default)]
pub(super) struct Told {
    path: PathBuf,
    whole: BTreeSet<String>,
    some: HashMap<String, BTreeSet<usize>>,
    is_changed: bool,
}

impl Told {
    /// With what the file knows. Without it everything is told again.
    pub(super) fn open(state_dir: &Path) -> Self {
        let path = state_dir.join(FILE);
        let is_short = std::fs::metadata(&path).is_ok_and(|file| file.len() <= MAX_BYTES);
        let text = if is_short { std::fs::read_to_string(&path).unwrap_or_default() } else { String::new() };
        Self { path, whole: text.lines().map(str::to_owned).collect(), ..Self::default() }
    }

    /// Whether the engine has a machine's result.
    pub(super) fn has(&self, job: &str, n: usize) -> bool {
        self.whole.contains(job) || self.some.get(job).is_some_and(|some| some.contains(&n))
    }

    /// The engine has these results of a job that has so many.
    pub(super) fn note(&mut self, job: &str, all: usize, told: &[usize]) {
        let some = self.some.entry(job.to_owned()).or_default();
        some.extend(told);
        if some.len() == all {
            self.some.remove(job);
            self.whole.insert(job.to_owned());
            self.is_changed = true;
        }
    }

    /// A job is to be told anew.
    pub(super) fn forget(&mut self, job: &str) {
        self.some.remove(job);
        self.is_changed |= self.whole.remove(job);
    }

    /// The file's new content, where it has one, without jobs that are not kept any more.
    pub(super) fn changed(&mut self, is_kept: impl Fn(&str) -> bool) -> Option<(PathBuf, String)> {
        if !std::mem::take(&mut self.is_changed) {
            return None;
        }
        self.whole.retain(|job| is_kept(job));
        self.some.retain(|job, _| is_kept(job));
        Some((self.path.clone(), self.whole.iter().map(|job| format!("{job}\n")).collect()))
    }
}

/// Writes the file, whole or not at all.
pub(super) fn write(path: &Path, text: &str) -> io::Result<()> {
    let new = path.with_extension("new");
    std::fs::write(&new, text)?;
    std::fs::rename(&new, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_whole_is_known_after_a_restart_and_the_rest_is_told_again() {
        let directory = tempfile::tempdir().unwrap();
        let mut told = Told::open(directory.path());
        assert!(!told.has("o.0-1", 0));
        told.note("o.0-1", 2, &[0]);
        told.note("o.0-2", 1, &[0]);
        told.note("o.0-1", 2, &[1]);
        told.note("o.0-3", 2, &[1]);
        let (path, text) = told.changed(|job| job != "o.0-2").unwrap();
        write(&path, &text).unwrap();
        assert!(told.changed(|_| true).is_none());
        let mut again = Told::open(directory.path());
        assert!(again.has("o.0-1", 1) && !again.has("o.0-2", 0) && !again.has("o.0-3", 1));
        again.forget("o.0-1");
        assert!(!again.has("o.0-1", 1) && again.changed(|_| true).is_some());
    }
}
