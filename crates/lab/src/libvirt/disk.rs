//! The domain's disk: a copy of the lab's image, with the agent installed into it while no machine runs from it.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::command;
use crate::image::Image;
use crate::image::build::make_disk;
use crate::image::overlay::{self, Entry};

/// The root disk in the domain's directory, and kernel and initrd beside it.
pub(super) const DISK: &str = "disk.img";
pub(super) const KERNEL: &str = "vmlinuz";
pub(super) const INITRD: &str = "initrd";
/// The second disk, with an empty file system.
pub(super) const DATA: &str = "data.img";
/// Where the root disk is mounted while the agent is installed.
const ROOT: &str = "root";
/// The second disk's size, and its label.
const DATA_MIB: u32 = 96;
const DATA_LABEL: &str = "data";

/// Copies the image. libvirt gives the files that it is told of to its QEMU's user for as long as a machine runs, so
/// those that others share must not be named to it.
pub(super) fn copy(image: &Image, dir: &Path) -> Result<()> {
    let pairs = [(image.disk(), DISK), (image.kernel(), KERNEL), (image.initrd(), INITRD)];
    for (from, name) in pairs {
        let to = dir.join(name);
        command::run(
            "cp",
            ["--sparse=always".as_ref(), "--reflink=auto".as_ref(), from.as_os_str(), to.as_os_str()],
        )?;
    }
    let nothing = tempfile::tempdir()?;
    make_disk(&dir.join(DATA), DATA_MIB, DATA_LABEL, nothing.path())
}

/// Installs the agent from `payload` with `install-linux.sh --root`, as an image is built, and lays files over the system.
pub(super) fn install(dir: &Path, payload: &Path, vm_id: &str, over: &[Entry]) -> Result<()> {
    let root = dir.join(ROOT);
    fs::create_dir(&root)?;
    let mounted = Mounted::disk(&dir.join(DISK), &root)?;
    let script = payload.join("install-linux.sh");
    let said = command::run(
        "sh",
        [script.as_os_str(), "--root".as_ref(), root.as_os_str(), "--vm-id".as_ref(), vm_id.as_ref()],
    )?;
    println!("    install-linux.sh --root: {}", said.trim());
    overlay::apply(over, &root)?;
    mounted.unmount()?;
    Ok(fs::remove_dir(&root)?)
}

/// Unmounts what a run left mounted that was ended while it installed.
pub(super) fn unmount(dir: &Path) {
    let _not_mounted = command::run("umount", [dir.join(ROOT)]);
}

/// A disk mounted by a loop device, which goes with the mount.
struct Mounted<'a>(Option<&'a Path>);

impl<'a> Mounted<'a> {
    fn disk(disk: &Path, at: &'a Path) -> Result<Self> {
        command::run("mount", ["-o".as_ref(), "loop".as_ref(), disk.as_os_str(), at.as_os_str()])?;
        Ok(Self(Some(at)))
    }

    /// Unmounts; only then is everything in the disk's file.
    fn unmount(mut self) -> Result<()> {
        let at = self.0.take().context("mounted")?;
        command::run("umount", [at]).map(drop)
    }
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        if let Some(at) = self.0 {
            let _told_by_the_error_before = command::run("umount", [at]);
        }
    }
}
