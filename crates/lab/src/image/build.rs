//! The making of an image: packages by mmdebstrap, the overlay, a file system made without mounting anything.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::overlay;
use super::recipe::Recipe;
use crate::apt::{self, Sources};
use crate::{command, tree};

pub(super) const DISK: &str = "disk.img";
pub(super) const KERNEL: &str = "vmlinuz";
pub(super) const INITRD: &str = "initrd";

/// Documentation is left out: it is half of a minimal system's files.
const EXCLUDED: [&str; 3] = ["/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*"];

/// Builds the image of `recipe` at `target`, which appears only when it is complete.
pub(super) fn build(recipe: &Recipe, target: &Path) -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        bail!("mmdebstrap needs root, for the owners and modes of the machine's files");
    }
    let work = target.with_extension("partial");
    // A build that was interrupted leaves what was mounted for its packages.
    tree::remove(&work)?;
    fs::create_dir_all(&work)?;
    let root = work.join("root");
    install(recipe, &work, &root)?;
    configure(recipe, &root)?;
    if recipe.boots() {
        take_boot_file(&root, "vmlinuz-", &work.join(KERNEL))?;
        take_boot_file(&root, "initrd.img-", &work.join(INITRD))?;
    }
    make_disk(&work.join(DISK), recipe.disk_mib, "root", &root)?;
    tree::remove(&root)?;
    fs::rename(&work, target).with_context(|| format!("cannot rename to {}", target.display()))
}

/// Installs the packages from the host's own mirrors, and leaves no trace of those in the tree.
fn install(recipe: &Recipe, work: &Path, root: &Path) -> Result<()> {
    let options = work.join("apt.conf");
    fs::write(&options, apt::fetch_options()?)?;
    let sources = Sources::of(&recipe.suite)?.write_to(work)?;
    let mut mmdebstrap = command::program("mmdebstrap")?;
    mmdebstrap.args(["--mode=root", "--variant=minbase", "--quiet"]);
    mmdebstrap.arg(format!("--architectures={}", recipe.architecture));
    mmdebstrap.arg(format!("--aptopt={}", options.display()));
    mmdebstrap.args(EXCLUDED.map(|path| format!("--dpkgopt=path-exclude={path}")));
    mmdebstrap.arg(format!("--include={}", recipe.packages.join(",")));
    mmdebstrap.arg(&recipe.suite).arg(root).args(&sources);
    command::output_of(&mut mmdebstrap)?;
    for path in ["etc/apt/sources.list.d", "etc/apt/sources.list", "etc/apt/apt.conf.d/99mmdebstrap"] {
        remove(&root.join(path))?;
    }
    fs::create_dir(root.join("etc/apt/sources.list.d"))?;
    Ok(())
}

fn configure(recipe: &Recipe, root: &Path) -> Result<()> {
    overlay::apply(&recipe.overlay, root)?;
    if recipe.boots() {
        command::run("chroot", [root.as_os_str(), "update-tirfs".as_ref()])?;
    }
    for (script, argument) in &recipe.scripts {
        let words = ["sh", "-c", script, "script", argument].map(OsStr::new);
        command::run("chroot", [root.as_os_str()].into_iter().chain(words))?;
    }
    Ok(())
}

fn remove(path: &Path) -> Result<()> {
    match path.symlink_metadata() {
        Err(_) => Ok(()),
        Ok(metadata) if metadata.is_dir() => tree::remove(path),
        Ok(_) => Ok(fs::remove_file(path)?),
    }
}

/// Copies the one file of `/boot` whose name starts with `prefix`.
fn take_boot_file(root: &Path, prefix: &str, target: &Path) -> Result<()> {
    let mut found: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(root.join("boot"))? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(prefix) {
            found.push(entry.path());
        }
    }
    match found.as_slice() {
        [file] => fs::copy(file, target).map(drop).context("cannot copy the kernel's files"),
        _ => bail!("{} files named {prefix}* in /boot, one is expected", found.len()),
    }
}

/// Makes a sparse disk of `mib` MiB that holds the tree at `root` as ext4 with the volume label `label`.
pub fn make_disk(disk: &Path, mib: u32, label: &str, root: &Path) -> Result<()> {
    let file = File::create(disk).with_context(|| format!("cannot create {}", disk.display()))?;
    file.set_len(u64::from(mib) * 1024 * 1024)?;
    let mut mkfs = command::program("mkfs.ext4")?;
    mkfs.args(["-q", "-F", "-E", "lazy_itable_init=1,lazy_journal_init=1", "-L", label, "-d"]);
    mkfs.arg(root).arg(disk);
    command::output_of(&mut mkfs)?;
    Ok(())
}
