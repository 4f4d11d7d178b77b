//! The .deb and the .rpm, of what was laid out. What goes where in them stands in `crates/agent/Cargo.toml`.

use super::site::{Site, TARGET};
use super::tools;
use crate::steps::run;
use anyhow::Result;
use std::path::PathBuf;

/// Its path; the name is what apt's own tools would give it.
pub fn deb(site: &Site) -> Result<PathBuf> {
    let path = site.out().join(format!("infiniservice_{}-1_amd64.deb", env!("CARGO_PKG_VERSION")));
    let tool = tools::ensure("cargo-deb")?;
    // It strips nothing: the programs are stripped, and their bytes are those of the archive.
    let arguments = [
        "--package",
        "infiniservice",
        "--target",
        TARGET,
        "--no-build",
        "--no-strip",
        "--locked",
        "--output",
    ];
    run(site.command(tool, &arguments).arg(&path))?;
    Ok(path)
}

/// Its path.
pub fn rpm(site: &Site) -> Result<PathBuf> {
    let path = site.out().join(format!("infiniservice-{}-1.x86_64.rpm", env!("CARGO_PKG_VERSION")));
    let tool = tools::ensure("cargo-generate-rpm")?;
    // A static program requires no library; gzip is what every rpm reads.
    let arguments = [
        "--package",
        "crates/agent",
        "--target",
        TARGET,
        "--auto-req",
        "disabled",
        "--payload-compress",
        "gzip",
    ];
    run(site.command(tool, &arguments).args(["--source-date", &site.epoch, "--output"]).arg(&path))?;
    Ok(path)
}
