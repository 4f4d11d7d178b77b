//! By looking at times and lengths every few seconds, where the system tells of no change by itself.

use super::Target;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Between two looks.
const PERIOD: Duration = Duration::from_secs(2);
/// Entries of one directory that are looked at.
const ENTRIES_MAX: usize = 256;

/// Of each file that matters: its name, when it was written, and its length.
type Seen = Vec<(OsString, Option<SystemTime>, u64)>;

/// A watch over files, with those that come, go and are replaced.
#[derive(Debug)]
pub struct FileWatch {
    targets: Vec<Target>,
    seen: Seen,
}

impl FileWatch {
    /// Begins to watch; to be used inside a tokio runtime.
    ///
    /// # Errors
    /// None here; other systems have some.
    #[allow(clippy::unnecessary_wraps, reason = "as the kernel's own watch has it")]
    pub fn over(targets: &[Target]) -> io::Result<Self> {
        Ok(Self { seen: look(targets), targets: targets.to_vec() })
    }

    /// Resolves when something that matters happened. Cancel safe.
    pub async fn changed(&mut self) {
        loop {
            tokio::time::sleep(PERIOD).await;
            let now = look(&self.targets);
            if std::mem::replace(&mut self.seen, now) != self.seen {
                return;
            }
        }
    }
}

fn look(targets: &[Target]) -> Seen {
    targets.iter().flat_map(of).collect()
}

fn of(target: &Target) -> Seen {
    if let Some(name) = &target.name {
        return vec![entry(&target.directory, name.clone())];
    }
    let entries = fs::read_dir(&target.directory).into_iter().flatten().flatten().take(ENTRIES_MAX);
    let mut seen: Seen = entries.map(|found| entry(&target.directory, found.file_name())).collect();
    seen.sort();
    seen
}

fn entry(directory: &Path, name: OsString) -> (OsString, Option<SystemTime>, u64) {
    let metadata = fs::metadata(directory.join(&name)).ok();
    let written = metadata.as_ref().and_then(|metadata| metadata.modified().ok());
    (name, written, metadata.map_or(0, |metadata| metadata.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_file_that_comes_grows_or_goes_is_told_once_each() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.toml");
        let targets = [Target::file(&path).unwrap(), Target::entries(&directory.path().join("plugins.d"))];
        let mut watch = FileWatch::over(&targets).unwrap();
        for text in ["a", "ab"] {
            fs::write(&path, text).unwrap();
            watch.changed().await;
        }
        fs::write(directory.path().join("other"), "x").unwrap();
        assert!(tokio::time::timeout(10 * PERIOD, watch.changed()).await.is_err(), "another file");
        fs::create_dir(directory.path().join("plugins.d")).unwrap();
        fs::write(directory.path().join("plugins.d/gpu.toml"), "x").unwrap();
        watch.changed().await;
        fs::remove_file(&path).unwrap();
        watch.changed().await;
    }
}
