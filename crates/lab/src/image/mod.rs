//! Images: made once from a recipe, then taken from the cache.

pub(crate) mod build;
pub mod overlay;
pub mod recipe;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use anyhow::{Context, Result};

use crate::dirs;
use crate::{packages, tree};
use recipe::Recipe;

/// Older images of the same variant that are kept: other branches may share the cache.
const KEPT_OLD_IMAGES: usize = 2;

/// A bootable image. Its files are never written to: machines run on a throw-away layer above the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    dir: PathBuf,
}

impl Image {
    /// The image of `recipe`: from the cache, or built now, which takes about a minute and needs root. Whoever comes
    /// second waits for the first to finish building.
    pub fn ensure(recipe: &Recipe) -> Result<Self> {
        let lab = dirs::lab_dir()?;
        let dir = lab.join(format!("image-{}", recipe.key()?));
        // One variant does not wait for the building of another.
        let _lock = dirs::lock(&lab, &format!("image-{}.lock", recipe.name))?;
        if !dir.is_dir() {
            packages::ensure(packages::LAB)?;
            eprintln!("building the {} image, which takes about a minute the first time", recipe.name);
            let start = Instant::now();
            build::build(recipe, &dir).context("cannot build the machine's image")?;
            eprintln!("built {} in {:.0} s", dir.display(), start.elapsed().as_secs_f64());
            remove_old(&lab, recipe.name, &dir)?;
        }
        Ok(Self { dir })
    }

    /// The image in a directory that holds its files.
    pub fn at(dir: &Path) -> Self {
        Self { dir: dir.to_path_buf() }
    }

    /// The root disk, raw ext4.
    pub fn disk(&self) -> PathBuf {
        self.dir.join(build::DISK)
    }

    /// The kernel, for QEMU's direct boot.
    pub fn kernel(&self) -> PathBuf {
        self.dir.join(build::KERNEL)
    }

    /// The early user space that goes with the kernel.
    pub fn initrd(&self) -> PathBuf {
        self.dir.join(build::INITRD)
    }
}

/// Removes all but the newest old images of the variant, so that the cache does not grow with each change.
fn remove_old(lab: &Path, variant: &str, current: &Path) -> Result<()> {
    let prefix = format!("image-{variant}-");
    let mut old: Vec<(SystemTime, PathBuf)> = Vec::new();
    for entry in fs::read_dir(lab)? {
        let entry = entry?;
        let named = entry.file_name().to_string_lossy().starts_with(&prefix);
        if named && entry.path() != current {
            old.push((entry.metadata()?.modified()?, entry.path()));
        }
    }
    old.sort();
    for (_, dir) in old.iter().rev().skip(KEPT_OLD_IMAGES) {
        tree::remove(dir).with_context(|| format!("cannot remove {}", dir.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_newest_images_of_the_variant_are_kept() {
        let lab = tempfile::tempdir().unwrap();
        let dirs: Vec<PathBuf> = (0..4).map(|n| lab.path().join(format!("image-debian-{n}"))).collect();
        for (age, dir) in dirs.iter().enumerate() {
            fs::create_dir(dir).unwrap();
            let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(age as u64);
            fs::File::open(dir).unwrap().set_modified(time).unwrap();
        }
        fs::create_dir(lab.path().join("image-fedora-0")).unwrap();
        let current = dirs.first().unwrap();
        remove_old(lab.path(), "debian", current).unwrap();
        let left: Vec<bool> = dirs.iter().map(|dir| dir.exists()).collect();
        assert_eq!(left, [true, false, true, true]);
        assert!(lab.path().join("image-fedora-0").exists());
    }
}
