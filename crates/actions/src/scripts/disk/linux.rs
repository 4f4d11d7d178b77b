//! Root's own directory on Linux.

use rustix::fs::OFlags;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

const NO_LINKS: i32 = OFlags::NOFOLLOW.union(OFlags::NONBLOCK).bits().cast_signed();

pub(super) fn usual() -> PathBuf {
    "/var/lib/infiniservice/scripts".into()
}

/// It belongs to who runs this, and nobody else may enter it.
pub(super) fn make(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    let found = path.symlink_metadata()?;
    let own = found.is_dir() && found.uid() == rustix::process::geteuid().as_raw();
    if !own || found.mode() & 0o077 != 0 {
        return Err(io::Error::other("it must be a directory that only the agent's own account may enter"));
    }
    Ok(())
}

/// A file for its owner alone; where it must be `new` there is none of this name.
pub(super) fn create(path: &Path, new: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(!new).create_new(new).truncate(false).mode(0o600).custom_flags(NO_LINKS);
    options.open(path)
}

pub(super) fn read(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(NO_LINKS).open(path)
}

pub(super) fn sync(path: &Path) -> io::Result<()> {
    read(path)?.sync_all()
}

pub(super) fn sync_names(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}
