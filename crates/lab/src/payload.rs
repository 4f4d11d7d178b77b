//! What the host gives to a guest: a directory as a read-only disk, mounted there at [`MOUNT_POINT`].

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::image::build::make_disk;

/// Where the guest finds the directory.
pub const MOUNT_POINT: &str = "/mnt/payload";
/// The volume label by which the guest's fstab knows the disk.
const LABEL: &str = "payload";
/// Room for the file system's own tables, in MiB.
const OVERHEAD_MIB: u64 = 16;

/// Fills `directory` as an operator's disk is: the agent's program, and beside it what `packaging` holds.
pub fn fill(directory: &Path, agent: &Path, packaging: &Path) -> Result<()> {
    let copy = |from: &Path, name: &std::ffi::OsStr| {
        fs::copy(from, directory.join(name)).with_context(|| format!("cannot copy {}", from.display()))
    };
    copy(agent, "infiniservice".as_ref())?;
    for entry in fs::read_dir(packaging).with_context(|| format!("cannot read {}", packaging.display()))? {
        let entry = entry?;
        // Directories hold what only packages are made of.
        if entry.file_type()?.is_file() {
            copy(&entry.path(), &entry.file_name())?;
        }
    }
    Ok(())
}

/// Puts `files` beside them.
pub fn add(directory: &Path, files: &[PathBuf]) -> Result<()> {
    for file in files {
        let name = file.file_name().with_context(|| format!("{} has no name", file.display()))?;
        fs::copy(file, directory.join(name)).with_context(|| format!("cannot copy {}", file.display()))?;
    }
    Ok(())
}

/// Makes the disk of `directory`, or an empty one: without any the guest would wait for it at boot.
pub fn make(disk: &Path, directory: Option<&Path>) -> Result<()> {
    let empty = tempfile::tempdir()?;
    let directory = directory.unwrap_or(empty.path());
    let bytes = allocated(directory).with_context(|| format!("cannot read {}", directory.display()))?;
    let mib = bytes.div_ceil(1024 * 1024) * 5 / 4 + OVERHEAD_MIB;
    make_disk(disk, u32::try_from(mib).context("the payload is too large")?, LABEL, directory)
}

/// Bytes that the tree takes, each file rounded up to whole blocks of 4 KiB.
fn allocated(directory: &Path) -> Result<u64> {
    let mut bytes = 4096;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += if metadata.is_dir() {
            allocated(&entry.path())?
        } else {
            metadata.size().next_multiple_of(4096)
        };
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_measured_in_whole_blocks() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("sub")).unwrap();
        fs::write(dir.path().join("sub/one"), [0; 5000]).unwrap();
        assert_eq!(allocated(dir.path()).unwrap(), 4096 + 4096 + 8192);
    }

    #[test]
    fn a_missing_directory_is_named() {
        let error = make(Path::new("/dev/null"), Some(Path::new("/no/such/dir"))).unwrap_err();
        assert!(format!("{error:#}").contains("/no/such/dir"));
    }
}
