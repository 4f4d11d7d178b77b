//! Where the programs under test are.

use anyhow::{Result, ensure};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// The workspace's root.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap_or(Path::new(".")).to_path_buf()
}

/// A program of the release build; `variable` in the environment names another one.
pub fn release(program: &str, variable: &str) -> Result<PathBuf> {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), PathBuf::from);
    let built = target.join("release").join(program);
    let path = env::var_os(variable).map_or(built, PathBuf::from);
    ensure!(path.is_file(), "{} is not there: cargo build --release -p {program}", path.display());
    Ok(path)
}

/// A program of the build that the running test belongs to: `cargo test` puts programs beside the tests' directory.
pub fn tested(program: &str) -> Result<PathBuf> {
    let test = env::current_exe()?;
    let path = test.ancestors().nth(2).unwrap_or(Path::new(".")).join(program);
    ensure!(path.is_file(), "{} is not there: cargo build --bin {program}", path.display());
    Ok(path)
}

/// The agent of the build that the running test belongs to.
pub fn tested_agent() -> Result<PathBuf> {
    tested("infiniservice")
}

/// The agent of the release build.
pub fn agent() -> Result<PathBuf> {
    release("infiniservice", "INFINISERVICE_AGENT")
}

/// Archive and packages of the release for Linux; `INFINISERVICE_DIST` names another directory with such. None where none were made.
pub fn packages() -> Result<Vec<PathBuf>> {
    let made = workspace().join("target/dist/linux");
    let directory = env::var_os("INFINISERVICE_DIST").map_or(made, PathBuf::from);
    let Ok(entries) = fs::read_dir(directory) else { return Ok(Vec::new()) };
    let paths: std::io::Result<Vec<_>> = entries.map(|entry| Ok(entry?.path())).collect();
    let is_one = |path: &PathBuf| path.extension().is_some_and(|it| it == "deb" || it == "rpm" || it == "gz");
    Ok(paths?.into_iter().filter(is_one).collect())
}

/// A program built for Windows; `variable` in the environment names another one.
pub fn windows(program: &str, variable: &str) -> Result<PathBuf> {
    let built = workspace().join("target/windows/x86_64-pc-windows-gnu/debug").join(program);
    let path = env::var_os(variable).map_or(built, PathBuf::from);
    ensure!(path.is_file(), "{} is not there: cargo xtask dist windows --debug", path.display());
    Ok(path)
}

/// The host's end of the release build.
pub fn infinictl() -> Result<PathBuf> {
    release("infinictl", "INFINISERVICE_INFINICTL")
}
