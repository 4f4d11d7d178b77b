//! Cargo's packagers: programs, not crates of this workspace, so that nobody builds them who does not package.

use crate::steps::{cargo, run};
use anyhow::{Context, Result};
use infiniservice_lab::command::find;
use std::path::PathBuf;

/// Each with the version that the release's bytes were compared with.
const VERSIONS: &[(&str, &str)] = &[("cargo-deb", "3.8.0"), ("cargo-generate-rpm", "0.21.1")];

/// Where the tool is; one that is missing is installed.
pub fn ensure(tool: &str) -> Result<PathBuf> {
    if let Some(path) = find(tool) {
        return Ok(path);
    }
    let (_, version) = VERSIONS.iter().find(|(name, _)| *name == tool).context("a tool of the list")?;
    println!("    {tool} is missing: installing it");
    // Quick to build counts more than quick to run: they run for seconds.
    run(&mut cargo(&["install", "--locked", "--debug", tool, "--version", version]))?;
    find(tool).with_context(|| format!("{tool} was installed, but is not in PATH"))
}
