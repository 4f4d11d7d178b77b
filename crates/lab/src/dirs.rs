//! Where the lab keeps things: the workspace's `.lab` directory, unless the environment names another.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Environment variable that moves the lab's directory, so that several checkouts can share one image.
pub const LAB_DIR_VARIABLE: &str = "INFINISERVICE_LAB_DIR";

/// The root of the workspace that this crate was compiled in.
pub fn workspace_root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.ancestors().nth(2).unwrap_or(manifest).to_path_buf()
}

/// The lab's directory, created where it is missing.
pub fn lab_dir() -> Result<PathBuf> {
    let dir = match env::var_os(LAB_DIR_VARIABLE) {
        Some(dir) if !dir.is_empty() => std::path::absolute(dir)?,
        _ => workspace_root().join(".lab"),
    };
    fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
    Ok(dir)
}

/// State of the machine that `cargo xtask lab up` keeps running: sockets, console log, process id.
pub fn run_dir() -> Result<PathBuf> {
    Ok(lab_dir()?.join("run"))
}

/// Takes the advisory lock `name` in `dir`, waiting for whoever has it. Dropping the file gives it back.
pub fn lock(dir: &Path, name: &str) -> Result<File> {
    let path = dir.join(name);
    let file = File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
    file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
    Ok(file)
}
