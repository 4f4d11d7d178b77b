//! The .deb and the .rpm of guests and of hosts, of what was laid out. What goes where in them stands in the manifests of the
//! programs' crates.

use super::site::{Site, TARGET};
use super::tools;
use crate::steps::run;
use anyhow::Result;
use std::path::PathBuf;

/// A program that has packages.
#[derive(Debug)]
pub struct Package {
    /// Of the package, and of the crate.
    name: &'static str,
    /// Where the crate is.
    directory: &'static str,
}

/// The agent.
pub const GUEST: Package = Package { name: "infiniservice", directory: "crates/agent" };
/// The host's command.
pub const HOST: Package = Package { name: "infinictl", directory: "crates/infinictl" };

/// Its path; the name is what apt's own tools would give it.
pub fn deb(site: &Site, package: &Package) -> Result<PathBuf> {
    let name = package.name;
    let path = site.out().join(format!("{name}_{}-1_amd64.deb", env!("CARGO_PKG_VERSION")));
    let tool = tools::ensure("cargo-deb")?;
    // It strips nothing: the programs are stripped, and their bytes are those of the archive.
    let arguments =
        ["--package", name, "--target", TARGET, "--no-build", "--no-strip", "--locked", "--output"];
    run(site.command(tool, &arguments).arg(&path))?;
    Ok(path)
}

/// Its path.
pub fn rpm(site: &Site, package: &Package) -> Result<PathBuf> {
    let path = site.out().join(format!("{}-{}-1.x86_64.rpm", package.name, env!("CARGO_PKG_VERSION")));
    let tool = tools::ensure("cargo-generate-rpm")?;
    // A static program requires no library; gzip is what every rpm reads.
    let arguments = [
        "--package",
        package.directory,
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
