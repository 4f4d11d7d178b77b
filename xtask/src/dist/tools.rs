//! Cargo's packagers and licence checker: programs, not crates of this workspace, so that nobody builds them who does not need
//! them.

use crate::steps::{cargo, root, run};
use anyhow::{Context, Result};
use infiniservice_lab::command::find;
use std::path::PathBuf;

/// Each with the version that was tried: with those of the packagers the release's bytes were compared.
const VERSIONS: &[(&str, &str)] =
    &[("cargo-deb", "3.8.0"), ("cargo-deny", "0.20.2"), ("cargo-generate-rpm", "0.21.1")];

/// Where the tool is; one that is missing is installed.
pub fn ensure(tool: &str) -> Result<PathBuf> {
    if let Some(path) = find(tool) {
        return Ok(path);
    }
    let (_, version) = VERSIONS.iter().find(|(name, _)| *name == tool).context("a tool of the list")?;
    println!("    {tool} is missing: installing it");
    let mut install = cargo(&["install", "--locked", "--debug", tool, "--version", version]);
    // Quick to build counts more than quick to run: they run for seconds, and nobody debugs them. What two of them depend on
    // is built once.
    install.env("CARGO_PROFILE_DEV_DEBUG", "0").env("CARGO_TARGET_DIR", root().join("target/tools"));
    run(&mut install)?;
    find(tool).with_context(|| format!("{tool} was installed, but is not in PATH"))
}
