//! A text in a file of its own: too long for an argument, or nobody else's to read, as the arguments of programs are.

use infiniservice_exec::Identity;
use rustix::fs::OFlags;
use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown,
};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// In memory, and empty after the machine's start.
const OF_ROOT: &str = "/run/infiniservice-scripts";

static NEXT: AtomicU64 = AtomicU64::new(0);

/// A file that only the account that runs it can read. It is removed when this is dropped.
#[derive(Debug)]
pub(crate) struct TextFile(PathBuf);

impl TextFile {
    /// The file, for `user` where that is not the agent itself. May wait for the disk.
    pub(super) fn write(text: &str, user: Option<&Identity>) -> io::Result<Self> {
        Self::write_in(&directory()?, text, user)
    }

    fn write_in(directory: &Path, text: &str, user: Option<&Identity>) -> io::Result<Self> {
        let file = Self(unused(directory));
        let flags = OFlags::NOFOLLOW.bits().cast_signed();
        let mut options = OpenOptions::new();
        let mut open = options.write(true).create_new(true).mode(0o600).custom_flags(flags).open(&file.0)?;
        open.write_all(text.as_bytes())?;
        open.set_permissions(Permissions::from_mode(0o400))?;
        if let Some(Identity { uid, gid, .. }) = user {
            fchown(&open, Some(*uid), Some(*gid))?;
        }
        Ok(file)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TextFile {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.0) {
            log::debug!("cannot remove {}: {error}", self.0.display());
        }
    }
}

/// The name says which process made it, so that a successor knows what is left over.
fn unused(directory: &Path) -> PathBuf {
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = directory.join(format!("{}-{number}", std::process::id()));
        if path.symlink_metadata().is_err() {
            return path;
        }
    }
}

fn place() -> PathBuf {
    let uid = rustix::process::geteuid();
    if uid.is_root() {
        return OF_ROOT.into();
    }
    std::env::temp_dir().join(format!("infiniservice-scripts-{}", uid.as_raw()))
}

/// Others may pass through it to the file that is theirs, and neither list it nor put anything there.
fn directory() -> io::Result<PathBuf> {
    let path = place();
    match DirBuilder::new().mode(0o700).create(&path) {
        Ok(()) => fs::set_permissions(&path, Permissions::from_mode(0o711))?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    is_own(&path)?;
    Ok(path)
}

/// The directory itself, not where a link of this name leads.
fn is_own(path: &Path) -> io::Result<()> {
    let found = path.symlink_metadata()?;
    let own = found.is_dir() && found.uid() == rustix::process::geteuid().as_raw();
    if !own || found.mode() & 0o022 != 0 {
        let error = format!("{} must be a directory of the agent's own account", path.display());
        return Err(io::Error::other(error));
    }
    Ok(())
}

/// Removes what agents left that are no more: nothing where the directory is not the agent's own. May wait for the disk.
pub(crate) fn clean() {
    let directory = place();
    if is_own(&directory).is_ok() {
        clean_in(&directory);
    }
}

fn clean_in(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = entry.file_name().into_string().unwrap_or_default();
        let pid = name.split_once('-').and_then(|(pid, _)| pid.parse::<u32>().ok());
        if pid.is_some_and(|pid| !Path::new("/proc").join(pid.to_string()).exists()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_kept_as_it_came_for_its_owner_alone_and_is_gone_afterwards() {
        let place = tempfile::tempdir().expect("a directory");
        let text = "echo a\r\necho \u{e9}\n";
        let file = TextFile::write_in(place.path(), text, None).expect("written");
        let path = file.path().to_owned();
        assert_eq!(fs::read_to_string(&path).expect("read"), text);
        assert_eq!(fs::metadata(&path).expect("there").mode() & 0o7777, 0o400);
        let other = TextFile::write_in(place.path(), "x", None).expect("written");
        assert_ne!(other.path(), path);
        drop((file, other));
        assert!(fs::read_dir(place.path()).expect("listed").next().is_none());
    }

    #[test]
    fn only_what_a_process_left_that_is_no_more_is_removed() {
        let place = tempfile::tempdir().expect("a directory");
        let file = |name: &str| fs::write(place.path().join(name), "x").expect("written");
        let own = format!("{}-0", std::process::id());
        // Above every pid that the kernel gives (`PID_MAX_LIMIT`).
        [own.as_str(), "4194999-3", "notes"].into_iter().for_each(file);
        clean_in(place.path());
        let mut left: Vec<_> = fs::read_dir(place.path())
            .expect("listed")
            .map(|entry| entry.expect("one").file_name())
            .collect();
        left.sort();
        assert_eq!(left, [own.as_str(), "notes"]);
    }
}
