//! `cargo xtask dist`: what users get.

mod empty_root;
mod graph;
mod licences;
pub mod linux;
mod packages;
mod reproducible;
mod sbom;
pub mod site;
mod stage;
pub mod tools;
mod windows;
mod zip;

use anyhow::Result;
use clap::Subcommand;
use std::path::PathBuf;

/// Build what users install
#[derive(Subcommand)]
pub enum Dist {
    /// For x86-64 Linux: one static program, an archive with its install script, .deb and .rpm of guest and host, and an SBOM
    Linux {
        /// Build everything a second time, in another directory, and compare the bytes
        #[arg(long)]
        check_reproducible: bool,
    },
    /// `infiniservice.exe` and `infinictl.exe` for 64-bit Windows, built here, and a zip with their installer
    Windows {
        /// Make the quick build that the tests use, and leave it where it was built
        #[arg(long)]
        debug: bool,
    },
}

impl Dist {
    /// Builds, and tells where it is.
    pub fn run(&self) -> Result<()> {
        match *self {
            Self::Linux { check_reproducible: true } => reproducible::run_twice(),
            Self::Linux { check_reproducible: false } => linux::run(),
            Self::Windows { debug } => windows::run(debug),
        }
    }
}

/// The agent as users get it, for what measures and tries it; built where it is not.
pub fn released_agent() -> Result<PathBuf> {
    linux::agent(&site::Site::here()?)
}
