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
    /// Of the package.
    name: &'static str,
    /// Of the crate.
    crate_name: &'static str,
    /// Where the crate is.
    directory: &'static str,
    /// What the packagers are to take of the manifest, each where it has several packages.
    deb_variant: Option<&'static str>,
    rpm_variant: Option<&'static str>,
}

/// The agent, what makes it the machine's QEMU guest agent, the host's command, and the host's daemon.
pub const ALL: [Package; 4] = [
    Package { name: "infiniservice", deb_variant: None, rpm_variant: Some("guest"), ..AGENT },
    Package { name: "infiniservice-qga", deb_variant: Some("qga"), rpm_variant: Some("qga"), ..AGENT },
    Package { name: "infinictl", crate_name: "infinictl", directory: "crates/infinictl", ..AGENT },
    Package { name: "infinihub", crate_name: "infinihub", directory: "crates/hub", ..AGENT },
];

const AGENT: Package = Package {
    name: "infiniservice",
    crate_name: "infiniservice",
    directory: "crates/agent",
    deb_variant: None,
    rpm_variant: None,
};

/// Its path; the name is what apt's own tools would give it.
pub fn deb(site: &Site, package: &Package) -> Result<PathBuf> {
    let path = site.out().join(format!("{}_{}-1_amd64.deb", package.name, env!("CARGO_PKG_VERSION")));
    let tool = tools::ensure("cargo-deb")?;
    // It strips nothing: the programs are stripped, and their bytes are those of the archive.
    let arguments =
        ["--package", package.crate_name, "--target", TARGET, "--no-build", "--no-strip", "--locked"];
    run(site.command(tool, &arguments).args(variant(package.deb_variant)).arg("--output").arg(&path))?;
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
    let mut command = site.command(tool, &arguments);
    command.args(variant(package.rpm_variant)).args(["--source-date", &site.epoch, "--output"]);
    run(command.arg(&path))?;
    Ok(path)
}

fn variant(name: Option<&'static str>) -> impl Iterator<Item = &'static str> {
    name.into_iter().flat_map(|name| ["--variant", name])
}
